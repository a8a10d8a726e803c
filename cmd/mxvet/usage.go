package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A once is a flag that names one file: a second one would be taken without a word in
// the place of the first.
type once struct {
	value *string
	given bool
}

func (o *once) String() string { return *o.value }
func (o *once) Type() string   { return "string" }

func (o *once) Set(s string) error {
	if o.given {
		return errors.New("it is given twice")
	}
	*o.value, o.given = s, true
	return nil
}

// file adds a flag that names a file.
func file(set *pflag.FlagSet, value *string, name, short, usage string) {
	set.VarP(&once{value: value}, name, short, usage)
}

// fileFlags name files that are read, or that a recording is written to.
var fileFlags = []string{"config", "zone", "policy", "ca-file", "psl-file", "replay", "record"}

// checkFiles refuses files without a name, and - for the standard input, which no flag
// reads.
func (f *auditFlags) checkFiles() error {
	for _, name := range fileFlags {
		flag := f.set.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			switch {
			case v == "":
				return usagef("--%s: empty file name", name)
			case v == "-" && name == "record":
				return usagef("--record -: a recording goes to a file: name one, as in --record ./-, or /dev/stdout")
			case v == "-":
				return usagef("--%s -: no flag reads the standard input: name a file, or /dev/stdin", name)
			}
		}
	}
	return nil
}

// flagError says what is wrong with a flag in words of the command line, and which one
// may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	if name, unknown := strings.CutPrefix(text, "unknown flag: --"); unknown {
		best, near := 3, ""
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if n := distance(name, f.Name); n < best {
				best, near = n, f.Name
			}
		})
		switch {
		case name == "version":
			return usagef("%s: did you mean mxvet version?", text)
		case near != "":
			return usagef("%s: did you mean --%s?", text, near)
		}
	}
	return usagef("%w", plainer(err))
}

// plainer puts the words of the library that reads numbers, times and yes or no into
// those of the command line.
func plainer(err error) error {
	text := err.Error()
	for what, plain := range map[string]string{
		"strconv.ParseBool: ": "type true or false",
		"strconv.ParseInt: ":  "type a whole number",
		"strconv.Atoi: ":      "type a whole number",
		"time: ":              "type a time with its unit, as in 45s or 2m",
	} {
		if before, _, found := strings.Cut(text, what); found {
			return errors.New(before + plain)
		}
	}
	return err
}

// inWords gives each command below cmd arguments whose faults are told as what to type.
func inWords(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		inWords(c)
		check := c.Args
		if check == nil {
			continue
		}
		c.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) == nil {
				return nil
			}
			_, shape, _ := strings.Cut(c.Use, " ")
			return usagef("wrong number of arguments (%d): type it as %s", len(args), strings.TrimSpace(c.CommandPath()+" "+shape))
		}
	}
}

// noCommand says of a word that is neither a command nor a domain what may have been
// meant; nil where it may be a domain.
func noCommand(root *cobra.Command, word string) error {
	if word == "" || strings.ContainsAny(word, ".:/@[ ") {
		return nil
	}
	best, near := 3, ""
	for _, c := range root.Commands() {
		if n := distance(strings.ToLower(word), c.Name()); n < best {
			best, near = n, fmt.Sprintf(": did you mean mxvet %s?", c.Name())
		}
	}
	return usagef("%q is no command, and no domain, which has a dot%s; mxvet --help lists the commands", word, near)
}

// helpCommand is that of cobra, but for a word that is no command, which is wrong
// usage.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "what a command does, and its flags",
		RunE: func(_ *cobra.Command, args []string) error {
			sub, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("no command %q: mxvet --help lists the commands", strings.Join(args, " "))
			}
			return sub.Help()
		},
	}
}
