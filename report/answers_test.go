package report

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// posed makes a result of a rule that bears on the questions as said.
func posed(id string, bears []checks.Bearing, verdicts ...checks.Verdict) checks.Result {
	r := res(id, checks.AreaHosts, checks.Critical, verdicts...)
	r.Rule.Bears = bears
	return r
}

// greeted is an address that says no more than a greeting.
func greeted(ip string, code int, text string) gather.Address {
	a := silent(ip, "x")
	a.Session.Exchanges = []smtp.Exchange{{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: code, Lines: []string{text}}}}
	a.Session.Fail = &wire.Fail{Kind: wire.FailReset, Text: "connection closed"}
	return a
}

func hostsOf(addrs ...gather.Address) *gather.Evidence {
	e := &gather.Evidence{Domain: "example.com"}
	for i, a := range addrs {
		e.MX.Hosts = append(e.MX.Hosts, gather.Host{Name: fmt.Sprintf("mx%d.example.com", i+1), Addrs: []gather.Address{a}})
	}
	return e
}

// TestAnswers holds how the answers follow from what rules bear on, with rules made
// up for it.
func TestAnswers(t *testing.T) {
	until := sampleTime.AddDate(0, 0, 60)
	up := talked(t, "192.0.2.1", "mx1.example.com", until)
	clear := talked(t, "192.0.2.2", "mx2.example.com", until)
	clear.Session.TLS = nil
	two := hostsOf(up, up)
	beyond := hostsOf(up, gather.Address{IP: netip.MustParseAddr("192.0.2.3")})
	beyond.Options.AllowPrivate = true // so that the address is one like others
	offline := &gather.Evidence{Domain: "example.com", Options: gather.Options{Offline: true}, Failures: map[wire.Ref]gather.Failure{"q": {Kind: wire.FailOffline}}}

	say := func(s checks.Status, sev checks.Severity) checks.Verdict {
		return said(s, sev, "example.com", "the lookup gave no answer")
	}
	fail, unknown, pass := say(checks.Fail, checks.High), say(checks.Unknown, checks.High), passing("example.com")
	unheard := unknown
	unheard.Evidence = []wire.Ref{"q"}
	untold := say(checks.Unknown, checks.Critical)
	untold.NoFault = true
	unasked, nothing := said(checks.NotAsked, "", "example.com", "SMTP is switched off"), all(checks.NotApplicable)
	bearing := func(q checks.Question, d checks.Direction, w checks.Weight, words string) []checks.Bearing {
		return []checks.Bearing{{On: q, From: checks.High, Weight: w, Direction: d, Words: words, Good: words + " passed", About: words + " topic"}}
	}
	rule := func(q checks.Question, d checks.Direction, w checks.Weight, words string, vs ...checks.Verdict) checks.Result {
		return posed(strings.ReplaceAll(words, " ", "-"), bearing(q, d, w, words), vs...)
	}
	f := func(w checks.Weight, words string, vs ...checks.Verdict) checks.Result {
		return rule(checks.Forgery, "", w, words, vs...)
	}
	to := func(w checks.Weight, words string, vs ...checks.Verdict) checks.Result {
		return rule(checks.Arrival, checks.MailTo, w, words, vs...)
	}
	from := func(w checks.Weight, words string, vs ...checks.Verdict) checks.Result {
		return rule(checks.Arrival, checks.MailFrom, w, words, vs...)
	}
	tr := func(w checks.Weight, words string, vs ...checks.Verdict) checks.Result {
		r := rule(checks.Transit, "", w, words, vs...)
		r.Rule.Bears[0].Good = ""
		return r
	}
	shield := func(name checks.Shield, words string, vs ...checks.Verdict) checks.Result {
		b := bearing(checks.Transit, "", checks.Decides, words)
		b[0].Shield, b[0].Good, b[0].About = name, string(name)+" whole", ""
		return posed(words, b, vs...)
	}
	everywhere := func(r checks.Result) checks.Result {
		r.Rule.Bears[0].Everywhere = true
		return r
	}
	D, B, P, S := checks.Decides, checks.Breaks, checks.Partly, checks.Beside
	for _, tt := range []struct {
		name string
		q    checks.Question
		e    *gather.Evidence
		role string
		rs   []checks.Result
		want string // answer and text
		not  string // words that must not be there
	}{
		{"a deciding failure", checks.Forgery, two, "full", []checks.Result{f(D, "wound", fail), f(D, "other", pass)}, "NO wound", "other"},
		{"a failure outweighs an unknown", checks.Forgery, two, "full", []checks.Result{f(D, "other", unknown), f(D, "wound", fail)}, "NO wound", "lookup"},
		{"the worst of several", checks.Forgery, two, "full", []checks.Result{f(D, "mild", fail), f(D, "grave", say(checks.Fail, checks.Critical))}, "NO grave", "mild"},
		{"too mild to count", checks.Forgery, two, "full", []checks.Result{f(D, "wound", say(checks.Fail, checks.Medium)), f(D, "other", pass)}, "YES other passed", "wound"},
		{"a deciding unknown", checks.Forgery, two, "full", []checks.Result{f(D, "wound", unknown), f(P, "flaw", fail)}, "UNKNOWN wound topic could not be checked: the lookup gave no answer, but flaw", ""},
		{"one failure of many breaks it", checks.Forgery, two, "full", []checks.Result{f(B, "break", fail), f(D, "other", pass)}, "NO break", ""},
		{"an unknown break is open", checks.Forgery, two, "full", []checks.Result{f(B, "break", unknown), f(D, "other", pass)}, "UNKNOWN other passed, but break topic could not be checked: the lookup gave no answer", ""},
		{"an unknown break without a fault stands beside", checks.Forgery, two, "full", []checks.Result{f(B, "break", untold), f(D, "other", pass)}, "YES other passed; not checked: break topic", ""},
		{"a fault goes before what will not tell", checks.Forgery, two, "full", []checks.Result{f(B, "break", untold, unknown), f(D, "other", pass)}, "UNKNOWN other passed, but break topic", ""},
		{"what decides is open though nothing failed", checks.Forgery, two, "full", []checks.Result{f(D, "wound", untold)}, "UNKNOWN wound topic", ""},
		{"a partly failure", checks.Forgery, two, "full", []checks.Result{f(P, "flaw", fail), f(D, "other", pass)}, "PARTLY flaw", "passed"},
		{"a partly unknown", checks.Forgery, two, "full", []checks.Result{f(P, "flaw", unknown), f(D, "other", pass)}, "YES other passed; not checked: flaw topic", ""},
		{"beside", checks.Forgery, two, "full", []checks.Result{f(S, "note", fail), f(D, "other", pass)}, "YES other passed, note", ""},
		{"an unknown that matters not", checks.Forgery, two, "full", []checks.Result{f(S, "note", unknown), f(D, "other", pass)}, "YES other passed", "note"},
		{"not asked", checks.Forgery, two, "full", []checks.Result{f(D, "wound", unasked), f(D, "other", pass)}, "NOT ASKED wound topic not checked: SMTP is switched off", "passed"},
		{"not asked, and in part bad", checks.Forgery, two, "full", []checks.Result{f(D, "wound", unasked), f(P, "flaw", fail)}, "NOT ASKED wound topic not checked: SMTP is switched off, but flaw", ""},
		{"offline nothing was asked", checks.Forgery, offline, "full", []checks.Result{f(D, "wound", unheard), f(D, "other", pass)}, "NOT ASKED wound topic not checked: the network is switched off", "lookup"},
		{"offline, and cut by a bound", checks.Forgery, offline, "full", []checks.Result{f(D, "wound", unknown), f(D, "other", pass)}, "UNKNOWN wound topic could not be checked: the lookup gave no answer", "network"},
		{"nothing decides", checks.Forgery, two, "full", []checks.Result{f(P, "flaw", pass), f(D, "wound", nothing)}, "UNKNOWN nothing that decides it could be checked", "passed"},
		{"no rule at all", checks.Forgery, two, "full", nil, "UNKNOWN nothing", ""},
		{"partly seen", checks.Forgery, two, "full", []checks.Result{f(P, "flaw", passing("a"), say(checks.Unknown, checks.High)), f(D, "other", pass)}, "YES other passed; not checked: flaw topic (in part)", ""},

		{"arrives", checks.Arrival, two, "full", []checks.Result{to(D, "way", pass), from(D, "name", pass)}, "YES 2 of 2 MX up, way passed, name passed", "mail to"},
		{"mail to it", checks.Arrival, two, "full", []checks.Result{to(D, "way", fail), from(D, "name", pass)}, "NO mail to it: way", "from"},
		{"mail from it", checks.Arrival, two, "full", []checks.Result{to(D, "way", pass), from(P, "name", fail), from(D, "x", pass)}, "PARTLY mail from it: name", "mail to"},
		{"the worse of both", checks.Arrival, two, "full", []checks.Result{to(P, "way", fail), to(D, "y", pass), from(D, "name", fail)}, "NO mail from it: name; mail to it: 2 of 2 MX up, way", ""},
		{"both alike", checks.Arrival, offline, "full", []checks.Result{to(D, "gone", fail), from(D, "gone", fail)}, "NO mail to and from it: gone", ";"},
		{"unknown weighs more than partly", checks.Arrival, two, "full", []checks.Result{to(D, "way", unknown), from(P, "name", fail)}, "UNKNOWN mail to it: way topic could not be checked: the lookup", ""},
		{"a failure weighs more than what was not asked", checks.Arrival, offline, "full", []checks.Result{to(D, "way", unasked), from(P, "name", fail), from(D, "x", pass)}, "PARTLY mail from it: name; mail to it: way topic not checked", ""},
		{"it only sends", checks.Arrival, &gather.Evidence{}, "send-only", []checks.Result{to(D, "way", fail), from(D, "name", pass)}, "YES name passed", "way"},
		{"it only receives", checks.Arrival, two, "receive-only", []checks.Result{to(D, "way", pass), from(D, "name", fail)}, "YES 2 of 2 MX up, way passed", "name"},
		{"nothing speaks against it", checks.Arrival, &gather.Evidence{}, "send-only", []checks.Result{posed("x", []checks.Bearing{{On: checks.Arrival, Direction: checks.MailFrom, From: checks.High, Weight: D, Words: "w"}}, pass)}, "YES nothing was found that stops it", ""},
		{"no mail", checks.Arrival, &gather.Evidence{}, "no-mail", []checks.Result{to(D, "way", fail)}, "NOT APPLICABLE it neither takes nor sends mail", ""},
		{"one host beyond the bound", checks.Arrival, beyond, "receive-only", []checks.Result{to(D, "way", pass)}, "YES 1 of 1 MX that were asked up, 1 not asked, way passed", ""},
		{"one host with a private address", checks.Arrival, hostsOf(up, gather.Address{IP: netip.MustParseAddr("10.0.0.3")}), "receive-only", []checks.Result{to(P, "way", fail)}, "PARTLY mail to it: 1 of 2 MX up, way", ""},
		{"one host of two", checks.Arrival, hostsOf(up, silent("192.0.2.2", "x")), "receive-only", []checks.Result{to(P, "way", fail), to(D, "y", pass)}, "PARTLY mail to it: 1 of 2 MX up, way", ""},
		{"all refuse us", checks.Arrival, hostsOf(greeted("192.0.2.1", 554, "go away")), "receive-only", []checks.Result{to(D, "way", pass)}, `UNKNOWN mail to it: refused this machine: mx1.example.com says "554 go away"`, "up"},
		{"all put us off", checks.Arrival, hostsOf(greeted("192.0.2.1", 421, "later")), "full", []checks.Result{to(D, "way", unknown), from(D, "x", pass)}, `UNKNOWN mail to it: refused this machine: mx1.example.com says "421 later"`, "up"},
		{"all break off", checks.Arrival, hostsOf(greeted("192.0.2.1", 220, "mx1")), "receive-only", []checks.Result{to(D, "way", pass)}, "UNKNOWN mail to it: its mail servers broke off", "up"},
		{"all are silent", checks.Arrival, hostsOf(silent("192.0.2.1", "x")), "receive-only", []checks.Result{to(D, "way", unknown)}, "UNKNOWN mail to it: no mail server answered", "up"},
		{"refusal that is proven", checks.Arrival, hostsOf(greeted("192.0.2.1", 521, "no mail here")), "receive-only", []checks.Result{to(D, "way", fail)}, "NO mail to it: way", "refused this machine"},
		{"everywhere unknown", checks.Arrival, two, "receive-only", []checks.Result{everywhere(to(D, "way", unknowing(checks.High, "a"), unknowing(checks.High, "b"))), to(D, "y", pass)}, "UNKNOWN mail to it: way topic could not be checked: timeout at a", ""},
		{"unknown at one", checks.Arrival, two, "receive-only", []checks.Result{everywhere(to(D, "way", unknowing(checks.High, "a"), passing("b"))), to(D, "y", pass)}, "YES 2 of 2", "timeout"},

		{"encrypted, with one policy", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", pass)}, "YES TLS on 2 of 2 MX, MTA-STS whole, DANE not checked", "no DANE"},
		{"no policy", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", fail)}, "PARTLY TLS on 2 of 2 MX, bare, DANE not checked", "no DANE"},
		{"one of two policies", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", fail), shield(checks.DANE, "naked", pass)}, "YES TLS on 2 of 2 MX, bare, DANE whole", ""},
		{"policy unknown", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", unknown)}, "UNKNOWN TLS on 2 of 2 MX, MTA-STS could not be checked: the lookup", "bare"},
		{"policy unknown beside one that is whole", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", unknown), shield(checks.DANE, "naked", pass)}, "YES TLS on 2 of 2 MX, MTA-STS could not be checked: the lookup", "bare"},
		{"no policy was looked at", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", unasked)}, "NOT ASKED TLS on 2 of 2 MX, MTA-STS not checked, DANE not checked", "bare"},
		{"a flaw, and the policy unknown", checks.Transit, two, "full", []checks.Result{tr(D, "open", pass), tr(P, "flaw", fail), shield(checks.MTASTS, "bare", unknown)}, "PARTLY flaw, TLS on 2 of 2 MX, MTA-STS could not be checked: the lookup", "bare"},
		{"SMTP switched off", checks.Transit, &gather.Evidence{}, "full", []checks.Result{tr(D, "open", unasked), shield(checks.MTASTS, "bare", pass)}, "NOT ASKED open topic not checked: SMTP is switched off, MTA-STS whole", "TLS on"},
		{"clear text", checks.Transit, hostsOf(clear), "full", []checks.Result{tr(D, "open", fail), shield(checks.MTASTS, "bare", fail)}, "NO open, bare", "TLS on"},
		{"one of two in clear text", checks.Transit, hostsOf(up, clear), "full", []checks.Result{tr(D, "y", pass), tr(P, "open", fail), shield(checks.MTASTS, "bare", pass)}, "PARTLY open, TLS on 1 of 2 MX", ""},
		{"one not reached", checks.Transit, hostsOf(up, silent("192.0.2.2", "x")), "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", pass)}, "YES TLS on 1 of 1 that answered, MTA-STS whole, DANE not checked; mx2.example.com not reached", "of 2"},
		{"one turned us away", checks.Transit, hostsOf(up, greeted("192.0.2.2", 554, "no")), "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", pass)}, "YES TLS on 1 of 1 that answered, MTA-STS whole, DANE not checked; mx2.example.com turned this machine away", "of 2"},
		{"one broke off", checks.Transit, hostsOf(up, greeted("192.0.2.2", 220, "mx")), "full", []checks.Result{tr(D, "open", pass), shield(checks.MTASTS, "bare", pass)}, "YES TLS on 1 of 1 that answered, MTA-STS whole, DANE not checked; mx2.example.com broke off", "of 2"},
		{"none reached", checks.Transit, hostsOf(silent("192.0.2.2", "x")), "full", []checks.Result{tr(D, "open", unknown), shield(checks.MTASTS, "bare", pass)}, "UNKNOWN no mail server answered", "TLS on"},
		{"none let us in", checks.Transit, hostsOf(greeted("192.0.2.2", 421, "no")), "full", []checks.Result{tr(D, "open", nothing), shield(checks.MTASTS, "bare", pass)}, "UNKNOWN no mail server let this machine in", "TLS on"},
		{"nowhere to go", checks.Transit, &gather.Evidence{}, "full", []checks.Result{to(D, "no host", fail), tr(D, "open", nothing)}, "NOT APPLICABLE no mail server takes mail for it", ""},
		{"nobody was asked", checks.Transit, &gather.Evidence{}, "full", []checks.Result{to(D, "hosts", unknown), tr(D, "open", nothing)}, "UNKNOWN no mail server was asked", "takes mail"},
		{"it only sends", checks.Transit, &gather.Evidence{}, "send-only", []checks.Result{tr(D, "open", fail)}, "NOT APPLICABLE no mail is delivered to it", ""},
	} {
		t.Run(string(tt.q)+": "+tt.name, func(t *testing.T) {
			a := answers(tt.e, tt.role, tt.rs)[slices.Index(checks.Questions(), tt.q)]
			if got := a.Answer + " " + a.Text; a.ID != string(tt.q) || !strings.HasPrefix(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("%s, want %s without %q", got, tt.want, tt.not)
			}
			if a.Tone == "" || a.Question == "" {
				t.Errorf("no tone or question: %+v", a)
			}
		})
	}
}

// TestSilence holds what is said where no mail server could be worked with, and how
// those that were not heard are listed.
func TestSilence(t *testing.T) {
	unreached := func(ips ...string) *gather.Evidence {
		var all []gather.Address
		for _, ip := range ips {
			all = append(all, silent(ip, "x"))
		}
		return hostsOf(all...)
	}
	for _, tt := range []struct {
		name string
		e    *gather.Evidence
		v    gather.Vantage
		want string
	}{
		{"nothing shows why", unreached("192.0.2.1"), gather.Vantage{}, "no mail server answered this machine on port 25"},
		{"port 25 is closed here", unreached("192.0.2.1"), gather.Vantage{IPv4: gather.Reach{Broken: true}}, "no mail server answered on port 25, and this machine reaches no others either"},
		{"no IPv6 here, and nothing else there", unreached("2001:db8::1"), gather.Vantage{IPv6: gather.Reach{Broken: true}}, "its mail servers have IPv6 addresses only, and this machine reaches none over IPv6"},
		{"no IPv6 here, both there", unreached("192.0.2.1", "2001:db8::1"), gather.Vantage{IPv6: gather.Reach{Broken: true}}, "no mail server answered this machine on port 25"},
		{"IPv6 works here", unreached("2001:db8::1"), gather.Vantage{}, "no mail server answered this machine on port 25"},
	} {
		tt.e.Vantage = tt.v
		if got := count(tt.e).silence(tt.e); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}

	e := hostsOf(silent("192.0.2.1", "x"), greeted("192.0.2.2", 554, "no"), greeted("192.0.2.3", 220, "mx"), silent("192.0.2.4", "x"), silent("192.0.2.5", "x"))
	e.MX.Hosts[0].Addrs = nil
	want := []string{"mx1.example.com without a known address", "mx2.example.com turned this machine away", "mx3.example.com broke off", "and 2 more"}
	if got := count(e); !slices.Equal(got.missing, want) || got.hosts != 5 || got.up+got.ehlo+got.tls != 0 || !got.tried || !got.heard {
		t.Errorf("%+v, want %q missing", got, want)
	}
	e = hostsOf(silent("192.0.2.1", "x"), silent("192.0.2.2", "x"), silent("192.0.2.3", "x"))
	e.MX.Hosts[0].Addrs, e.MX.Hosts[0].A, e.MX.Hosts[0].AAAA = nil, wire.Answer{Rcode: "NOERROR"}, wire.Answer{Rcode: "NOERROR"}
	want = []string{"mx1.example.com has no address", "mx2.example.com not reached", "mx3.example.com not reached"}
	if got := count(e); !slices.Equal(got.missing, want) {
		t.Errorf("%q, want %q missing", got.missing, want)
	}
	e = hostsOf(silent("192.0.2.1", "x"), silent("192.0.2.2", "x"), silent("192.0.2.3", "x"), silent("192.0.2.4", "x"))
	e.MX.Hosts[0].A, e.MX.Hosts[0].AAAA = wire.Answer{Rcode: "NOERROR"}, wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}
	e.MX.Hosts[0].Addrs = nil
	want = []string{"mx1.example.com without a known address", "mx2.example.com not reached", "mx3.example.com not reached", "and 1 more"}
	if got := count(e); !slices.Equal(got.missing, want) {
		t.Errorf("%q, want %q missing", got.missing, want)
	}
	e = hostsOf(greeted("192.0.2.1", 220, "mx"), greeted("192.0.2.2", 554, "no"), greeted("192.0.2.3", 550, "never"))
	if got := count(e).silence(e); got != `refused this machine: mx2.example.com says "554 no"` {
		t.Errorf("the first refusal: %q", got)
	}
	e = hostsOf(greeted("192.0.2.1", 220, "mx"), silent("192.0.2.2", "x"))
	if got := count(e).silence(e); got != "its mail servers broke off before mail could be given to them" {
		t.Errorf("a greeting alone: %q", got)
	}
	old := greeted("192.0.2.1", 220, "mx")
	old.Session.Exchanges = append(old.Session.Exchanges, smtp.Exchange{Stage: smtp.StageEHLO, Reply: &smtp.Reply{Code: 502}}, smtp.Exchange{Stage: smtp.StageHELO, Reply: &smtp.Reply{Code: 250}})
	if got := count(hostsOf(old)); got.up != 1 || got.ehlo != 0 {
		t.Errorf("a host that knows only HELO: %+v", got)
	}
	twice := hostsOf(talked(t, "192.0.2.1", "mx1.example.com", sampleTime.AddDate(0, 0, 9)))
	failing := talked(t, "192.0.2.2", "mx1.example.com", sampleTime.AddDate(0, 0, 9))
	failing.Session.TLS.Error = "handshake failure"
	twice.MX.Hosts[0].Addrs = append(twice.MX.Hosts[0].Addrs, failing)
	if got := count(twice); got.ehlo != 1 || got.tls != 0 {
		t.Errorf("a host whose second address fails at TLS: %+v", got)
	}
}

// The worst of several is named, the first among equals.
func TestWorstOfSeveral(t *testing.T) {
	at := func(sev checks.Severity, subject string) stand {
		return stand{verdict: checks.Verdict{Severity: sev, Subject: subject}}
	}
	for want, all := range map[string][]stand{
		"b": {at(checks.Medium, "a"), at(checks.Critical, "b"), at(checks.High, "c")},
		"a": {at(checks.High, "a"), at(checks.High, "b")},
		"c": {at(checks.Info, "a"), at(checks.Low, "b"), at(checks.Medium, "c")},
	} {
		if got := worst(all).verdict.Subject; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	order := []string{No, Unclear, Partly, Unlooked, Yes}
	for i := range order[1:] {
		a, b := side{answer: order[i]}, side{answer: order[i+1]}
		if a.compare(b) >= 0 || b.compare(a) <= 0 || a.compare(a) != 0 {
			t.Errorf("%s and %s", order[i], order[i+1])
		}
	}
}

// TestAnswerFields holds what JSON says beside an answer.
func TestAnswerFields(t *testing.T) {
	two := hostsOf(talked(t, "192.0.2.1", "mx1.example.com", sampleTime.AddDate(0, 0, 60)))
	got := answers(two, gather.Full, with(healthy(), exists(),
		res("mx-null-sender", checks.AreaHosts, checks.High, failing(checks.High, "example.com")),
		res("dnsbl-listed", checks.AreaReputation, checks.Critical, passing("example.com"), unknowing(checks.High, "192.0.2.1")),
		res("relay-open", checks.AreaHosts, checks.Critical, unknowing(checks.High, "192.0.2.1")),
	))
	forgery, arrival, transit := got[0], got[1], got[2]
	if !slices.Equal(forgery.Rules, []string{"dkim-key-short", "dmarc-policy-none", "dmarc-record-missing"}) || forgery.Direction != "" {
		t.Errorf("forgery: %+v", forgery)
	}
	if arrival.Direction != "from" || !slices.Equal(arrival.Rules, []string{"mx-null-sender"}) || !slices.Equal(arrival.NotChecked, []string{"block lists (in part)", "relaying"}) {
		t.Errorf("arrival: %+v", arrival)
	}
	if !slices.Equal(transit.NotChecked, []string{"DANE"}) || !slices.Equal(transit.Policies, []string{"MTA-STS enforced", "DANE not checked"}) {
		t.Errorf("transit: %+v", transit)
	}
	if a := answers(two, gather.Full, with(healthy(), exists()))[1]; a.Direction != DirectionBoth || a.Tone != ToneGood {
		t.Errorf("arrival of a sound domain: %+v", a)
	}
}

// TestAnswersSayWhatRulesSay puts all rules into random states: an answer is never
// better than they allow, and says nothing that none of them says.
func TestAnswersSayWhatRulesSay(t *testing.T) {
	rules := checks.All()
	statuses := []checks.Status{checks.Fail, checks.Unknown, checks.Pass, checks.NotAsked, checks.NotApplicable}
	severities := []checks.Severity{checks.Critical, checks.High, checks.Medium, checks.Low, checks.Info}
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	at := sampleTime.AddDate(0, 0, 60)
	for round := range 400 {
		pass := r.IntN(4) // how usual it is that a rule passes
		var results []checks.Result
		for _, rule := range rules {
			if r.IntN(8) == 0 {
				continue
			}
			s := checks.Pass
			if r.IntN(1+40*pass) == 0 {
				s = statuses[r.IntN(len(statuses))]
			}
			sev := severities[r.IntN(len(severities))]
			if sev.Worse(rule.Severity) {
				sev = rule.Severity
			}
			results = append(results, checks.Result{Rule: rule, Status: s, Verdicts: []checks.Verdict{{Subject: "example.com", Status: s, Severity: sev, Message: "because of " + rule.ID}}})
		}
		e := hostsOf(talked(t, "192.0.2.1", "mx1.example.com", at))
		e.MX.Hosts[0].Addrs[0].IP = netip.MustParseAddr("192.0.2.1")
		for i, a := range answers(e, gather.Full, results) {
			checkAnswer(t, fmt.Sprint("round ", round), checks.Questions()[i], a, results)
		}
		if t.Failed() {
			return
		}
	}
}

// checkAnswer holds one answer against the results that it comes from.
func checkAnswer(t *testing.T, where string, q checks.Question, a Answer, results []checks.Result) {
	t.Helper()
	decidesNo, decidesOpen, unasked, decided := false, false, false, false
	for _, res := range results {
		for _, b := range res.Rule.Bears {
			if b.On != q {
				continue
			}
			status, _ := b.Of(res)
			decisive := b.Weight == checks.Decides && b.Shield == ""
			decidesNo = decidesNo || status == checks.Fail && (decisive || b.Weight == checks.Breaks)
			decidesOpen = decidesOpen || decisive && status == checks.Unknown
			unasked = unasked || decisive && status == checks.NotAsked
			decided = decided || decisive && status == checks.Pass
		}
	}
	switch a.Answer {
	case Yes, Partly:
		// What was not asked about one direction leaves a proven flaw of the other.
		if decidesNo || decidesOpen || a.Answer == Yes && !decided || unasked && (a.Answer == Yes || q != checks.Arrival) {
			t.Errorf("%s: %s %s, but a rule says otherwise, or none says so: %q", where, q, a.Answer, a.Text)
		}
	case No:
		if !decidesNo {
			t.Errorf("%s: %s NO, and no rule says so: %q", where, q, a.Text)
		}
	}
	if decidesNo && a.Answer != No {
		t.Errorf("%s: %s %s although a rule decides against it: %q", where, q, a.Answer, a.Text)
	}
	for _, rule := range checks.All() {
		i := slices.IndexFunc(results, func(r checks.Result) bool { return r.Rule.ID == rule.ID })
		for _, b := range rule.Bears {
			status := checks.NotApplicable
			if i >= 0 {
				status, _ = b.Of(results[i])
			}
			told := func(words string, want checks.Status) {
				if words == "" || b.On != q || !strings.Contains(a.Text, words) || status == want {
					return
				}
				for _, other := range results { // another rule may say the same
					for _, o := range other.Rule.Bears {
						s, _ := o.Of(other)
						if s == want && (want == checks.Fail && strings.Contains(o.Words, words) || want == checks.Pass && strings.Contains(o.Good, words)) {
							return
						}
					}
				}
				t.Errorf("%s: %s says %q, and %s is %s", where, q, words, rule.ID, status)
			}
			told(b.Words, checks.Fail)
			told(b.Good, checks.Pass)
		}
	}
	if strings.Contains(a.Text, "no DANE") {
		t.Errorf("%s: claims the absence of what nobody asked: %q", where, a.Text)
	}
}
