package dmarc

import (
	"context"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/psl"
)

func TestWalkNames(t *testing.T) {
	for domain, want := range map[string]string{
		"example.com":         "example.com com",
		"com":                 "com",
		"a.b.c.d.e.f.g":       "a.b.c.d.e.f.g b.c.d.e.f.g c.d.e.f.g d.e.f.g e.f.g f.g g",
		"a.b.c.d.e.f.g.h":     "a.b.c.d.e.f.g.h b.c.d.e.f.g.h c.d.e.f.g.h d.e.f.g.h e.f.g.h f.g.h g.h h",
		"a.b.c.d.e.f.g.h.i.j": "a.b.c.d.e.f.g.h.i.j d.e.f.g.h.i.j e.f.g.h.i.j f.g.h.i.j g.h.i.j h.i.j i.j j",
	} {
		if got := strings.Join(walkNames(domain), " "); got != want {
			t.Errorf("walkNames(%q) = %s, want %s", domain, got, want)
		}
	}
}

// sum gives "org at=domain p/sp/np" of a method, "?" for what is unknown.
func sum(m Method) string {
	one := func(a Applied) string {
		s := string(a.Policy)
		if s == "" {
			s = "-"
		}
		if a.Unknown {
			s += "?"
		}
		return s
	}
	org := m.Org
	if m.OrgUnknown {
		org += "?"
	}
	return org + " at=" + m.Domain.At + " " + one(m.Domain) + "/" + one(m.Subdomain) + "/" + one(m.NonExistent)
}

