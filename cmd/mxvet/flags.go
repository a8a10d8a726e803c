package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mxvet/checks"
	"mxvet/internal/config"
	"mxvet/report"
)

// auditFlags are the flags of audit, and of every command that audits.
type auditFlags struct {
	set      *pflag.FlagSet
	fromEnv  []string // names of those that the environment gave
	fromFile []string // and of those that the configuration file gave
	settings *config.Config

	// What is gathered. A recording holds these; a replay refuses them.
	configFile                                string
	selectors, sendIPs, subdomains, resolvers []string
	zones, assume                             []string
	policy                                    string
	profile, smtp, ehlo, control              string
	skip                                      []string
	relay, relayFrom, relayRcpt, bimiSelector string
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
	"config", "zone", "assume", "policy", "offline",
	"selector", "send-ip", "subdomain", "resolver", "profile", "smtp", "ehlo", "control", "skip",
	"relay", "relay-from", "relay-rcpt", "bimi-selector",
	"allow-private", "ca-file", "psl-file",
}

func (f *auditFlags) register(set *pflag.FlagSet) {
	file(set, &f.configFile, "config", "c", "configuration file: domains to audit, and what is known of them")
	f.registerAssumed(set)
	f.registerOffline(set)
	set.StringArrayVar(&f.selectors, "selector", nil, "DKIM selector in use; repeatable")
	set.StringArrayVar(&f.sendIPs, "send-ip", nil, "address that sends the domain's mail; repeatable")
	set.StringArrayVar(&f.subdomains, "subdomain", nil, "name below the domain, which is also judged; repeatable")
	set.StringVar(&f.profile, "profile", "auto", "what the domain does: auto, full, receive-only, send-only, no-mail")
	set.StringArrayVar(&f.resolvers, "resolver", nil, "DNS resolver: ADDRESS[:PORT], tcp:ADDRESS, tls://HOST, https://HOST/PATH; repeatable")
	set.StringVar(&f.smtp, "smtp", "on", "talk to mail servers: on, off")
	set.StringVar(&f.ehlo, "ehlo", "", "name of this machine for EHLO (default: its address)")
	set.StringVar(&f.relay, "relay", "basic", "ask mail servers whether they relay, last in the one conversation and without sending: basic, off")
	set.StringVar(&f.relayFrom, "relay-from", "", "foreign sender for the relay test (default: postmaster at the --ehlo name's domain)")
	set.StringVar(&f.relayRcpt, "relay-rcpt", "", "foreign recipient for the relay test, a mailbox of your own")
	set.StringVar(&f.bimiSelector, "bimi-selector", "", "selector of the BIMI record (default: default)")
	set.StringVar(&f.control, "control", "", "HOST[:PORT] that shows whether mail servers can be reached from here")
	set.StringArrayVar(&f.skip, "skip", nil, "area to leave out; repeatable")
	set.BoolVar(&f.allowPrivate, "allow-private", false, "also contact private and other special-purpose addresses")
	set.StringVar(&f.caFile, "ca-file", "", "PEM file of certificate authorities to trust beside the system's")
	set.StringVar(&f.pslFile, "psl-file", "", "public suffix list to use instead of the built-in one")
	set.DurationVar(&f.timeout, "timeout", 45*time.Second, "time for one domain")
	file(set, &f.record, "record", "", "keep every answer in this file")
	file(set, &f.replay, "replay", "", "audit from the answers in this file, without the network")
	f.registerLook(set)
}

func (f *auditFlags) registerOffline(set *pflag.FlagSet) {
	set.BoolVar(&f.offline, "offline", false, "ask nothing and nobody: judge what --zone says")
}

func (f *auditFlags) registerAssumed(set *pflag.FlagSet) {
	f.registerRecords(set)
	set.StringVar(&f.policy, "policy", "", "MTA-STS policy file that is not served yet")
}

// registerRecords is about the DNS alone.
func (f *auditFlags) registerRecords(set *pflag.FlagSet) {
	set.StringArrayVar(&f.zones, "zone", nil, "zone file to audit laid over what is published; repeatable")
	set.StringArrayVar(&f.assume, "assume", nil, "record to take for published in place of all of its name and type: 'NAME TTL IN TYPE DATA'; '+ NAME ...' beside them; '- NAME TYPE [DATA]' for one, or all, that is gone; repeatable")
}

func (f *auditFlags) registerLook(set *pflag.FlagSet) {
	f.set = set
	set.StringArrayVarP(&f.outputs, "output", "o", nil, "FORMAT or FORMAT=FILE, repeatable: "+strings.Join(formatNames(), ", "))
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print less")
	set.StringVar(&f.color, "color", "auto", "colour: auto, always, never")
	set.StringVar(&f.failOn, "fail-on", "high", "exit 1 at a finding this severe or worse: critical, high, medium, low, never")
	set.IntVar(&f.minScore, "min-score", 0, "exit 1 under this score")
	set.StringArrayVar(&f.require, "require", nil, "area that must give an answer, else exit 3; repeatable (default mx, spf, dmarc)")
	set.StringVar(&f.rubric, "rubric", "", "version of the rubric (default: the newest)")
}

