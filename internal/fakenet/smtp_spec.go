package fakenet

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// smtpSpec is a mail server. The zero value is a sane MX.
type smtpSpec struct {
	Name     string `yaml:"name"`   // in banner and EHLO; default the host's name
	Banner   list   `yaml:"banner"` // text of the greeting, a line each; default "NAME ESMTP"
	Code     int    `yaml:"banner-code"`
	Greet    span   `yaml:"greet-delay"`
	Tarpit   span   `yaml:"tarpit"` // before each reply after the banner
	STARTTLS string `yaml:"starttls"`

	Keywords  []string `yaml:"keywords"`           // instead of the usual ones; STARTTLS, SIZE and AUTH come by their own fields
	Add       []string `yaml:"add"`                // more keywords
	Without   []string `yaml:"without"`            // fewer, by their first word
	AfterTLS  []string `yaml:"keywords-after-tls"` // all keywords after TLS, as they stand
	Size      *int64   `yaml:"size"`               // default 52428800; 0 announces SIZE without a number
	Auth      []string `yaml:"auth"`               // mechanisms offered after TLS
	AuthEarly []string `yaml:"auth-before-tls"`    // and before it

	RequireTLS bool            `yaml:"require-tls"` // MAIL before TLS gets 530
	Replies    map[string]list `yaml:"replies"`     // by verb in lower case, "VERB after-tls", or "unknown"
	Rcpt       rcptSpec        `yaml:"rcpt"`

	CloseAfter string `yaml:"close-after"` // the connection ends after the reply of this stage
	CloseAt    string `yaml:"close-at"`    // instead of the reply
	SilentAt   string `yaml:"silent-at"`   // no reply from here on
	ResetAt    string `yaml:"reset-at"`    // a reset instead of the reply

	MaxConns  int          `yaml:"max-connections"` // more at once get 421
	Injection bool         `yaml:"injection"`       // commands sent before the handshake are run inside TLS
	Hostile   *hostileSpec `yaml:"hostile"`
	Fault     string       `yaml:"fault"`
	TLS       *certSpec    `yaml:"tls"`
}

// rcptSpec says which recipients are taken.
type rcptSpec struct {
	Policy   string     `yaml:"policy"`    // local (default), open, all
	Domains  []string   `yaml:"domains"`   // local domains; default: the world's domains, and those whose MX is this host
	Users    []string   `yaml:"users"`     // local parts; default see usualUsers
	CatchAll bool       `yaml:"catch-all"` // any local part
	Greylist bool       `yaml:"greylist"`  // 450 for what would be taken
	Limit    int        `yaml:"limit"`     // after so many RCPT commands 421 and the end
	Rules    []rcptRule `yaml:"rules"`     // asked first, in order
}

// A rcptRule answers envelopes that fit. From and To are regular expressions
// over what stands between the angle brackets, unanchored; "" fits all.
type rcptRule struct {
	From  string `yaml:"from"`
	To    string `yaml:"to"`
	Reply list   `yaml:"reply"`

	from, to *regexp.Regexp
}

// hostileSpec makes one reply an attack.
type hostileSpec struct {
	At   string `yaml:"at"`   // banner (default), ehlo, starttls, ehlo-tls, mail, rcpt, quit
	Kind string `yaml:"kind"` // see hostileReply
	Size int    `yaml:"size"` // for long-line and many-lines; default 100000 and 10000
}

var smtpStages = []string{"", "banner", "ehlo", "helo", "starttls", "tls", "ehlo-tls", "mail", "rcpt", "rset", "data", "quit"}

var hostileKinds = []string{
	"long-line",    // one line of Size bytes
	"many-lines",   // a reply of Size lines
	"endless-line", // a line that never ends
	"endless",      // a reply that never ends
	"binary",       // bytes that are no text, line ends among them
	"nul",          // NUL bytes within the text
	"escape",       // terminal escape sequences, and text that pretends to be output
	"bare-lf",      // lines end with LF only
	"bare-cr",      // CR within a line
	"no-code",      // a line without a reply code
	"mixed-codes",  // lines of one reply with different codes
	"unfinished",   // the reply stops in the middle of a line, then the connection ends
	"html",         // markup that a careless report would run
}

// usualUsers are the local parts that a server knows unless told otherwise.
func usualUsers() []string {
	return []string{"postmaster", "abuse", "hostmaster", "webmaster", "info", "contact", "dmarc", "dmarc-reports", "tlsrpt", "tls-reports"}
}

func (s *smtpSpec) check(w *World, h *hostSpec) error {
	errs := []error{
		oneOf("starttls", s.STARTTLS, "", "on", "off", "refused", "unavailable", "broken", "close", "hang", "hidden"),
		oneOf("rcpt policy", s.Rcpt.Policy, "", "local", "open", "all"),
	}
	for _, stage := range []string{s.CloseAfter, s.CloseAt, s.SilentAt, s.ResetAt} {
		errs = append(errs, oneOf("stage", stage, smtpStages...))
	}
	if s.Hostile != nil {
		errs = append(errs, oneOf("hostile kind", s.Hostile.Kind, hostileKinds...), oneOf("stage", s.Hostile.At, smtpStages...))
	}
	if s.Code != 0 && (s.Code < 100 || s.Code > 999) {
		errs = append(errs, fmt.Errorf("banner-code %d is no reply code", s.Code))
	}
	for verb, lines := range s.Replies {
		if err := checkReply(lines); err != nil {
			errs = append(errs, fmt.Errorf("replies %s: %w", verb, err))
		}
	}
	for i := range s.Rcpt.Rules {
		r := &s.Rcpt.Rules[i]
		var err error
		if r.from, err = regexp.Compile("(?i)" + r.From); err != nil {
			errs = append(errs, err)
		}
		if r.to, err = regexp.Compile("(?i)" + r.To); err != nil {
			errs = append(errs, err)
		}
		if err := checkReply(r.Reply); err != nil {
			errs = append(errs, fmt.Errorf("rcpt rule %d: %w", i+1, err))
		}
	}
	if s.Name == "" {
		s.Name = h.Name
	}
	if len(s.Rcpt.Domains) == 0 {
		s.Rcpt.Domains = w.domainsOf(h.Name)
	}
	if len(s.Rcpt.Users) == 0 {
		s.Rcpt.Users = usualUsers()
	}
	return errors.Join(errs...)
}

// checkReply wants lines such as "550 5.7.1 no", or one "raw:..." text.
func checkReply(lines list) error {
	if len(lines) == 0 {
		return errors.New("an empty reply")
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "raw:") && len(lines) == 1 {
			return nil
		}
		if code, _, _ := strings.Cut(l, " "); len(code) != 3 {
			return fmt.Errorf("%q does not begin with a reply code and a blank", l)
		} else if _, err := strconv.ParseUint(code, 10, 16); err != nil {
			return fmt.Errorf("%q does not begin with a reply code and a blank", l)
		}
	}
	return nil
}

// formatReply gives the bytes of a reply whose lines each begin with the code.
func formatReply(lines list) string {
	if raw, ok := strings.CutPrefix(lines[0], "raw:"); ok {
		return raw
	}
	var b strings.Builder
	for i, l := range lines {
		code, text, _ := strings.Cut(l, " ")
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		b.WriteString(code + sep + text + "\r\n")
	}
	return b.String()
}

// domainsOf gives the domains that a host takes mail for.
func (w *World) domainsOf(host string) []string {
	out := slices.Clone(w.Domains)
	for _, z := range w.sortedZones() {
		out = append(out, z.mailFor(fqdn(host))...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
