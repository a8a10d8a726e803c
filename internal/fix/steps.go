package fix

import (
	"cmp"
	_ "embed"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/provider"
	"mxvet/internal/syntax"
)

//go:embed steps.yaml
var stepsText []byte

// An entry is what a person does about one rule.
type entry struct {
	Title    string                      `yaml:"title"`
	Effort   string                      `yaml:"effort"`
	Safety   string                      `yaml:"safety"`
	Needs    paste.Template              `yaml:"needs"`
	Steps    []paste.Template            `yaml:"steps"`
	Software map[string][]paste.Template `yaml:"software"`
	Provider paste.Template              `yaml:"provider"`
	DNS      bool                        `yaml:"dns"` // they end in a record of the domain
	Cause    string                      `yaml:"cause"`
	Wants    paste.Template              `yaml:"wants"` // what the certificate has to be
	Also     paste.Template              `yaml:"also"`
}

type stepTable struct {
	Rules map[string]entry  `yaml:"rules"`
	None  map[string]string `yaml:"none"` // rules without steps, and why
}

// steps panics on a broken table: it is part of the program, and a test reads it.
var steps = sync.OnceValue(func() stepTable {
	var t stepTable
	if err := syntax.YAML(stepsText, &t); err != nil {
		panic("fix: steps.yaml: " + err.Error())
	}
	return t
})

// Steps gives the fixes for people: one for each rule with failing verdicts that
// cost something, that are not taken care of otherwise, and about which there is
// something to say; but one for several rules that fail at one host by one cause.
// They come in the order of the results.
func Steps(e *gather.Evidence, results []checks.Result, taken func(Claim) bool) []Fix {
	var out []Fix
	for _, res := range results {
		entry, known := steps().Rules[res.Rule.ID]
		if res.Status != checks.Fail || !known {
			continue
		}
		var claims []Claim
		costs := false
		for _, v := range res.Verdicts {
			if c := (Claim{res.Rule.ID, v.Subject, v.Key}); v.Status == checks.Fail && !taken(c) {
				claims = append(claims, c)
				costs = costs || v.Severity != checks.Info
			}
		}
		if !costs {
			continue
		}
		f := Fix{
			ID: "steps-" + res.Rule.ID, Title: entry.Title, Claims: claims,
			Effort: cmp.Or(entry.Effort, MediumEffort), Safety: cmp.Or(entry.Safety, Manual), dns: entry.DNS,
			Needs: fill(entry.Needs, e, hostOf(e, claims[0].Subject), nil).String(), Steps: entry.steps(e, claims),
		}
		if ip := addressAsName(e, claims); res.Rule.ID == "mx-no-address" && ip != "" {
			f.Title, f.Needs = "put a host name into the MX record", "a name for the mail host"
			f.Steps = []Step{paste.Words("An MX record takes a host name, not an address (RFC 5321 section 5.1). Give the host a name, and name it:\n%s\n%s",
				paste.Record("mail."+e.Domain, defaultTTL, "A", ip), paste.Record(e.Domain, defaultTTL, "MX", "10 mail."+e.Domain+"."))}
		}
		if res.Rule.ID == "dnsbl-listed" && !slices.ContainsFunc(claims, func(c Claim) bool { return hostOf(e, c.Subject) != nil || isAddress(c.Subject) }) {
			f.Title = "find out why the domain is listed, then have it delisted"
			f.Steps = []Step{paste.Words("Lists of domains hold names that stand in spam or lead to malware: look for pages and redirects on your web servers that are not yours, mailings that recipients did not ask for, and stolen accounts. Only then ask the list to remove %s.", e.Domain)}
		}
		if org := e.Suffixes.OrgDomain(e.Domain, false); res.Rule.ID == "dns-nxdomain" && org != "" && org != e.Domain {
			f.Title, f.Needs = "publish the name", "whether the name is meant to exist"
			f.Steps = []Step{paste.Words("There is no record at %s or below it. If it is to send or receive mail, publish its records in the zone that holds it, or delegate it there; if nobody uses it, nothing is to be done.", e.Domain)}
		}
		if steps := keysElsewhere(e, res.Rule.ID, claims); len(steps) > 0 {
			f.Steps = steps
		}
		if res.Rule.ID == "mtasts-fetch" && e.MTASTS.NoHost() {
			f.Title, f.Safety, f.Needs, f.dns = "give the policy host an address", NeedsInput, "the address of a web server that can serve "+shown([]string{e.MTASTS.Host}), true
			f.Steps = policyHostless(e)
		}
		if elsewhere, own := families(e, res.Rule.ID); len(elsewhere) > 0 {
			f.Steps = append(elsewhere, entry.steps(e, own)...)
			if len(own) == 0 {
				f.Title, f.Safety, f.Needs = "ask who runs the mail hosts for addresses of both families", Manual, ""
			}
		}
		if steps := voidTerms(e); res.Rule.ID == "spf-void-limit" && len(steps) > 0 {
			f.Title, f.Safety, f.Needs = "have the SPF record look up less that is not there", NeedsInput, "which of the hosts still send"
			f.Steps = steps
		}
		if steps := policyAbove(e); res.Rule.ID == "dmarc-policy-none" && len(steps) > 0 {
			f.Steps = steps
		}
		// One certificate mends what several rules say about it.
		if i := slices.IndexFunc(out, func(o Fix) bool {
			return slices.EqualFunc(o.Steps, f.Steps, func(a, b Step) bool { return a.String() == b.String() })
		}); i >= 0 {
			out[i].Claims = append(out[i].Claims, f.Claims...)
			continue
		}
		out = append(out, f)
	}
	return withCircles(e, byCause(e, results, out))
}

