package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mxvet/internal/together"
	"mxvet/report"
)

// Exit codes, the same for every output format. For several domains the most
// telling one wins: 4, then 2, then 1, then 3, then 0.
const (
	exitOK          = 0
	exitFindings    = 1   // a finding at or over --fail-on, or a score under --min-score
	exitUsage       = 2   // wrong arguments, flags or configuration
	exitUnknown     = 3   // nothing failed, but a required area gave no usable answer
	exitInternal    = 4   // mxvet itself failed, or a report could not be written
	exitInterrupted = 130 // Ctrl-C; 143 for SIGTERM, 129 for SIGHUP, 131 for SIGQUIT
)

// exits ends the help of every command that audits or judges.
const exits = `

Every such command exits with 2 for wrong usage, 4 where mxvet itself failed or a
report could not be written, and where a signal ended it: 130 interrupted, 143
terminated, 129 hung up, 131 quit. Whatever is not 0 is explained on stderr.`

// A world is what a command may touch of the machine around it, so that tests
// can run whole commands inside one process.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	out, errs      fs.FileInfo // of the two, nil where they are no files
	saving         *sync.Mutex // held while a file is replaced
	now            func() time.Time
	getenv         func(string) string
	environ        func() []string
	hostname       string // of this machine; what it says at EHLO where it is a whole domain name
	terminal       bool   // stdout is one
	width          int    // of the terminal, in cells; 0 where there is none
}

func system() world {
	w := world{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now, getenv: os.Getenv, environ: os.Environ}
	w.hostname, _ = os.Hostname() // without one, EHLO names the address
	w.out, _ = os.Stdout.Stat()
	w.errs, _ = os.Stderr.Stat()
	if shut(os.Stdout, os.Stderr) {
		w.stdout, w.out = closed{}, nil
	}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		w.terminal = true
		w.width, _, _ = term.GetSize(fd)
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		w.width = n
	}
	return w
}

// closed is a standard output that was closed when the program began.
type closed struct{}

func (closed) Write([]byte) (int, error) {
	return 0, errors.New("it is closed: name a file, as in -o text=FILE, or send it away with >/dev/null")
}

// An exitError ends the program with that code. A nil error prints nothing: it was
// told before.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "exit " + strconv.Itoa(e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func internalf(format string, args ...any) error {
	return &exitError{exitInternal, fmt.Errorf(format, args...)}
}

// failed gives exit code 4 for several faults, each of which is told on a line.
func failed(faults []error) error { return &exitError{exitInternal, errors.Join(faults...)} }

// caught makes an error of a panic: a fault of mxvet, whatever made it come up.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = internalf("this is a fault of mxvet and says nothing about the domain: %w; please report it, with a recording if there is one", together.Caught(v))
	}
}

// interrupted gives the error of a run that was stopped while it still asked: what it
// had heard until then is no result, so nothing is written of it.
func interrupted(ctx context.Context, what string) error {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return &exitError{exitInterrupted, fmt.Errorf("%s was not complete, and no report of it was written", what)}
}

// run executes one command line and gives its exit code. Ctrl-C, SIGTERM, SIGHUP and
// SIGQUIT end it within a second, whatever hangs, and a second one at once; a command
// that was done all the same ends as it would have.
func run(args []string, w world) int {
	if w.saving == nil {
		w.saving = new(sync.Mutex)
	}
	signal.Ignore(syscall.SIGPIPE) // whoever reads our output may go: files are written all the same
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // by nohup, or by a shell for what runs in the background
			signal.Notify(told, s)
		}
	}
	defer signal.Stop(told)
	cmd := rootCommand(w)
	help := &kept{to: w.stdout} // cobra tells nobody what becomes of it
	cmd.SetArgs(args)
	cmd.SetIn(w.stdin)
	cmd.SetOut(help)
	cmd.SetErr(w.stderr)
	done := make(chan error, 1)
	go func() { done <- execute(ctx, cmd) }()
	select {
	case err := <-done:
		if err == nil {
			err = written(help.err)
		}
		return conclude(err, w)
	case s := <-told:
		signal.Stop(told)
		cancel()
		select {
		case err := <-done:
			if codeOf(err) != exitInterrupted {
				return conclude(err, w)
			}
			return ended(s, ": "+err.Error(), w)
		case <-time.After(500 * time.Millisecond):
		}
		w.saving.Lock() // a file that is being replaced is replaced first; no other begins
		return ended(s, "", w)
	}
}

