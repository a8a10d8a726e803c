package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/report"
)

// auditFlags are the flags of audit, and of every command that audits.
type auditFlags struct {
	set *pflag.FlagSet

	// What is gathered. A recording holds these; a replay refuses them.
	selectors, sendIPs, subdomains, resolvers []string
	profile, smtp, ehlo, control              string
	skip                                      []string
	relay, relayFrom, relayRcpt               string
	offline, allowPrivate                     bool
	caFile, pslFile                           string
	timeout                                   time.Duration

	// What is made of it.
	outputs        []string
	quiet          bool
	color          string
	failOn         string
	minScore       int
	require        []string
	rubric         string
	record, replay string
}

// Flags that change what is gathered: on a replay they would be a lie.
var gatherFlags = []string{
	"selector", "send-ip", "subdomain", "resolver", "profile", "smtp", "ehlo", "control", "skip", "offline",
	"relay", "relay-from", "relay-rcpt",
	"allow-private", "ca-file", "psl-file", "timeout",
}

func (f *auditFlags) register(set *pflag.FlagSet) {
	f.set = set
	set.StringArrayVar(&f.selectors, "selector", nil, "DKIM selector in use; repeatable")
	set.StringVar(&f.profile, "profile", "auto", "what the domain does: auto, full, receive-only, send-only, no-mail")
	set.StringArrayVar(&f.resolvers, "resolver", nil, "DNS resolver: ADDRESS[:PORT], tcp:ADDRESS, tls://HOST, https://HOST/PATH; repeatable")
	set.StringVar(&f.smtp, "smtp", "on", "talk to mail servers: on, off")
	set.StringVar(&f.ehlo, "ehlo", "", "name of this machine for EHLO (default: its address)")
	set.StringVar(&f.relay, "relay", "basic", "ask mail servers whether they relay, last in the one conversation and without sending: basic, off")
	set.StringVar(&f.relayFrom, "relay-from", "", "foreign sender for the relay test (default: postmaster at the --ehlo name's domain)")
	set.StringVar(&f.relayRcpt, "relay-rcpt", "", "foreign recipient for the relay test, a mailbox of your own")
	set.StringVar(&f.control, "control", "", "HOST[:PORT] that shows whether mail servers can be reached from here")
	set.StringArrayVar(&f.skip, "skip", nil, "area to leave out; repeatable")
	set.BoolVar(&f.allowPrivate, "allow-private", false, "also contact private and other special-purpose addresses")
	set.StringVar(&f.caFile, "ca-file", "", "PEM file of certificate authorities to trust beside the system's")
	set.StringVar(&f.pslFile, "psl-file", "", "public suffix list to use instead of the built-in one")
	set.DurationVar(&f.timeout, "timeout", 45*time.Second, "time for one domain")
	set.StringVar(&f.record, "record", "", "keep every answer in this file")
	set.StringVar(&f.replay, "replay", "", "audit from the answers in this file, without the network")
	f.registerLook(set)
}

func (f *auditFlags) registerLook(set *pflag.FlagSet) {
	set.StringArrayVarP(&f.outputs, "output", "o", nil, "FORMAT or FORMAT=FILE, repeatable: "+strings.Join(formatNames(), ", "))
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print less")
	set.StringVar(&f.color, "color", "auto", "colour: auto, always, never")
	set.StringVar(&f.failOn, "fail-on", "high", "exit 1 at a finding this severe or worse: critical, high, medium, low, never")
	set.IntVar(&f.minScore, "min-score", 0, "exit 1 under this score")
	set.StringArrayVar(&f.require, "require", nil, "area that must give an answer, else exit 3; repeatable (default mx, spf, dmarc)")
	set.StringVar(&f.rubric, "rubric", "", "version of the rubric (default: the newest)")
}

