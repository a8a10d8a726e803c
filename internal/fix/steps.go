package fix

import (
	"cmp"
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/syntax"
)

//go:embed steps.yaml
var stepsText []byte

// An entry is what a person does about one rule.
type entry struct {
	Title    string              `yaml:"title"`
	Effort   string              `yaml:"effort"`
	Safety   string              `yaml:"safety"`
	Needs    string              `yaml:"needs"`
	Steps    []string            `yaml:"steps"`
	Software map[string][]string `yaml:"software"`
	Provider string              `yaml:"provider"`
	DNS      bool                `yaml:"dns"` // they end in a record of the domain
	Cause    string              `yaml:"cause"`
	Wants    string              `yaml:"wants"` // what the certificate has to be
	Also     string              `yaml:"also"`
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
			Needs: fill(entry.Needs, e, hostOf(e, claims[0].Subject)), Steps: entry.steps(e, claims),
		}
		if ip := addressAsName(e, claims); res.Rule.ID == "mx-no-address" && ip != "" {
			f.Title, f.Needs = "put a host name into the MX record", "a name for the mail host"
			f.Steps = stepsOf(fmt.Sprintf("An MX record takes a host name, not an address (RFC 5321 section 5.1). Give the host a name, and name it:\nmail.%s. 3600 IN A %s\n%[1]s. 3600 IN MX 10 mail.%[1]s.", e.Domain, ip))
		}
		if steps := keysElsewhere(e, res.Rule.ID, claims); len(steps) > 0 {
			f.Steps = steps
		}
		if res.Rule.ID == "mtasts-fetch" && e.MTASTS.NoHost() {
			f.Title, f.Safety, f.Needs, f.dns = "give the policy host an address", NeedsInput, "the address of a web server that can serve "+e.MTASTS.Host, true
			f.Steps = policyHostless(e)
		}
		if steps := policyAbove(e); res.Rule.ID == "dmarc-policy-none" && len(steps) > 0 {
			f.Steps = steps
		}
		// One certificate mends what several rules say about it.
		if i := slices.IndexFunc(out, func(o Fix) bool { return slices.EqualFunc(o.Steps, f.Steps, Step.equal) }); i >= 0 {
			out[i].Claims = append(out[i].Claims, f.Claims...)
			continue
		}
		out = append(out, f)
	}
	return byCause(e, results, out)
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
	first := fmt.Sprintf("Publish A and AAAA records of a web server at %s, and have a certificate issued for that name.", host)
	if chain := e.MTASTS.HostChain; len(chain) > 0 {
		first = fmt.Sprintf("%s is an alias of %s, which has no address: give that an address, or let the alias lead to a web server, with a certificate for %[1]s.", host, chain[len(chain)-1])
	}
	return stepsOf(
		first,
		fill("Let it serve the policy at "+e.MTASTS.URL()+":\nversion: STSv1\nmode: testing\nmx: MAIL-HOST\nmax_age: 86400", e, nil),
		fmt.Sprintf("Or, if there is to be no MTA-STS, remove the record at %s.", e.MTASTS.TXT.Name),
	)
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
		who := "the service that holds " + target
		if p := provider.Default().ByDKIMTarget(target); p != nil {
			who = p.Name + " (" + target + ")"
		}
		out = append(out, step(fmt.Sprintf("%s is an alias: have %s make a key of 2048 bits, or point the alias to one that it has.", s.Owner, who)))
	}
	return out
}

func (s Step) equal(t Step) bool { return s.Text == t.Text && slices.Equal(s.Copy, t.Copy) }

// A batch is mail hosts for which the same has to be done.
type batch struct {
	software string // key of entry.Software, "" for the general steps
	platform *provider.Provider
	hosts    []*gather.Host
}

// steps gives the steps for the hosts that the claims are about.
func (en entry) steps(e *gather.Evidence, claims []Claim) []Step {
	var batches []batch
	for _, c := range claims {
		h := hostOf(e, c.Subject)
		b := batch{}
		if h != nil {
			if b.platform = provider.Default().ByMX(h.Name); b.platform != nil && !b.platform.Shared {
				b.platform = nil
			}
			if b.platform == nil {
				b.software = softwareOf(h)
			}
		} else if len(e.Providers) > 0 && en.Provider != "" {
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
	for _, b := range batches {
		texts := en.Steps
		switch {
		case b.platform != nil && en.Provider != "":
			texts = []string{strings.ReplaceAll(en.Provider, "{provider}", b.platform.Name)}
		case b.platform != nil:
			texts = []string{b.platform.Name + " runs the host: only they can change it."}
		case b.software != "":
			texts = en.Software[b.software]
		}
		var host *gather.Host
		if len(b.hosts) > 0 {
			host = b.hosts[0]
		}
		for i, text := range texts {
			label := b.label()
			if len(b.hosts) > 1 && strings.Contains(text, "{host}") { // to each its own name
				text, label = strings.ReplaceAll(text, "{host}", "HOST"), label+", each as HOST"
			}
			text = fill(text, e, host)
			if i == 0 && len(b.hosts) > 0 {
				text = label + ": " + text
			}
			out = append(out, step(text))
		}
	}
	return out
}

// label names the hosts of a batch.
func (b batch) label() string {
	var names []string
	for _, h := range b.hosts {
		names = append(names, h.Name)
	}
	const shown = 3
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if b.software != "" {
		text += " (" + softwareNames[b.software] + ")"
	}
	return text
}

// fill puts names into a text.
func fill(text string, e *gather.Evidence, h *gather.Host) string {
	host := "the mail host"
	if h != nil {
		host = h.Name
	}
	c := &composer{e: e}
	if hosts := c.policyHosts(); len(hosts) > 0 && !e.MX.Implicit && !c.mxBroken() && !c.unsteadyMX() { // a policy names the hosts that the MX records name
		text = strings.ReplaceAll(text, "mx: MAIL-HOST", "mx: "+strings.Join(hosts, "\nmx: "))
	}
	record := e.Domain
	if e.DMARC != nil {
		record = cmp.Or(applied(e).At, e.Domain)
	}
	return strings.NewReplacer("{host}", host, "{domain}", e.Domain, "{dmarc}", "_dmarc."+record).Replace(text)
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