// kept is an output whose first fault is kept.
type kept struct {
	to  io.Writer
	err error
}

func (k *kept) Write(data []byte) (int, error) {
	n, err := k.to.Write(data)
	if k.err == nil {
		k.err = err
	}
	return n, err
}

func execute(ctx context.Context, cmd *cobra.Command) (err error) {
	defer caught(&err)
	return cmd.ExecuteContext(ctx)
}

// ended says that a signal ended the run, with the exit code that shells give.
func ended(s os.Signal, what string, w world) int {
	verb, code := "interrupted", exitInterrupted
	switch s {
	case syscall.SIGTERM:
		verb, code = "terminated", 128+int(syscall.SIGTERM)
	case syscall.SIGHUP:
		verb, code = "hung up (SIGHUP)", 128+int(syscall.SIGHUP)
	case syscall.SIGQUIT:
		verb, code = "quit (SIGQUIT)", 128+int(syscall.SIGQUIT)
	}
	fmt.Fprintf(w.stderr, "mxvet: %s%s\n", verb, report.Sanitize(what))
	return code
}

// codeOf gives the exit code of an error. Those of cobra are wrong usage: an unknown
// flag, an unknown command.
func codeOf(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if err != nil {
		return exitUsage
	}
	return exitOK
}

// less reports whether another exit code tells more: 4, 2, 1, 3, 0.
func (e *exitError) less(code int) bool {
	rank := []int{exitOK, exitUnknown, exitFindings, exitUsage, exitInternal}
	return slices.Index(rank, code) > slices.Index(rank, e.code)
}

func conclude(err error, w world) int {
	if err == nil {
		return exitOK
	}
	e, ok := errors.AsType[*exitError](err)
	if !ok {
		e = &exitError{codeOf(err), err}
	}
	for _, line := range lines(e) {
		fmt.Fprintf(w.stderr, "mxvet: %s\n", report.Sanitize(line.Error()))
	}
	return e.code
}

// lines takes joined errors apart, which are told on a line each.
func lines(err error) []error {
	if e, ok := err.(*exitError); ok {
		err = e.err
	}
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func rootCommand(w world) *cobra.Command {
	root := &cobra.Command{
		Use:   "mxvet [DOMAIN...]",
		Short: "audit a mail domain: forgery, delivery, protection in transit",
		Long: `mxvet audits a mail domain and says what to change.

  mxvet audit example.com     what the world can see of the domain, scored
  mxvet demo                  the same on built-in worlds, without a network
  mxvet message FILE.eml      a received message: who it is from, and what proves it
  mxvet simulate example.com --ip 192.0.2.1
                              what receivers would do with a message from there
  mxvet explain RULE          what a finding means and how to mend it
  mxvet rules                 every rule, with severity and source`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	audit := auditCommand(w)
	root.Flags().AddFlagSet(audit.Flags())
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && cmd.Flags().NFlag() == 0 {
			return cmd.Help()
		}
		if len(args) > 0 {
			if err := noCommand(root, args[0]); err != nil {
				return err
			}
		}
		return audit.RunE(cmd, args)
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	judging := []*cobra.Command{audit, demoCommand(w), messageCommand(w), simulateCommand(w)}
	for _, c := range judging {
		c.Long += exits
	}
	root.AddCommand(judging...)
	root.AddCommand(explainCommand(w), rulesCommand(w), configCommand(w), schemaCommand(w), versionCommand(w))
	root.SetHelpCommand(helpCommand(root))
	root.SetFlagErrorFunc(flagError)
	inWords(root)
	return root
}