func auditCommand(w world) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit DOMAIN...",
		Short: "audit mail domains",
		Long: `audit looks at a mail domain as the world sees it, and reports what is wrong,
how much it matters and how to mend it. It asks DNS, fetches the MTA-STS policy,
and holds one conversation with each address of each mail host: greeting, TLS,
goodbye. It never sends a message.

Exit codes: 0 thresholds met, 1 a finding at or over --fail-on or a score under
--min-score, 2 wrong usage, 3 a required area gave no usable answer, 4 mxvet
itself failed or a report could not be written, 130 interrupted.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), w, args) },
	}
	cmd.Flags().SortFlags = false
	f.register(cmd.Flags())
	return cmd
}

func (f *auditFlags) run(ctx context.Context, w world, args []string) error {
	outs, err := f.checkLook()
	if err != nil {
		return err
	}
	job, done, err := f.job(w, args)
	if err != nil {
		return err
	}
	defer done()
	rep, err := audit.Run(ctx, job)
	if err != nil {
		return internalf("%w", err)
	}
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	return f.conclude(w, outs, job, rep)
}

// conclude saves the recording, writes the reports and chooses the exit code.
func (f *auditFlags) conclude(w world, outs []output, job audit.Job, rep *report.Report) error {
	if f.record != "" {
		var buf bytes.Buffer
		if err := job.Tape.Save(&buf); err != nil {
			return internalf("save recording: %w", err)
		}
		if err := writeFile(f.record, buf.Bytes()); err != nil {
			return internalf("save recording: %w", err)
		}
	}
	if err := write(outs, rep, w, look{quiet: f.quiet, color: f.color}); err != nil {
		return err
	}
	if code := f.exitCode(rep); code != exitOK {
		return &exitError{code: code}
	}
	return nil
}

// checkLook tests the flags that say what to make of the result.
func (f *auditFlags) checkLook() ([]output, error) {
	outs, err := parseOutputs(f.outputs)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains([]string{"auto", "always", "never"}, f.color):
		return nil, usagef("--color %s: choose auto, always or never", f.color)
	case !slices.Contains([]string{"critical", "high", "medium", "low", "never"}, f.failOn):
		return nil, usagef("--fail-on %s: choose critical, high, medium, low or never", f.failOn)
	case f.minScore < 0 || f.minScore > 100:
		return nil, usagef("--min-score %d: a score lies between 0 and 100", f.minScore)
	case f.rubric != "" && !slices.Contains(report.Rubrics(), f.rubric):
		return nil, usagef("--rubric %s: this version knows %s", f.rubric, strings.Join(report.Rubrics(), ", "))
	}
	if len(f.require) == 0 {
		f.require = []string{checks.AreaHosts, checks.AreaSPF, checks.AreaDMARC}
	}
	for _, flag := range []struct {
		name  string
		areas []string
	}{{"require", f.require}, {"skip", f.skip}} {
		for _, a := range flag.areas {
			if !slices.Contains(checks.Areas(), a) {
				return nil, usagef("--%s %s: no such area: choose from %s", flag.name, a, strings.Join(checks.Areas(), ", "))
			}
		}
	}
	return outs, nil
}

// job makes ready what the pipeline needs: domains, tables, and a Source that
// asks the network or a recording.
func (f *auditFlags) job(w world, args []string) (job audit.Job, done func(), err error) {
	done = func() {}
	job = audit.Job{Tool: report.Tool{Name: "mxvet", Version: toolVersion()}, Rubric: f.rubric, Now: w.now}
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
	if job.Tables, err = f.tables(); err != nil {
		return job, done, err
	}
	if f.replay != "" {
		return f.replayJob(job, domains)
	}
	if name, err := parseDomain(w.hostname); f.ehlo == "" && err == nil {
		f.ehlo = name
	}
	if len(domains) == 0 {
		return job, done, usagef("no domain: type one, as in mxvet audit example.com")
	}
	options, err := f.options()
	if err != nil {
		return job, done, err
	}
	live, err := f.live(w)
	if err != nil {
		return job, done, err
	}
	options.Seed = rand.Text()
	job.Timeout, job.Targets = f.timeout, audit.Targets(domains, options)
	if err := job.Start(live, w.now()); err != nil {
		return job, done, internalf("%w", err)
	}
	return job, live.Close, nil
}

func (f *auditFlags) replayJob(job audit.Job, domains []string) (audit.Job, func(), error) {
	done := func() {}
	for _, name := range gatherFlags {
		if f.set.Changed(name) {
			return job, done, usagef("--%s with --replay: a recording answers only what was asked when it was made", name)
		}
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
	if err := job.Replay(tape, domains...); err != nil {
		return job, done, usagef("--replay %s: %w", f.replay, err)
	}
	return job, done, nil
}

func (f *auditFlags) options() (gather.Options, error) {
	o := gather.Options{
		Selectors: f.selectors, Skip: f.skip, NoSMTP: f.smtp == "off", Offline: f.offline,
		AllowPrivate: f.allowPrivate, Control: f.control, EHLO: f.ehlo, Profile: f.profile,
		Relay: f.relay, RelayFrom: f.relayFrom, RelayRcpt: f.relayRcpt,
	}
	if !slices.Contains([]string{"auto", gather.Full, gather.ReceiveOnly, gather.SendOnly, gather.NoMail}, f.profile) {
		return o, usagef("--profile %s: choose auto, full, receive-only, send-only or no-mail", f.profile)
	}
	if f.relay != "basic" && f.relay != "off" {
		return o, usagef("--relay %s: choose basic or off", f.relay)
	}
	for name, address := range map[string]string{"relay-from": f.relayFrom, "relay-rcpt": f.relayRcpt} {
		user, domain, ok := strings.Cut(address, "@")
		if address == "" {
			continue
		}
		if _, err := parseDomain(domain); !ok || user == "" || err != nil || strings.ContainsAny(user, " <>\"\\\t\r\n") {
			return o, usagef("--%s %q is no mail address", name, address)
		}
	}
	if f.smtp != "on" && f.smtp != "off" {
		return o, usagef("--smtp %s: choose on or off", f.smtp)
	}
	for _, s := range f.selectors {
		if _, err := parseDomain(s + ".example.com"); err != nil {
			return o, usagef("--selector %q is no DKIM selector: it is the name before ._domainkey, from s= in a DKIM-Signature field", s)
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
		d, err := parseDomain(s)
		if err != nil {
			return o, err
		}
		o.Subdomains = append(o.Subdomains, d)
	}
	if f.ehlo != "" {
		if _, err := parseDomain(f.ehlo); err != nil {
			return o, usagef("--ehlo: %w", err)
		}
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
	c := wire.LiveConfig{Resolvers: f.resolvers, AllowPrivate: f.allowPrivate, EHLO: f.ehlo, Version: toolVersion()}
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

// exitCode judges the report by the thresholds. Of several domains the most
// telling code wins.
func (f *auditFlags) exitCode(rep *report.Report) int {
	rank := []int{exitOK, exitUnknown, exitFindings}
	worst := exitOK
	for _, d := range rep.Domains {
		if code := f.domainCode(d); slices.Index(rank, code) > slices.Index(rank, worst) {
			worst = code
		}
	}
	return worst
}

func (f *auditFlags) domainCode(d report.Domain) int {
	if d.Score.Score < f.minScore {
		return exitFindings
	}
	for _, finding := range d.Findings {
		sev := checks.Severity(finding.Severity)
		if f.failOn != "never" && (sev == checks.Severity(f.failOn) || sev.Worse(checks.Severity(f.failOn))) {
			return exitFindings
		}
	}
	for _, area := range f.require {
		if slices.Contains(d.Unanswered, area) {
			return exitUnknown
		}
	}
	return exitOK
}
