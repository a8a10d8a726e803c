package main

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mxvet/internal/message"
)

func messageCommand(w world) *cobra.Command {
	var f receiveFlags
	var authserv []string
	cmd := &cobra.Command{
		Use:   "message FILE.eml",
		Short: "a received message: SPF, DKIM, DMARC, ARC and what is weak in it",
		Long: `message examines one message as it was received, "-" from the standard input: its
DKIM signatures verified against the DNS, SPF for the client that brought it,
alignment and DMARC as both kinds of receiver find them, the seals of forwarders,
and weak points of its header. The file is the whole source of the message.

The client's address is read from the Received fields, which is a guess; --ip,
--helo and --mail-from say it for certain. Authentication-Results fields are shown,
and compared only where --authserv-id names the server, because anybody can write
them.

Exit codes: 0 an aligned domain is proved for every kind of receiver, 1 for some
it is not, 2 wrong usage or no message, 3 an answer that matters is not known.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.message(cmd.Context(), w, args[0], authserv)
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&authserv, "authserv-id", nil, "your own server's name in Authentication-Results; repeatable")
	return cmd
}

func (f *receiveFlags) message(ctx context.Context, w world, name string, authserv []string) error {
	if err := f.settle(w); err != nil {
		return err
	}
	formats, err := f.check()
	if err != nil {
		return err
	}
	o := message.Options{Helo: f.helo, Authserv: authserv, HasSender: f.given("mail-from")}
	if o.IP, err = f.address(); err != nil {
		return err
	}
	if o.Sender, err = f.sender(); err != nil {
		return err
	}
	if err := f.checkHelo(); err != nil {
		return err
	}
	m, err := readMessage(w, name)
	if err != nil {
		return err
	}
	tables, err := f.tables()
	if err != nil {
		return err
	}
	tape, _, done, err := f.source(w, "message", tables.Suffixes)
	if err != nil {
		return err
	}
	defer done()
	outs, err := stage(w, formats, f.record, f.inputs(name))
	if err != nil {
		return err
	}
	o.At = tape.Header().At
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	result := message.Check(ctx, tape, tables.Suffixes, m, o)
	if result.File = name; name == "-" {
		result.File = "standard input"
	}
	return f.conclude(w, outs, tape, result.Verdict, result, result.Text)
}

// readMessage reads no more of a file than a message may have.
func readMessage(w world, name string) (*message.Message, error) {
	in, shown := w.stdin, "standard input"
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usagef("read message: %w", err)
		}
		defer file.Close()
		in, shown = file, name
	}
	data, err := io.ReadAll(io.LimitReader(in, message.MaxSize+1))
	if err != nil {
		return nil, usagef("read message: %w", err)
	}
	m, err := message.Parse(data)
	if err != nil {
		return nil, usagef("%s: %w", strings.TrimSpace(shown), err)
	}
	return m, nil
}
