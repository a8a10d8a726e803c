package fix

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/wire"
)

// A dmarcDraft is a DMARC record being put in order.
type dmarcDraft struct {
	p, sp, np   dmarc.Policy
	org         bool // sp and np have a meaning at this name
	testing     bool
	percent     string // pct, which only older receivers know; "" where it is left out
	psd         string
	adkim, aspf string
	fo          string
	rua, ruf    []string
	notes       []Step
}

// String writes the tags in the order that every reader accepts.
func (d dmarcDraft) String() string {
	parts := []string{"v=DMARC1", "p=" + string(d.p)}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	if d.org {
		add("sp", string(d.sp))
		add("np", string(d.np))
	}
	if d.testing {
		add("t", "y")
	}
	add("psd", d.psd)
	add("adkim", d.adkim)
	add("aspf", d.aspf)
	add("pct", d.percent)
	if len(d.ruf) > 0 {
		add("fo", d.fo)
	}
	add("rua", strings.Join(d.rua, ","))
	add("ruf", strings.Join(d.ruf, ","))
	return strings.Join(parts, "; ")
}

// beyond says in words each policy that d asks for and the other draft does not.
func (d dmarcDraft) beyond(other dmarcDraft) []paste.Text {
	var out []paste.Text
	if d.p != other.p {
		out = append(out, paste.Words("%s", string(d.p)))
	}
	if d.sp != "" && d.sp != other.sp && d.sp != d.p {
		out = append(out, paste.Words("%s for names below the domain", string(d.sp)))
	}
	if d.np != "" && d.np != other.np && d.np != cmp.Or(d.sp, d.p) {
		out = append(out, paste.Words("%s for names that do not exist", string(d.np)))
	}
	return out
}

// bold gives the draft without what holds its policy back, and whether that also
// takes hold of subdomains. Names that do not exist get reject, except below a
// wildcard, which makes all exist: servers do send in the name of hosts that have
// no records, so that is for the reports to tell, too.
func (p *dmarcPlan) bold() (bold dmarcDraft, subdomains bool) {
	d := p.safe
	d.testing, d.percent = false, ""
	if d.sp != "" && d.sp.Strength() < d.p.Strength() {
		d.sp, subdomains = "", true
	}
	if d.org && d.np.Strength() < dmarc.Reject.Strength() && !p.c.wildcard() {
		if weak := max(d.sp.Strength(), d.p.Strength()); d.p == dmarc.None || d.np != "" && d.np.Strength() < weak {
			d.np = dmarc.Reject
		}
	}
	return d, subdomains
}

// wildcard reports that every name below the domain is seen to exist.
func (c *composer) wildcard() bool {
	return slices.ContainsFunc(c.e.Stray.Asked(), func(a wire.Asked) bool { return a.Answer.OK() && !a.Answer.NXDomain() })
}

// correct fills in the corrected record, with the policy that was published.
func (p *dmarcPlan) correct() {
	d := &p.safe
	d.org = p.isOrg()
	if len(p.published) == 0 {
		d.p = dmarc.None
		p.reportTo()
		return
	}
	first := understood(p.published[0])
	d.takeOver(first)
	p.addresses(first)
	for _, r := range p.published[1:] {
		u := understood(r)
		if u.P != "" && u.P.Strength() < d.p.Strength() {
			d.p = u.P
		}
		if u.SP.Strength() < d.sp.Strength() {
			d.sp = u.SP
		}
		p.addresses(u)
	}
	own := p.c.e.DMARC.Own()
	if len(own.Records) == 1 && own.Records[0].P == "" {
		d.sp = "" // receivers take the policy for none, whatever sp asks
	}
	if p.c.fails("dmarc-psd-wrong", p.c.e.Domain) && d.psd == "y" {
		d.psd = ""
	}
	if d.p == dmarc.None {
		if d.sp == dmarc.None {
			d.sp = ""
		}
		if d.sp == "" && d.np == "" {
			d.testing, d.percent = false, "" // they weaken nothing
		}
	}
	if len(d.rua) == 0 {
		p.reportTo()
	}
	d.fill(p)
}

// fill adds the remark about addresses that were left out.
func (d *dmarcDraft) fill(p *dmarcPlan) {
	var lost []string
	kept := strings.Join(slices.Concat(d.rua, d.ruf), " ")
	for _, r := range p.published {
		for _, u := range slices.Concat(r.RUA, r.RUF) {
			if u.Valid && u.Host != "" && !slices.Contains(lost, u.Host) && !strings.Contains(kept, "@"+u.Host) {
				lost = append(lost, u.Host)
			}
		}
	}
	for _, host := range lost {
		if p.c.fails("dmarc-report-unauthorised", host) {
			d.notes = append(d.notes, paste.Words("No report address at %s: it does not agree to get them. If it should, its owner publishes:\n%s",
				host, paste.Record(p.c.e.Domain+"._report._dmarc."+host, -1, "TXT", `"v=DMARC1"`)))
		}
	}
}

