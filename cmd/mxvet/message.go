package main

import (
	"context"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mxvet/internal/message"
)

func messageCommand(w world) *cobra.Command {
	var f receiveFlags
	var authserv, by []string
	cmd := &cobra.Command{
		Use:   "message FILE.eml",
		Short: "a received message: SPF, DKIM, DMARC, ARC and what is weak in it",
		Long: `message examines one message as it was received, "-" from the standard input: its
DKIM signatures verified against the DNS, SPF for the client that brought it,
alignment and DMARC as both kinds of receiver find them, the seals of forwarders,
and weak points of its header. The file is the whole source of the message.

Who brought the message is read from the Received field at which it came to your own
servers. Which one that is, --by says: a host, a domain, an address or a network of
yours; without it the topmost field with a public client is taken, and what speaks
against it is said. What the client said of itself, and fields that it may have
written, decide nothing: where no trustworthy field is left, the path is unknown, and
--ip, --helo and --mail-from name it. Authentication-Results fields are shown, and
believed only where --authserv-id names the server and the sender cannot have written
them.

Exit codes: 0 an aligned domain is proved for every kind of receiver, 1 for some
it is not, 3 an answer that matters is not known.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.message(cmd.Context(), w, args[0], authserv, by)
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd.Flags(), "html", "json", "text")
	cmd.Flags().StringArrayVar(&authserv, "authserv-id", nil, "your own server's name in Authentication-Results; repeatable")
	cmd.Flags().StringArrayVar(&by, "by", nil, "your own servers, as Received fields name them: host, domain, address or network; repeatable")
	return cmd
}

func (f *receiveFlags) message(ctx context.Context, w world, name string, authserv, by []string) error {
	if err := f.settle(w); err != nil {
		return err
	}
	formats, err := f.check()
	if err != nil {
		return err
	}
	o := message.Options{Helo: f.helo, Authserv: authserv, By: by, HasSender: f.given("mail-from")}
	if o.IP, err = f.address(); err != nil {
		return err
	}
	if o.Sender, err = f.sender(); err != nil {
		return err
	}
	if err := f.checkHelo(); err != nil {
		return err
	}
	for _, s := range by {
		if !namesServers(s) {
			return usagef("--by %q is no name, address or network: type one, as in --by example.net or --by 192.0.2.0/24, and the flag again for another", s)
		}
	}
	for _, s := range authserv {
		if s == "" || strings.ContainsAny(s, " <>;\t\r\n\x00") {
			return usagef("--authserv-id %q is no name: type it as your server writes it first in Authentication-Results, as in --authserv-id mx.example.net", s)
		}
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
	if stopped := interrupted(ctx, "the look at the message"); stopped != nil {
		return stopped
	}
	if result.File = name; name == "-" {
		result.File = "standard input"
	}
	return f.conclude(w, outs, tape, outcome{result.Verdict, result.Why, result, result.Text, result.HTML})
}

// namesServers reports whether --by can mean something: an address, a network, or the
// name of a host or domain.
func namesServers(s string) bool {
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return true
	}
	_, err := parseDomain(s)
	if err != nil && s != "" && !strings.Contains(s, ".") { // a host without its domain
		_, err = parseDomain(s + ".example")
	}
	return err == nil
}

// readMessage reads the message in a file, or from the standard input.
func readMessage(w world, name string) (*message.Message, error) {
	in, shown := w.stdin, "standard input"
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usagef("read message: %w", err)
		}
		if info, err := file.Stat(); err == nil && info.IsDir() {
			file.Close()
			return nil, usagef("%s is a folder: name one file in it", name)
		}
		defer file.Close()
		in, shown = file, name
	}
	m, err := message.Read(in)
	if err != nil {
		return nil, usagef("%s: %w", strings.TrimSpace(shown), err)
	}
	return m, nil
}
