package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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
	exitInterrupted = 130 // Ctrl-C
)

// A world is what a command may touch of the machine around it, so that tests
// can run whole commands inside one process.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	getenv         func(string) string
	hostname       string // of this machine; what it says at EHLO where it is a whole domain name
	terminal       bool   // stdout is one
	width          int    // of the terminal, in cells; 0 where there is none
}

func system() world {
	w := world{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now, getenv: os.Getenv}
	w.hostname, _ = os.Hostname() // without one, EHLO names the address
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		w.terminal = true
		w.width, _, _ = term.GetSize(fd)
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		w.width = n
	}
	return w
}

// An exitError ends the program with that code. A nil error prints nothing: the
// report has said it all.
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

// interrupted gives the error of a run that was stopped while it still asked: what it
// had heard until then is no result, so nothing is written of it.
func interrupted(ctx context.Context, what string) error {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return &exitError{exitInterrupted, fmt.Errorf("interrupted: %s was not complete, and no report of it was written", what)}
}

// run executes one command line and gives its exit code. Ctrl-C ends it within
// a second, whatever hangs; a command that was done all the same ends as it would have.
func run(args []string, w world) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cmd := rootCommand(w)
	cmd.SetArgs(args)
	cmd.SetIn(w.stdin)
	cmd.SetOut(w.stdout)
	cmd.SetErr(w.stderr)
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(500 * time.Millisecond):
			err = &exitError{exitInterrupted, errors.New("interrupted")}
		}
	}
	return conclude(err, w)
}

func conclude(err error, w world) int {
	if err == nil {
		return exitOK
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = &exitError{exitUsage, err} // cobra's own: unknown flag, unknown command
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
		return audit.RunE(cmd, args)
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(audit, demoCommand(w), messageCommand(w), simulateCommand(w), explainCommand(w), rulesCommand(w), configCommand(w), schemaCommand(w), versionCommand(w))
	return root
}
