// Package hostile holds what strangers can send to hurt an audit: zones, mail
// servers and web servers that are too large, too slow, never end, or lie. Each
// trick is a world for internal/fakenet, the model domain with one thing changed,
// so that it can be seen that all the rest is judged as ever. Tests audit them in
// one process under virtual time, and with the program itself over real sockets;
// nothing else uses this package.
package hostile

import (
	"fmt"
	"strings"
)

// Who sends a trick.
const (
	DNS   = "DNS"
	SMTP  = "SMTP"
	HTTPS = "HTTPS"
)

// A Trick is one thing that a stranger sends.
type Trick struct {
	Name  string
	Peer  string // DNS, SMTP or HTTPS: whoever runs such a server for the domain
	Heavy bool   // also measured over real sockets, with the program itself
	// Touches are beginnings of the names of rules that may come out otherwise than
	// for the model domain; all others may not.
	Touches []string
	// Fails and Unsure are rules that must fail, and must be unknown.
	Fails, Unsure []string
	world         func() string
}

// World gives the text of the trick's world. It may be long.
func (t Trick) World() string { return "-- base --\nmodel\n" + t.world() }

// All gives every trick.
func All() []Trick {
	var out []Trick
	for _, list := range [][]Trick{tricksOfNumber(), tricksOfSPF(), tricksOfRecords(), tricksOfServers(), tricksOfMail(), tricksOfWeb()} {
		out = append(out, list...)
	}
	return out
}

// patch makes a world of changes to the model's zones.
func patch(lines ...string) func() string {
	return func() string { return "-- patch --\n" + strings.Join(lines, "\n") + "\n" }
}

// besides makes a world of further records beside the addresses of a host.
func besides(host string, lines ...string) func() string {
	return func() string {
		return patch(lines...)() + "-- hosts.yaml --\nhosts:\n- {name: " + host + ", https: {}}\n"
	}
}

// repeated gives n lines, made of a format with the number in it.
func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

// quoted gives the strings of one TXT record that together say text.
func quoted(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(len(text), 250)
		fmt.Fprintf(&b, "%q ", text[:n])
		text = text[n:]
	}
	return strings.TrimSpace(b.String())
}

// filler gives a text of n octets that says nothing.
func filler(n int) string { return strings.Repeat("x", n) }

// A text of about as many octets as one answer can have.
const whole = 64000

// addresses gives n A records of an owner, each address another one.
func addresses(owner string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s IN A 198.18.%d.%d\n", owner, i/256, i%256)
	}
	return b.String()
}

// addresses6 gives n AAAA records of an owner.
func addresses6(owner string, n int) string { return repeated(n, owner+" IN AAAA 2001:db8:bad::%x") }

func joined(lists ...[]string) (out []string) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}