// settle fills in what the command line leaves open: from the environment, where
// MXVET_FAIL_ON stands for --fail-on and lists are separated by commas, and then
// from the configuration file. A replay takes from neither what was gathered.
func (f *auditFlags) settle(w world) error {
	getenv := w.getenv
	if err := f.checkFiles(); err != nil {
		return err
	}
	f.misspelt(w)
	env := func(name string) string { return getenv(envName(name)) }
	replayed := f.replay != "" || f.set.Lookup("replay") != nil && env("replay") != ""
	var err error
	f.set.VisitAll(func(flag *pflag.Flag) {
		value := env(flag.Name)
		switch {
		case value == "" || flag.Changed || flag.Name == "help":
			return
		case replayed && slices.Contains(gatherFlags, flag.Name):
			fmt.Fprintf(w.stderr, "mxvet: warning: %s does nothing with --replay: a recording answers only what was asked when it was made\n", envName(flag.Name))
			return
		}
		if bad := setFlag(flag, value); bad != nil && err == nil {
			err = usagef("%s: %w", envName(flag.Name), plainer(bad))
		}
		f.fromEnv = append(f.fromEnv, flag.Name)
	})
	if err != nil || f.configFile == "" {
		return err
	}
	if f.settings, err = readConfig(f.configFile); err != nil {
		return err
	}
	d := f.settings.Defaults
	for _, s := range []struct {
		name, value string
	}{
		{"profile", d.Profile},
		{"rubric", d.Rubric},
		{"fail-on", d.FailOn},
		{"min-score", d.MinScore},
		{"resolver", strings.Join(d.Resolvers, ",")},
	} {
		if s.value == "" || f.given(s.name) {
			continue
		}
		if err := setFlag(f.set.Lookup(s.name), s.value); err != nil {
			return internalf("%s: %s: %w", f.configFile, s.name, err) // the file was checked
		}
		f.fromFile = append(f.fromFile, s.name)
	}
	return nil
}

// setFlag gives a flag its value, which for a list may be several. A record may
// hold commas itself.
func setFlag(flag *pflag.Flag, value string) error {
	if list, ok := flag.Value.(pflag.SliceValue); ok && flag.Name != "assume" {
		return list.Replace(strings.Split(value, ","))
	}
	return flag.Value.Set(value)
}

// given reports that command line or environment set a flag.
func (f *auditFlags) given(name string) bool {
	return f.set.Changed(name) || slices.Contains(f.fromEnv, name)
}

// source says where the value of a flag comes from, "" where it was typed or stands by
// default.
func (f *auditFlags) source(name string) string {
	switch {
	case slices.Contains(f.fromEnv, name):
		return " (from " + envName(name) + ")"
	case slices.Contains(f.fromFile, name):
		return " (from " + f.configFile + ")"
	}
	return ""
}

// blame says of an error about a flag that nobody typed where it comes from.
func (f *auditFlags) blame(err error) error {
	e, ok := errors.AsType[*exitError](err)
	if !ok || e.err == nil {
		return err
	}
	for _, name := range f.fromEnv {
		if strings.HasPrefix(e.err.Error(), "--"+name+" ") {
			return &exitError{e.code, fmt.Errorf("%w%s", e.err, f.source(name))}
		}
	}
	return err
}

// checkTimeout tests the time for one domain, where the command has one.
func (f *auditFlags) checkTimeout() error {
	if f.set.Lookup("timeout") != nil && f.timeout <= 0 {
		return usagef("--timeout %s: there must be some time, as in --timeout 45s", f.timeout)
	}
	return nil
}

// checkLook tests the flags that say what to make of the result.
func (f *auditFlags) checkLook() ([]output, error) {
	if err := f.checkTimeout(); err != nil {
		return nil, err
	}
	outs, err := parseOutputs(f.outputs)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains([]string{"auto", "always", "never"}, f.color):
		return nil, usagef("--color %s: choose auto, always or never", f.color)
	case !slices.Contains(config.FailOn(), f.failOn):
		return nil, usagef("--fail-on %s: choose critical, high, medium, low or never", f.failOn)
	case f.minScore < 0 || f.minScore > 100:
		return nil, usagef("--min-score %d: a score lies between 0 and 100", f.minScore)
	case f.rubric != "" && !slices.Contains(report.Rubrics(), f.rubric):
		return nil, usagef("--rubric %s: this version knows %s", f.rubric, strings.Join(report.Rubrics(), ", "))
	}
	for _, a := range f.require {
		if slices.Contains(f.skip, a) {
			return nil, usagef("--require %s with --skip %s: an area that is left out gives no answer", a, a)
		}
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

// inputs gives the files that the command reads, by what names them.
func (f *auditFlags) inputs(more ...string) map[string][]string {
	in := map[string][]string{"--zone": f.zones, "the command line": more}
	for flag, name := range map[string]string{"--replay": f.replay, "--config": f.configFile, "--policy": f.policy, "--ca-file": f.caFile, "--psl-file": f.pslFile} {
		if name != "" {
			in[flag] = []string{name}
		}
	}
	return in
}
