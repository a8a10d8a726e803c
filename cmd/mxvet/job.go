package main

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"mxvet/internal/audit"
	"mxvet/internal/config"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/report"
)

// job makes ready what the pipeline needs: domains, tables, and a Source that
// asks the network or a recording.
func (f *auditFlags) job(w world, args []string) (job audit.Job, done func(), err error) {
	done = func() {}
	began := time.Now()
	job = audit.Job{Began: w.now(), Tool: report.Tool{Name: "mxvet", Version: toolVersion()}, Rubric: f.rubric, Now: w.now}
	var domains []string
	for _, arg := range args {
		d, err := parseDomain(arg)
		if err != nil {
			return job, done, err
		}
		if !slices.Contains(domains, d) {
			domains = append(domains, d)
		}
	}
	if f.replay != "" {
		return f.replayJob(job, domains)
	}
	if f.settings != nil && len(domains) == 0 {
		for _, d := range f.settings.Domains {
			domains = append(domains, d.Name)
		}
	}
	if len(domains) == 0 && f.settings != nil {
		return job, done, usagef("no domain: %s names none", f.configFile)
	}
	if len(domains) == 0 {
		return job, done, usagef("no domain: type one, as in mxvet audit example.com")
	}
	if name, err := parseDomain(w.hostname); f.ehlo == "" && err == nil {
		f.ehlo = name
	}
	if job.Targets, err = f.targets(domains); err != nil {
		return job, done, err
	}
	var src wire.Source
	if !f.offline || len(f.resolvers) > 0 || f.caFile != "" { // what is given wrong is wrong offline too
		live, err := f.live(w)
		if err != nil {
			return job, done, err
		}
		if done = live.Close; !f.offline {
			src = live
		}
	}
	if job.Tables, err = f.tables(); err != nil {
		return job, done, err
	}
	if job.Assumed, err = f.assumed(domains); err != nil {
		return job, done, err
	}
	f.beside(w, job.Assumed, domains)
	job.Timeout, job.Lean = max(f.timeout-time.Since(began), time.Nanosecond), f.record == ""
	return job, done, started(&job, src, w)
}

// beside warns of zones that hold none of the domains, which may be meant: that of
// their mail hosts.
func (f *auditFlags) beside(w world, a audit.Assumed, domains []string) {
	for i, z := range a.Zones {
		if !slices.ContainsFunc(domains, z.Covers) {
			fmt.Fprintf(w.stderr, "mxvet: warning: --zone %s: the zone %s does not hold %s\n", report.Sanitize(f.zones[i]), z.Origin, strings.Join(domains, " or "))
		}
	}
}

// started makes the job ask src; nil is no network.
func started(job *audit.Job, src wire.Source, w world) error {
	if err := job.Start(src, w.now()); err != nil {
		return internalf("%w", err)
	}
	return nil
}

// targets gives each domain its options: what command line or environment say
// holds for all, what the configuration says for its own.
func (f *auditFlags) targets(domains []string) ([]audit.Target, error) {
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	if err := below(o.Subdomains, domains); err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, usagef("%w", err)
	}
	o.Seed = rand.Text()
	if f.settings == nil {
		return audit.Targets(domains, o), nil
	}
	o.DNSBL = f.settings.DNSBL
	out := audit.Targets(domains, o)
	for i := range out {
		if d := f.settings.Find(out[i].Domain); d != nil {
			f.configured(&out[i].Options, d)
		}
	}
	return out, nil
}

// below checks that each name lies below one of the domains, and that none of them
// has more than are asked about.
func below(names, domains []string) error {
	count := map[string]int{}
	for _, name := range names {
		i := slices.IndexFunc(domains, func(d string) bool { return strings.HasSuffix(name, "."+d) })
		if i < 0 {
			return usagef("--subdomain %s: not a name below %s", name, strings.Join(domains, " or "))
		}
		if count[domains[i]]++; count[domains[i]] > gather.MaxSubdomains {
			return usagef("--subdomain: more than %d names below %s", gather.MaxSubdomains, domains[i])
		}
	}
	return nil
}

func (f *auditFlags) configured(o *gather.Options, d *config.Domain) {
	if d.Profile != "" && !f.given("profile") {
		o.Profile = d.Profile
	}
	if !f.given("selector") {
		o.Selectors = d.Selectors
	}
	if !f.given("send-ip") {
		o.SendIPs = d.SendIPs
	}
}