func TestDiscovery(t *testing.T) {
	for _, c := range []struct {
		name, domain, world string
		walk, psl, private  string // private "" = as psl
		differ              string
		stage               Stage
	}{
		{
			name: "own record", domain: "example.com", world: `
				example.com TXT x
				_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=none`,
			walk: "example.com at=example.com reject/quarantine/none",
			psl:  "example.com at=example.com reject/quarantine/quarantine", stage: StageReject,
			differ: "non-existent policy none|quarantine|quarantine",
		},
		{
			name: "nothing anywhere", domain: "a.example.com", world: `a.example.com TXT x`,
			walk: "a.example.com at= -/-/-",
			psl:  "example.com at= -/-/-", stage: StageAbsent,
		},
		{
			name: "inherited by an existing subdomain", domain: "a.b.example.com", world: `
				a.b.example.com A 192.0.2.1
				_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=none; rua=mailto:r@example.com`,
			walk: "example.com at=example.com quarantine/quarantine/none",
			psl:  "example.com at=example.com quarantine/quarantine/quarantine", stage: StageQuarantine,
			differ: "non-existent policy none|quarantine|quarantine",
		},
		{
			name: "inherited by a name that does not exist", domain: "nx.example.com", world: `
				_dmarc.example.com TXT v=DMARC1; p=none; np=reject`,
			walk: "example.com at=example.com reject/none/reject",
			psl:  "example.com at=example.com none/none/none", stage: StageReject,
			differ: "domain policy reject|none|none; non-existent policy reject|none|none",
		},
		{
			name: "an alias to nowhere exists", domain: "al.example.com", world: `
				al.example.com CNAME gone.example.net
				_dmarc.example.com TXT v=DMARC1; p=none; np=reject`,
			walk: "example.com at=example.com none/none/reject",
			psl:  "example.com at=example.com none/none/none", stage: StageBlind,
			differ: "non-existent policy reject|none|none",
		},
		{
			name: "fewest labels, not nearest", domain: "a.mail.example.com", world: `
				a.mail.example.com A 192.0.2.1
				_dmarc.mail.example.com TXT v=DMARC1; p=none
				_dmarc.example.com TXT v=DMARC1; p=reject`,
			walk: "example.com at=example.com reject/reject/reject",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageReject,
		},
		{
			name: "own record below the organizational domain", domain: "mail.example.com", world: `
				mail.example.com A 192.0.2.1
				_dmarc.mail.example.com TXT v=DMARC1; p=none; sp=none; rua=mailto:r@example.com
				_dmarc.example.com TXT v=DMARC1; p=reject`,
			walk: "example.com at=mail.example.com none/reject/reject",
			psl:  "example.com at=mail.example.com none/reject/reject", stage: StageMonitoring,
		},
		{
			name: "psd=n makes an organizational domain", domain: "a.mail.example.com", world: `
				a.mail.example.com A 192.0.2.1
				_dmarc.mail.example.com TXT v=DMARC1; p=quarantine; psd=n
				_dmarc.example.com TXT v=DMARC1; p=reject`,
			walk: "mail.example.com at=mail.example.com quarantine/quarantine/quarantine",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageQuarantine,
			differ: "domain org mail.example.com|example.com|example.com; domain record mail.example.com|example.com|example.com; domain policy quarantine|reject|reject; " +
				"subdomain record mail.example.com|example.com|example.com; subdomain policy quarantine|reject|reject; " +
				"non-existent record mail.example.com|example.com|example.com; non-existent policy quarantine|reject|reject",
		},
		{
			name: "psd=y above: one label below is the organizational domain", domain: "a.b.example.com", world: `
				a.b.example.com A 192.0.2.1
				_dmarc.b.example.com TXT v=DMARC1; p=quarantine
				_dmarc.example.com TXT v=DMARC1; p=reject; psd=y`,
			walk: "b.example.com at=b.example.com quarantine/quarantine/quarantine",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageQuarantine,
			differ: "domain org b.example.com|example.com|example.com; domain record b.example.com|example.com|example.com; domain policy quarantine|reject|reject; " +
				"subdomain record b.example.com|example.com|example.com; subdomain policy quarantine|reject|reject; " +
				"non-existent record b.example.com|example.com|example.com; non-existent policy quarantine|reject|reject",
		},
		{
			name: "the public suffix domain's record is the last resort", domain: "agency.gov.example", world: `
				agency.gov.example A 192.0.2.1
				_dmarc.gov.example TXT v=DMARC1; p=none; sp=quarantine; np=reject; psd=y`,
			walk: "agency.gov.example at=gov.example quarantine/quarantine/reject",
			psl:  "gov.example at=gov.example quarantine/quarantine/quarantine", stage: StageQuarantine,
			differ: "domain org agency.gov.example|gov.example|gov.example; non-existent policy reject|quarantine|quarantine",
		},
		{
			name: "a record between author and organizational domain is never the policy", domain: "x.y.agency.gov.example", world: `
				x.y.agency.gov.example A 192.0.2.1
				_dmarc.y.agency.gov.example TXT v=DMARC1; p=reject
				_dmarc.gov.example TXT v=DMARC1; p=none; psd=y`,
			walk: "agency.gov.example at=gov.example none/none/none",
			psl:  "gov.example at=gov.example none/none/none", stage: StageBlind,
			differ: "domain org agency.gov.example|gov.example|gov.example",
		},
		{
			name: "psd=y at the start is not one label below", domain: "example.com", world: `
				example.com TXT x
				_dmarc.example.com TXT v=DMARC1; p=reject; psd=y`,
			walk: "example.com at=example.com reject/reject/reject",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageReject,
		},
		{
			name: "top-level domain with a record", domain: "example.com", world: `
				example.com TXT x
				_dmarc.com TXT v=DMARC1; p=none; np=reject; psd=y`,
			walk: "example.com at=com none/none/reject",
			psl:  "example.com at= -/-/-", stage: StageBlind,
			differ: "domain record com||; domain policy none||; subdomain record com||; subdomain policy none||; non-existent record com||; non-existent policy reject||",
		},
		{
			name: "several records: the walk goes on, the list search ends", domain: "a.example.com", world: `
				a.example.com A 192.0.2.1
				_dmarc.a.example.com TXT v=DMARC1; p=none
				_dmarc.a.example.com TXT v=DMARC1; p=reject
				_dmarc.example.com TXT v=DMARC1; p=quarantine`,
			walk: "example.com at=example.com quarantine/quarantine/quarantine",
			psl:  "example.com at= -/quarantine/quarantine", stage: StageQuarantine,
			differ: "domain record example.com||; domain policy quarantine||",
		},
		{
			name: "a broken record beside a good one is discarded", domain: "example.com", world: `
				example.com TXT x
				_dmarc.example.com TXT v=dmarc1; p=none
				_dmarc.example.com TXT v=spf1 -all
				_dmarc.example.com TXT v=DMARC1; p=reject`,
			walk: "example.com at=example.com reject/reject/reject",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageReject,
		},
		{
			name: "country suffix", domain: "news.shop.co.uk", world: `
				news.shop.co.uk A 192.0.2.1
				_dmarc.co.uk TXT v=DMARC1; p=reject
				_dmarc.shop.co.uk TXT v=DMARC1; p=quarantine`,
			walk: "co.uk at=co.uk reject/reject/reject", // no psd=y: all of co.uk is one organization
			psl:  "shop.co.uk at=shop.co.uk quarantine/quarantine/quarantine", stage: StageReject,
			differ: "domain org co.uk|shop.co.uk|shop.co.uk; domain record co.uk|shop.co.uk|shop.co.uk; domain policy reject|quarantine|quarantine; " +
				"subdomain record co.uk|shop.co.uk|shop.co.uk; subdomain policy reject|quarantine|quarantine; " +
				"non-existent record co.uk|shop.co.uk|shop.co.uk; non-existent policy reject|quarantine|quarantine",
		},
		{
			name: "private suffix", domain: "user.github.io", world: `
				user.github.io A 192.0.2.1
				_dmarc.github.io TXT v=DMARC1; p=reject`,
			walk:    "github.io at=github.io reject/reject/reject",
			psl:     "github.io at=github.io reject/reject/reject",
			private: "user.github.io at= -/-/-", stage: StageReject,
			differ: "domain org github.io|github.io|user.github.io; domain record github.io|github.io|; domain policy reject|reject|; " +
				"subdomain record github.io|github.io|; subdomain policy reject|reject|; non-existent record github.io|github.io|; non-existent policy reject|reject|",
		},
		{
			name: "the suffix itself: names below do not inherit by list", domain: "co.uk", world: `
				co.uk NS ns.example.net
				_dmarc.co.uk TXT v=DMARC1; p=reject`,
			walk: "co.uk at=co.uk reject/reject/reject",
			psl:  "co.uk at=co.uk reject/-/-", stage: StageReject,
			differ: "subdomain record co.uk||; subdomain policy reject||; non-existent record co.uk||; non-existent policy reject||",
		},
		{
			name: "deep name: records in the gap are not seen", domain: "a.b.c.d.e.f.g.example.com", world: `
				a.b.c.d.e.f.g.example.com A 192.0.2.1
				_dmarc.b.c.d.e.f.g.example.com TXT v=DMARC1; p=none; psd=n
				_dmarc.example.com TXT v=DMARC1; p=reject`,
			walk: "example.com at=example.com reject/reject/reject",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageReject,
		},
		{
			name: "eight labels: a name below skips the record", domain: "b.c.d.e.f.g.example.com", world: `
				b.c.d.e.f.g.example.com A 192.0.2.1
				_dmarc.b.c.d.e.f.g.example.com TXT v=DMARC1; p=quarantine; psd=n`,
			walk: "b.c.d.e.f.g.example.com at=b.c.d.e.f.g.example.com quarantine/-/-",
			psl:  "example.com at=b.c.d.e.f.g.example.com quarantine/-/-", stage: StageQuarantine,
			differ: "domain org b.c.d.e.f.g.example.com|example.com|example.com",
		},
		{
			name: "failure at the domain itself", domain: "a.example.com", world: `
				a.example.com A 192.0.2.1
				_dmarc.a.example.com FAIL servfail
				_dmarc.example.com TXT v=DMARC1; p=reject`,
			walk: "example.com? at=example.com reject?/reject?/reject?",
			psl:  "example.com at=example.com reject?/reject/reject", stage: StageUnknown,
		},
		{
			name: "failure above an own record", domain: "a.example.com", world: `
				a.example.com A 192.0.2.1
				_dmarc.a.example.com TXT v=DMARC1; p=reject
				_dmarc.example.com FAIL timeout`,
			walk: "a.example.com? at=a.example.com reject/reject?/reject?",
			psl:  "example.com at=a.example.com reject/-?/-?", stage: StageReject,
		},
		{
			name: "failure beyond the stop does not matter", domain: "example.com", world: `
				example.com A 192.0.2.1
				_dmarc.example.com TXT v=DMARC1; p=reject; psd=n
				_dmarc.com FAIL timeout`,
			walk: "example.com at=example.com reject/reject/reject",
			psl:  "example.com at=example.com reject/reject/reject", stage: StageReject,
		},
		{
			name: "all fails", domain: "example.com", world: `
				example.com FAIL timeout
				_dmarc.example.com FAIL timeout
				_dmarc.com FAIL timeout`,
			walk: "example.com? at= -?/-?/-?",
			psl:  "example.com at= -?/-?/-?", stage: StageUnknown,
		},
		{
			name: "unknown whether the name exists, and it matters", domain: "a.example.com", world: `
				a.example.com FAIL servfail
				_dmarc.example.com TXT v=DMARC1; p=none; np=reject`,
			walk: "example.com at=example.com none?/none/reject",
			psl:  "example.com at=example.com none/none/none", stage: StageUnknown,
			differ: "non-existent policy reject|none|none",
		},
		{
			name: "record without effect", domain: "example.com", world: `
				example.com TXT x
				_dmarc.example.com TXT v=DMARC1; p=refuse`,
			walk: "example.com at=example.com -/-/-",
			psl:  "example.com at=example.com -/-/-", stage: StageVoid,
		},
		{
			name: "alias", domain: "example.com", world: `
				example.com TXT x
				_dmarc.example.com CNAME example-com.hosted.example.net
				example-com.hosted.example.net TXT v=DMARC1; p=quarantine; t=y`,
			walk: "example.com at=example.com none/none/none",
			psl:  "example.com at=example.com quarantine/quarantine/quarantine", stage: StageQuarantine,
			differ: "domain policy none|quarantine|quarantine; subdomain policy none|quarantine|quarantine; non-existent policy none|quarantine|quarantine",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Lookup(context.Background(), newWorld(t, c.world), psl.Default(), c.domain)
			if got := sum(d.Walk); got != c.walk {
				t.Errorf("walk:    %s\nwant     %s", got, c.walk)
			}
			if got := sum(d.PSL); got != c.psl {
				t.Errorf("psl:     %s\nwant     %s", got, c.psl)
			}
			if c.private == "" {
				c.private = c.psl
			}
			if got := sum(d.PSLPrivate); got != c.private {
				t.Errorf("private: %s\nwant     %s", got, c.private)
			}
			var diffs []string
			for _, x := range d.Differences {
				diffs = append(diffs, string(x.Relation)+" "+string(x.What)+" "+x.Walk+"|"+x.PSL+"|"+x.PSLPrivate)
			}
			if got := strings.Join(diffs, "; "); got != c.differ {
				t.Errorf("differences:\n %s\nwant\n %s", got, c.differ)
			}
			if got, _ := d.Stage(); got != c.stage {
				t.Errorf("stage %s, want %s", got, c.stage)
			}
		})
	}
}