// takeOver reads policies and options of a record.
func (d *dmarcDraft) takeOver(r dmarc.Record) {
	d.p, d.sp, d.np, d.testing = r.P, r.SP, r.NP, r.Testing
	if d.p == "" {
		d.p = dmarc.None // as receivers take it
	}
	if r.PSD != "u" {
		d.psd = r.PSD
	}
	if r.DKIM == "s" {
		d.adkim = "s"
	}
	if r.SPF == "s" {
		d.aspf = "s"
	}
	if r.Percent < 100 && r.Problem(dmarc.PercentInvalid) == nil {
		t, _ := r.Tag("pct")
		d.percent = t.Value
	}
	if fo := slices.DeleteFunc(slices.Clone(r.FO), func(s string) bool { return s == "0" }); len(fo) > 0 && r.Problem(dmarc.FailureOptionsInvalid) == nil {
		d.fo = strings.Join(fo, ":")
	}
}

// isOrg reports whether sp and np in the domain's own record are heeded.
func (p *dmarcPlan) isOrg() bool {
	d := p.c.e.DMARC
	if len(d.Own().Records) == 1 {
		return d.IsOrg()
	}
	return d.PSL.Org == p.c.e.Domain
}

// version finds what was typed for the version of a record.
var version = regexp.MustCompile(`(?i)^[\s"']*v\s*=\s*["']?\s*dmarc\s*1?(\.0)?\s*["']?\s*\\?\s*[;,:]?\s*`)

// understood reads a text as it was meant: with a proper version, without quotes
// and backslashes that were typed into it, and with misspelt tags named rightly.
func understood(r dmarc.Record) dmarc.Record {
	text := r.Text
	if !r.Valid {
		text = strings.NewReplacer(`\;`, ";", `"`, "").Replace(text)
		text = "v=DMARC1; " + version.ReplaceAllString(text, "")
		r = dmarc.Parse(text)
	}
	var parts []string
	seen := map[string]bool{}
	for _, t := range r.Tags {
		name := t.Name
		for _, p := range r.Problems {
			if p.Code == dmarc.UnknownTag && p.Tag == t.Name && p.Near != "" && !r.Has(p.Near) {
				name = p.Near
			}
		}
		if !seen[name] && (name != "v" || len(parts) == 0) {
			seen[name] = true
			parts = append(parts, name+"="+t.Value)
		}
	}
	// A semicolon between two addresses leaves the second one outside of any tag.
	for _, p := range r.Problems {
		if p.Code != dmarc.Malformed {
			continue
		}
		part, _, _ := strings.Cut(r.Text[p.Pos:], ";")
		if i := slices.IndexFunc(parts, func(s string) bool { return strings.HasPrefix(s, "rua=") }); i >= 0 && strings.HasPrefix(strings.ToLower(part), "mailto:") {
			parts[i] += "," + strings.TrimSpace(part)
		}
	}
	return dmarc.Parse(strings.Join(parts, "; "))
}

// addresses adds the report addresses of a record that are good, or can be made
// so.
func (p *dmarcPlan) addresses(r dmarc.Record) {
	for _, x := range []struct {
		from []dmarc.URI
		to   *[]string
	}{{r.RUA, &p.safe.rua}, {r.RUF, &p.safe.ruf}} {
		for _, u := range x.from {
			u = mended(u)
			if p.works(u) && !slices.ContainsFunc(*x.to, func(s string) bool { return unlimited(s) == unlimited(u.Raw) }) {
				*x.to = append(*x.to, u.Raw)
			}
		}
	}
}

// mended gives a report address as it was meant. A limit on the size of reports is
// the owner's word, and stays where older receivers can read it (RFC 7489 section
// 6.2); newer ones ignore it (RFC 9989 section 4.8).
func mended(u dmarc.URI) dmarc.URI {
	raw := strings.TrimPrefix(strings.TrimPrefix(u.Raw, "mailto:"), "//")
	for _, text := range []string{raw, unlimited(raw)} {
		if !u.Valid {
			u = dmarc.Parse("v=DMARC1; p=none; rua=mailto:" + text).RUA[0]
		}
	}
	return u
}

// unlimited gives a report address without the limit on the size of reports.
func unlimited(address string) string {
	address, _, _ = strings.Cut(address, "!")
	return address
}

// asksReports reports that a published text asks for reports.
func (p *dmarcPlan) asksReports() bool {
	return slices.ContainsFunc(p.published, func(r dmarc.Record) bool { return r.Has("rua") })
}

// works reports whether nothing proves that reports do not get to an address.
func (p *dmarcPlan) works(u dmarc.URI) bool {
	return u.Valid && u.Scheme == "mailto" && u.Host != "" &&
		!p.c.fails("dmarc-report-unauthorised", u.Host) && !p.c.fails("dmarc-report-undeliverable", u.Host)
}

// reportTo puts in an address where none is left: one that the domain uses for
// such reports already, else postmaster, which every domain with mail has (RFC
// 5321 section 4.5.1). Without mail for the domain it has to be asked for, unless
// there is nothing to report.
func (p *dmarcPlan) reportTo() {
	address := p.c.reportAddress()
	switch {
	case address != "":
		p.safe.rua = []string{"mailto:" + address}
		p.address = address
	case p.c.e.Role.Name != gather.NoMail && (p.safe.p == dmarc.None || p.c.fails("dmarc-no-reports", "") || p.asksReports()):
		p.missing = true
	}
}
