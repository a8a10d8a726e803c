package fakenet

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestBase(t *testing.T) {
	w, err := Parse([]byte(`a young world that has grown
-- base --
model
-- options --
selectors: [other]
-- patch --
- _mta-sts TXT
- e2026._domainkey
- @ TXT
-host mx2.example.com
@ IN TXT "v=spf1 -all"
-- hosts.yaml --
hosts:
- name: mx1.example.com
  smtp: {banner: hello}
-- want --
spf-record-missing
`))
	if err != nil {
		t.Fatal(err)
	}
	z := w.zones["example.com."]
	for _, name := range []string{"_mta-sts.example.com.", "e2026._domainkey.example.com."} {
		if z.nodes[name] != nil {
			t.Errorf("%s is still there: %v", name, z.nodes[name])
		}
	}
	if z.nodes["_domainkey.example.com."] == nil {
		t.Error("_domainkey is gone, though another selector is below it")
	}
	if got := z.get("example.com.", dns.TypeTXT); len(got) != 1 || !strings.Contains(got[0].String(), "v=spf1 -all") {
		t.Errorf("TXT at the apex: %v", got)
	}
	if len(z.get("example.com.", dns.TypeMX)) != 2 {
		t.Error("the MX RRset did not survive")
	}
	var names []string
	for _, h := range w.hosts.Hosts {
		names = append(names, h.Name)
		if h.Name == "mx1.example.com" && (len(h.Addrs) != 2 || h.SMTP == nil) {
			t.Errorf("mx1: %+v", h)
		}
	}
	if strings.Contains(strings.Join(names, " "), "mx2") {
		t.Errorf("mx2 is still a host: %v", names)
	}
	if o := string(w.Options); !strings.Contains(o, "other") || strings.Contains(o, "s2026") || !strings.Contains(o, "ehlo") {
		t.Errorf("options: %s", o)
	}
	if len(w.Domains) != 1 || w.Domains[0] != "example.com" {
		t.Errorf("domains: %v", w.Domains)
	}
	for _, bad := range []string{
		"-- base --\nnone\n", "-- base --\nmodel\n-- patch --\n- nowhere TXT\n", "-- base --\nmodel\n-- patch --\n- @ SRV\n",
		"-- base --\nmodel\n-- patch --\n@ IN NONSENSE x\n", "-- base --\nmodel\n-- patch --\nwww.elsewhere.example. IN A 192.0.2.1\n",
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

// Names of a patch belong to the domain that the world is audited for, wherever its
// options stand.
func TestPatchNames(t *testing.T) {
	options, patch := "-- options --\ndomain: news.example.com\n", "-- patch --\n@ IN TXT \"here\"\nsub IN TXT \"below\"\nexample.com. IN TXT \"above\"\n- mx1.example.com.\n"
	for _, text := range []string{options + patch, patch + options} {
		w, err := Parse([]byte("-- base --\nmodel\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		z := w.zones["example.com."]
		for name, want := range map[string]string{"news.example.com.": "here", "sub.news.example.com.": "below", "example.com.": "above"} {
			found := false
			for _, rr := range z.get(name, dns.TypeTXT) {
				found = found || strings.Contains(rr.String(), want)
			}
			if !found {
				t.Errorf("no TXT %q at %s after %q", want, name, text)
			}
		}
	}
	_, err := Parse([]byte("-- base --\nmodel\n" + options + "-- patch --\n- _dmarc TXT\n"))
	if err == nil || !strings.Contains(err.Error(), "no records at _dmarc.news.example.com.") || !strings.Contains(err.Error(), "a final dot") {
		t.Errorf("error %v", err)
	}
}