// platformOf gives the platform of many customers that runs a mail host, nil where
// none is known to.
func platformOf(host string) *provider.Provider {
	if p := provider.Default().ByMX(host); p != nil && p.Shared {
		return p
	}
	return nil
}

// families gives what is to be said of addresses of mail hosts that platforms run,
// which nobody else can publish, and claims about the hosts that are the owner's; for
// rules about something else, nothing.
func families(e *gather.Evidence, rule string) (elsewhere []Step, own []Claim) {
	if rule != "mx-no-ipv6" && rule != "mx-no-ipv4" {
		return nil, nil
	}
	var seen []*provider.Provider
	for _, h := range e.MX.Hosts {
		switch p := platformOf(h.Name); {
		case p == nil:
			own = append(own, Claim{Rule: rule, Subject: h.Name})
		case !slices.Contains(seen, p):
			seen = append(seen, p)
			elsewhere = append(elsewhere, paste.Words("%s runs %s, and it alone can give the host addresses: publish none yourself. Look in its settings, or ask, whether it can be reached over both families.", paste.Shown(p.Name), h.Name))
		}
	}
	return elsewhere, own
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// addressAsName gives the address that was written into an MX record in the place of
// a host name, with or without the zone's name behind it; "" where none was.
func addressAsName(e *gather.Evidence, claims []Claim) string {
	for _, c := range claims {
		if ip, err := netip.ParseAddr(strings.TrimSuffix(c.Subject, "."+e.Domain)); err == nil {
			return ip.String()
		}
	}
	return ""
}

// policyHostless gives the steps where the record asks senders to fetch a policy from
// a host that has no address: a file there is of no use before it has one.
func policyHostless(e *gather.Evidence) []Step {
	host := e.MTASTS.Host
	first := paste.Words("Publish A and AAAA records of a web server at %s, and have a certificate issued for that name.", host)
	if chain := e.MTASTS.HostChain; len(chain) > 0 {
		first = paste.Words("%s is an alias of %s, which has no address: give that an address, or let the alias lead to a web server, with a certificate for %[1]s.", host, chain[len(chain)-1])
	}
	return []Step{
		first,
		paste.Words("Let it serve the policy at %s:\nversion: STSv1\nmode: testing\n%s\nmax_age: 86400", paste.Shown(e.MTASTS.URL()), policyLines(e)),
		paste.Words("Or, if there is to be no MTA-STS, remove the record at %s.", e.MTASTS.TXT.Name),
	}
}

// keysElsewhere gives the steps for weak keys that aliases lead to, all of them: only
// the service that holds the target can make new ones.
func keysElsewhere(e *gather.Evidence, rule string, claims []Claim) []Step {
	var out []Step
	for _, c := range claims {
		i := slices.IndexFunc(e.DKIM.Selectors, func(s dkim.Selector) bool { return s.Owner == c.Subject && s.Name == c.Key })
		if i < 0 || !slices.Contains(weakKeys(), rule) || len(e.DKIM.Selectors[i].Chain) == 0 {
			return nil
		}
		s := e.DKIM.Selectors[i]
		target := s.Chain[len(s.Chain)-1]
		who := paste.Words("the service that holds %s", target)
		if p := provider.Default().ByDKIMTarget(target); p != nil {
			who = paste.Words("%s (%s)", paste.Shown(p.Name), target)
		}
		out = append(out, paste.Words("%s is an alias: have %s make a key of 2048 bits, or point the alias to one that it has.", s.Owner, who))
	}
	return out
}

// A batch is mail hosts for which the same has to be done.
type batch struct {
	software string // key of entry.Software, "" for the general steps
	platform *provider.Provider
	hosts    []*gather.Host
}

// steps gives the steps for the hosts that the claims are about.
func (en entry) steps(e *gather.Evidence, claims []Claim) []Step {
	var batches []batch
	var nameless []string
	for _, c := range claims {
		h := hostOf(e, c.Subject)
		b := batch{}
		if h != nil && !hostName(h.Name) && slices.ContainsFunc(en.Steps, func(t paste.Template) bool { return t.Holds("host") }) {
			if !slices.Contains(nameless, h.Name) { // nothing can be set up, or certified, under such a name
				nameless = append(nameless, h.Name)
			}
			continue
		}
		if h != nil {
			if b.platform = platformOf(h.Name); b.platform == nil {
				b.software = softwareOf(h)
			}
		} else if len(e.Providers) > 0 && en.Provider.String() != "" {
			b.platform = e.Providers[0]
		} else if len(e.MX.Hosts) > 0 && len(en.Software) > 0 { // signing is done where mail is handled
			b.software = softwareOf(&e.MX.Hosts[0])
		}
		if len(en.Software[b.software]) == 0 {
			b.software = ""
		}
		i := slices.IndexFunc(batches, func(o batch) bool { return o.software == b.software && o.platform == b.platform })
		if i < 0 {
			i = len(batches)
			batches = append(batches, b)
		}
		if h != nil && !slices.Contains(batches[i].hosts, h) {
			batches[i].hosts = append(batches[i].hosts, h)
		}
	}
	var out []Step
	for _, name := range nameless {
		out = append(out, paste.Words("%s is no host name: first give the host one, of letters, digits, hyphens and dots.", paste.Shown(name)))
	}
	for _, b := range batches {
		templates := en.Steps
		switch {
		case b.platform != nil && en.Provider.String() != "":
			templates = []paste.Template{en.Provider}
		case b.platform != nil:
			templates = nil
			out = append(out, b.labelled(paste.Words("%s runs the host: only they can change it.", paste.Shown(b.platform.Name)), false))
		case b.software != "":
			templates = en.Software[b.software]
		}
		var host *gather.Host
		if len(b.hosts) > 0 {
			host = b.hosts[0]
		}
		for i, template := range templates {
			each := false
			if len(b.hosts) > 1 && template.Holds("host") { // to each its own name
				template, each = template.Instead("{host}", "HOST"), true
			}
			text := fill(template, e, host, b.platform)
			if i == 0 {
				text = b.labelled(text, each)
			}
			out = append(out, text)
		}
	}
	return out
}

// labelled puts the names of a batch's hosts before a text.
func (b batch) labelled(text paste.Text, each bool) paste.Text {
	if len(b.hosts) == 0 {
		return text
	}
	const few = 3
	var names []paste.Text
	for _, h := range b.hosts[:min(len(b.hosts), few)] {
		names = append(names, paste.Shown(h.Name))
	}
	label := paste.Join(names, ", ")
	if more := len(b.hosts) - few; more > 0 {
		label = paste.Words("%s and %d more", label, more)
	}
	if b.software != "" {
		label = paste.Words("%s (%s)", label, softwareNames[b.software])
	}
	if each {
		label = paste.Words("%s, each as HOST", label)
	}
	return paste.Words("%s: %s", label, text)
}

// fill puts names into a text.
func fill(t paste.Template, e *gather.Evidence, h *gather.Host, p *provider.Provider) paste.Text {
	values := map[string]any{"host": paste.Words("the mail host"), "domain": e.Domain, "policy-hosts": policyLines(e)}
	if h != nil {
		values["host"] = h.Name
	}
	if p != nil {
		values["provider"] = paste.Shown(p.Name)
	}
	record := e.Domain
	if e.DMARC != nil {
		record = cmp.Or(applied(e).At, e.Domain)
	}
	values["dmarc"] = "_dmarc." + record
	return t.Fill(values)
}

// policyLines gives the lines of an MTA-STS policy that name hosts: those that the MX
// records name, or a word for the one that they should.
func policyLines(e *gather.Evidence) paste.Text {
	c := &composer{e: e}
	if hosts := c.policyHosts(); len(hosts) > 0 && !e.MX.Implicit && !c.mxBroken() && !c.unsteadyMX() {
		return mxLines(hosts)
	}
	return paste.Words("mx: MAIL-HOST")
}

// hostOf gives the mail host that a verdict is about, nil where it is about
// something else.
func hostOf(e *gather.Evidence, subject string) *gather.Host {
	name, _, _ := strings.Cut(subject, " ")
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		if h.Name == name || slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return a.IP.String() == name }) {
			return h
		}
	}
	return nil
}