func (f *auditFlags) replayJob(job audit.Job, domains []string) (audit.Job, func(), error) {
	done := func() {}
	for _, name := range gatherFlags {
		if name == "config" && f.set.Changed(name) {
			return job, done, usagef("--config with --replay: the file says what to ask, and the recording was asked already: type its thresholds, as in --fail-on medium")
		}
		if f.set.Changed(name) {
			return job, done, usagef("--%s with --replay: a recording answers only what was asked when it was made", name)
		}
	}
	var err error
	if job.Tables, err = f.tables(); err != nil {
		return job, done, err
	}
	file, err := os.Open(f.replay)
	if err != nil {
		return job, done, usagef("--replay: %w", err)
	}
	defer file.Close()
	tape, err := wire.LoadTape(file)
	if err != nil {
		return job, done, usagef("--replay %s: %w", f.replay, err)
	}
	job.Timeout, job.Lean = f.timeout, f.record == "" // of judging and proving: a recording may come from anybody
	if err := job.Replay(tape, domains...); err != nil {
		return job, done, usagef("--replay %s: %w", f.replay, err)
	}
	return job, done, nil
}

func (f *auditFlags) options() (gather.Options, error) {
	o := gather.Options{
		Selectors: slices.Clone(f.selectors), Skip: f.skip, NoSMTP: f.smtp == "off", Offline: f.offline,
		AllowPrivate: f.allowPrivate, Control: f.control, EHLO: f.ehlo, Profile: f.profile,
		Relay: f.relay, RelayFrom: f.relayFrom, RelayRcpt: f.relayRcpt, BIMISelector: f.bimiSelector, PolicyAssumed: f.policy != "",
	}
	if !slices.Contains(config.Profiles(), f.profile) {
		return o, usagef("--profile %s: choose auto, full, receive-only, send-only or no-mail", f.profile)
	}
	if f.relay != "basic" && f.relay != "off" {
		return o, usagef("--relay %s: choose basic or off", f.relay)
	}
	for _, flag := range []struct {
		name    string
		address *string
	}{{"relay-from", &o.RelayFrom}, {"relay-rcpt", &o.RelayRcpt}} {
		if err := mailAddress(flag.name, flag.address); err != nil {
			return o, err
		}
	}
	if f.smtp != "on" && f.smtp != "off" {
		return o, usagef("--smtp %s: choose on or off", f.smtp)
	}
	var err error
	if f.control != "" {
		if o.Control, err = hostPort(f.control); err != nil {
			return o, usagef("--control: %w", err)
		}
	}
	for i, s := range o.Selectors {
		if o.Selectors[i], err = labels(s); err != nil {
			return o, usagef("--selector %q is no DKIM selector: it is the name before ._domainkey, from s= in a DKIM-Signature field", s)
		}
	}
	if f.bimiSelector != "" {
		if o.BIMISelector, err = labels(f.bimiSelector); err != nil {
			return o, usagef("--bimi-selector %q is no BIMI selector: it is the name before ._bimi, from s= in a BIMI-Selector field", f.bimiSelector)
		}
	}
	for _, s := range f.sendIPs {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return o, usagef("--send-ip %q is no IP address", s)
		}
		o.SendIPs = append(o.SendIPs, ip)
	}
	for _, s := range f.subdomains {
		if name := strings.TrimSuffix(s, "."); name != "" && !strings.Contains(name, ".") {
			return o, usagef("--subdomain %s: type the whole name, with the domain that it lies below, as in %s.example.com", s, name)
		}
		d, err := parseDomain(s)
		if err != nil {
			return o, err
		}
		o.Subdomains = append(o.Subdomains, d)
	}
	if f.ehlo != "" {
		if o.EHLO, err = parseDomain(f.ehlo); err != nil {
			return o, usagef("--ehlo: %w", err)
		}
		f.ehlo = o.EHLO
	}
	return o, nil
}

func (f *auditFlags) tables() (gather.Tables, error) {
	t := gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
	if f.pslFile != "" {
		file, err := os.Open(f.pslFile)
		if err != nil {
			return t, usagef("--psl-file: %w", err)
		}
		defer file.Close()
		if t.Suffixes, err = psl.Load(file); err != nil {
			return t, usagef("--psl-file %s: %w", f.pslFile, err)
		}
	}
	return t, nil
}

func (f *auditFlags) live(w world) (*wire.Live, error) {
	c := wire.LiveConfig{AllowPrivate: f.allowPrivate, EHLO: f.ehlo, Version: toolVersion()}
	for _, r := range f.resolvers {
		c.Resolvers = append(c.Resolvers, resolverName(r))
	}
	if len(f.resolvers) == 0 {
		conf, err := os.ReadFile("/etc/resolv.conf")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("read the system's resolvers: %w: name one with --resolver", err)
		}
		c.ResolvConf = conf
	}
	if f.caFile != "" {
		pem, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, usagef("--ca-file: %w", err)
		}
		if c.Roots = x509.NewCertPool(); !c.Roots.AppendCertsFromPEM(pem) {
			return nil, usagef("--ca-file %s: holds no certificate in PEM form", f.caFile)
		}
	}
	if ip, err := netip.ParseAddr(f.control); err == nil {
		c.Exempt = append(c.Exempt, ip)
	}
	live, err := wire.NewLive(c)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return live, nil
}
