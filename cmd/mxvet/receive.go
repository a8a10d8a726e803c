package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/spf13/pflag"

	"mxvet/internal/audit"
	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/internal/wire"
	"mxvet/report"
)

// receiveFlags are the flags of commands that judge a message as its receiver
// does: where answers come from, and the path of the message.
type receiveFlags struct {
	auditFlags
	ip, mailFrom, helo string
	formats            []string
}

// register adds the flags; formats are those in which the command gives its result.
func (f *receiveFlags) register(set *pflag.FlagSet, formats ...string) {
	f.set, f.formats = set, formats
	set.StringVar(&f.ip, "ip", "", "address of the client that delivers the message")
	set.StringVar(&f.mailFrom, "mail-from", "", "address in MAIL FROM, or its domain; <> is the null sender")
	set.StringVar(&f.helo, "helo", "", "name that the client gives in HELO")
	set.StringArrayVar(&f.resolvers, "resolver", nil, "DNS resolver: ADDRESS[:PORT], tcp:ADDRESS, tls://HOST, https://HOST/PATH; repeatable")
	set.StringVar(&f.pslFile, "psl-file", "", "public suffix list to use instead of the built-in one")
	set.DurationVar(&f.timeout, "timeout", 45*time.Second, "time for all questions")
	file(set, &f.record, "record", "", "keep every answer in this file")
	file(set, &f.replay, "replay", "", "take the answers and the time of day from this file, without the network")
	set.StringArrayVarP(&f.outputs, "output", "o", nil, "FORMAT or FORMAT=FILE, repeatable: "+strings.Join(formats, ", "))
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print less")
}

func (f *receiveFlags) check() ([]output, error) {
	if err := f.checkTimeout(); err != nil {
		return nil, err
	}
	outs, err := parseOutputs(f.outputs)
	if err != nil {
		return nil, err
	}
	for _, o := range outs {
		if !slices.Contains(f.formats, o.format) {
			return nil, usagef("-o %s: choose from %s, as FORMAT or FORMAT=FILE", o.format, strings.Join(f.formats, ", "))
		}
	}
	if f.replay != "" && f.record != "" {
		return nil, usagef("--record with --replay: the recording is there already")
	}
	return outs, nil
}

// address gives the client, invalid where none was named.
func (f *receiveFlags) address() (netip.Addr, error) {
	if f.ip == "" && !f.given("ip") {
		return netip.Addr{}, nil
	}
	ip, err := netip.ParseAddr(f.ip)
	if err != nil || ip.Zone() != "" {
		return ip, usagef("--ip %q is no IP address: type one, as in --ip 192.0.2.1", f.ip)
	}
	return ip.Unmap(), nil
}

// sender gives the address in MAIL FROM, "" for the null sender. A domain alone
// stands for postmaster there (RFC 7208 section 4.3).
func (f *receiveFlags) sender() (string, error) {
	switch {
	case f.mailFrom == "<>", f.mailFrom == "" && !f.given("mail-from"):
		return "", nil
	case f.mailFrom == "":
		return "", usagef("--mail-from is empty: type an address or a domain, or <> for the null sender")
	}
	address := strings.TrimSuffix(strings.TrimPrefix(f.mailFrom, "<"), ">")
	at := strings.LastIndexByte(address, '@')
	local, domain := "postmaster", address
	if at >= 0 {
		local, domain = address[:at], address[at+1:]
	}
	d, err := parseDomain(domain)
	if err != nil || local == "" || len(local) > 64 || strings.ContainsAny(local, " <>\t\r\n\x00") {
		return "", usagef("--mail-from %q is neither a mail address nor a domain: type one, or <> for the null sender", f.mailFrom)
	}
	return local + "@" + d, nil
}

func (f *receiveFlags) checkHelo() error {
	if f.helo == "" && f.given("helo") || len(f.helo) > 255 || strings.ContainsAny(f.helo, " <>\t\r\n\x00") {
		return usagef("--helo %q is no name: type what the client called itself, as in --helo mail.example.com", f.helo)
	}
	if name, err := parseDomain(f.helo); err == nil { // an address literal and a single label are left as they are
		f.helo = name
	}
	return nil
}