func TestLookupSteps(t *testing.T) {
	w := newWorld(t, `
		a.example.com TXT v=DMARC1; p=reject
		_dmarc.a.example.com CNAME gone.example.net
		_dmarc.a.example.com.a.example.com TXT v=DMARC1; p=none
		_dmarc.example.com TXT v=spf1 -all
		_dmarc.example.com TXT v=DMARC1 p=reject
		_dmarc.example.com TXT v=DMARC1; p=reject; psd=n`)
	d := Lookup(context.Background(), w, psl.Default(), "A.example.com.")
	own := d.Own()
	if !own.Dangling() || !slices.Equal(own.Chain, []string{"gone.example.net"}) {
		t.Errorf("own step: chain %q, dangling %v", own.Chain, own.Dangling())
	}
	if len(d.Apex.Records) != 1 || len(d.Doubled.Records) != 1 {
		t.Errorf("misplaced: %d at the apex, %d at the doubled name", len(d.Apex.Records), len(d.Doubled.Records))
	}
	up := d.Step("example.com")
	if len(up.Records) != 1 || len(up.Others) != 1 || up.Others[0].Problem(VersionSeparator) == nil {
		t.Errorf("step above: %d records, %d others", len(up.Records), len(up.Others))
	}
	if com := d.Step("com"); !com.InWalk || com.Used || com.InPSL {
		t.Errorf("com: %+v", com)
	}
	if !up.Used || !up.InPSL || d.IsOrg() || !d.Found() {
		t.Errorf("flags: %v %v %v %v", up.Used, up.InPSL, d.IsOrg(), d.Found())
	}
	want := []string{
		"dns:TXT _dmarc.a.example.com", "dns:TXT _dmarc.example.com", "dns:TXT _dmarc.com",
		"dns:TXT a.example.com", "dns:TXT _dmarc.a.example.com.a.example.com",
	}
	if len(w.asked) != len(want) {
		t.Errorf("asked %q", w.asked)
	}
	for _, ref := range w.asked {
		if !slices.Contains(want, string(ref)) {
			t.Errorf("asked %q", ref)
		}
	}
}

func TestLookupLongName(t *testing.T) {
	label := strings.Repeat("a", 60)
	domain := strings.Join([]string{label, label, label, label, "example"}, ".")
	d := Lookup(context.Background(), newWorld(t, ""), psl.Default(), domain)
	if d.Own().Ref != "" || d.Own().Failed() {
		t.Errorf("a name longer than the DNS allows: %+v", d.Own().Asked)
	}
}
