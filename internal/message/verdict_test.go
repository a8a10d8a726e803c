package message

import (
	"strings"
	"testing"
	"time"

	"mxvet/internal/simulate"
)

// The verdict where a part of the file is not there, or receivers take a signature in
// several ways.
func TestVerdicts(t *testing.T) {
	signed := func(s signer) string {
		m := parsed(t, crlfText(plain))
		m.prepend(s.sign(m))
		return received(string(m.text()), "a@list.example", "list.example", "198.51.100.9")
	}
	header := func(text string) string {
		head, _, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
		return head
	}
	good := signed(signer{Domain: "example.com", Selector: "s1"})
	inside := received(plain, "a@example.com", "mail.example.com", "172.18.0.1")
	empty := func() string {
		m := parsed(t, "From: a@example.com\r\n\r\n")
		m.prepend(signer{Domain: "example.com", Selector: "s1", Headers: "from"}.sign(m))
		return received(string(m.text()), "a@list.example", "list.example", "198.51.100.9")
	}()
	for name, c := range map[string]struct {
		text    string
		options func(*Options)
		want    simulate.Verdict
		told    string
	}{
		"the header alone":                 {header(good) + "\n\n", nil, simulate.Unknown, "holds no body"},
		"the header alone, cut":            {header(good), nil, simulate.Unknown, "it may be cut off"},
		"a body that was signed empty":     {empty, nil, simulate.Pass, ""},
		"only a key in test":               {signed(signer{Domain: "example.com", Selector: "test"}), nil, simulate.Fail, "not for every receiver: nothing but a key whose owner tests it"},
		"a key in test, and SPF":           {strings.ReplaceAll(strings.ReplaceAll(signed(signer{Domain: "example.com", Selector: "test"}), "a@list.example", "a@example.com"), "198.51.100.9", "192.0.2.1"), nil, simulate.Pass, ""},
		"several keys":                     {signed(signer{Domain: "example.com", Selector: "two"}), nil, simulate.Fail, "not for every receiver: neither SPF nor DKIM"},
		"body changed, several keys":       {signed(signer{Domain: "example.com", Selector: "two"}) + "more\n", nil, simulate.Fail, "neither SPF nor DKIM"},
		"a key that is gone, weeks after":  {signed(signer{Domain: "example.com", Selector: "none"}), func(o *Options) { o.At = o.At.Add(40 * 24 * time.Hour) }, simulate.Unknown, "whether it held then"},
		"a key that is gone, at once":      {signed(signer{Domain: "example.com", Selector: "none"}), nil, simulate.Fail, "no key record at none._domainkey.example.com"},
		"an inside client, named":          {inside, func(o *Options) { o.IP = ip("192.0.2.1") }, simulate.Pass, ""},
		"an inside client":                 {inside, nil, simulate.Unknown, "no Received field names a public address"},
		"no Received field":                {plain, nil, simulate.Unknown, "a draft, a copy of what was sent"},
		"a client of the own organization": {received(plain, "a@example.com", "out.example.net", "203.0.113.5"), nil, simulate.Unknown, "no border is crossed"},
		"the own organization's, denied":   {received(plain, "a@example.com", "out.example.net", "203.0.113.5"), func(o *Options) { o.IP = ip("203.0.113.5") }, simulate.Fail, "neither SPF nor DKIM"},
	} {
		var options []func(*Options)
		if c.options != nil {
			options = append(options, c.options)
		}
		r := check(t, world(t), c.text, options...)
		if text := told(r) + strings.Join(r.Notes, "\n"); r.Verdict != c.want || !strings.Contains(text, c.told) {
			t.Errorf("%s: %s (%s), want %s with %q\n%s", name, r.Verdict, r.Why, c.want, c.told, text)
		}
	}
}