// What a recording of these commands holds beside the answers.
type received struct {
	Command string   `json:"command"`
	Assumed []string `json:"assumed,omitempty"`
}

// source gives what answers about the domains: the network behind a tape, what
// the user takes for published laid over it, or a recording. Assumed says what
// was taken for published.
func (f *receiveFlags) source(w world, command string, suffixes *psl.List, domains ...string) (tape *wire.Tape, assumed []string, done func(), err error) {
	done = func() {}
	if f.replay != "" {
		tape, assumed, err = f.replayed()
		return tape, assumed, done, err
	}
	var laid audit.Assumed
	if len(domains) > 0 {
		if laid, err = f.assumed(domains[:1]); err != nil {
			return nil, nil, done, err
		}
	}
	var src wire.Source
	if !f.offline {
		live, err := f.live(w)
		if err != nil {
			return nil, nil, done, err
		}
		src, done = live, live.Close
	}
	src, assumed = laid.Lay(src, suffixes, domains...)
	options, err := json.Marshal(received{command, assumed})
	if err != nil {
		return nil, nil, done, internalf("%w", err)
	}
	header := wire.Header{Tool: "mxvet " + toolVersion(), Options: options, At: w.now().UTC().Truncate(time.Second)}
	return wire.NewTape(src, header), assumed, done, nil
}

// replayed reads the recording of --replay.
func (f *receiveFlags) replayed() (*wire.Tape, []string, error) {
	for _, name := range []string{"zone", "assume", "offline", "resolver"} {
		if f.set.Changed(name) {
			return nil, nil, usagef("--%s with --replay: a recording answers only what was asked when it was made", name)
		}
	}
	file, err := os.Open(f.replay)
	if err != nil {
		return nil, nil, usagef("--replay: %w", err)
	}
	defer file.Close()
	tape, err := wire.LoadTape(file)
	if err != nil {
		return nil, nil, usagef("--replay %s: %w", f.replay, err)
	}
	var r received
	if options := tape.Header().Options; len(options) > 0 {
		if err := json.Unmarshal(options, &r); err != nil {
			return nil, nil, usagef("--replay %s: options of the recording: they are not those of such a command", f.replay)
		}
	}
	return tape, r.Assumed, nil
}

// An outcome is a result that can be written: as text, and in the formats of a command
// besides JSON, which every result has.
type outcome struct {
	verdict simulate.Verdict
	why     string // of the verdict
	result  any
	text    func(*report.Lines, bool)
	html    func(io.Writer) error // nil where the command has no such format
}

// conclude writes the recording and the result, and chooses the exit code.
func (f *receiveFlags) conclude(w world, outs *outputs, tape *wire.Tape, r outcome) error {
	outs.patience = f.timeout
	err := outs.write(tape.Save, func(p *place) (io.Reader, error) {
		var buf bytes.Buffer
		switch p.format {
		case "json":
			data, err := json.MarshalIndent(r.result, "", "  ")
			return bytes.NewReader(asciiJSON(data)), err
		case "html":
			err := r.html(&buf)
			return &buf, err
		}
		lines := report.Lines{Width: w.width}
		r.text(&lines, f.quiet)
		_, err := lines.WriteTo(&buf)
		return &buf, err
	})
	if err != nil {
		return err
	}
	switch r.verdict {
	case simulate.Fail:
		return &exitError{exitFindings, fmt.Errorf("exit %d: the message does not pass everywhere: %s", exitFindings, r.why)}
	case simulate.Unknown:
		return &exitError{exitUnknown, fmt.Errorf("exit %d: whether the message passes is not known: %s", exitUnknown, r.why)}
	}
	return nil
}

// asciiJSON writes what is not ASCII as escapes, so that text of messages does
// nothing to a terminal and nothing is lost, and ends the document with a line
// break.
func asciiJSON(data []byte) []byte {
	out := make([]byte, 0, len(data)+1)
	for _, c := range string(data) {
		switch {
		case c < 0x7f:
			out = append(out, byte(c))
		case c < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
	}
	return append(out, '\n')
}
