package report

import (
	"net/netip"
	"testing"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// One cause is told for all that waits for it, and no verdict that rests on
// anything else is put under it.
func TestCauses(t *testing.T) {
	greeting := smtp.Exchange{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 421, Lines: []string{"busy"}}}
	talked := []smtp.Exchange{
		{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{"mx1.example.com"}}},
		{Stage: smtp.StageEHLO, Reply: &smtp.Reply{Code: 250, Lines: []string{"mx1.example.com"}}},
	}
	host := func(name, ip, ref string, ex ...smtp.Exchange) gather.Host {
		return gather.Host{Name: name, Addrs: []gather.Address{{IP: netip.MustParseAddr(ip), Ref: wire.Ref(ref), Session: wire.Session{Exchanges: ex}}}}
	}
	lost, far := wire.Question{Name: "_dmarc.example.com", Type: "TXT"}, wire.Question{Name: "a.b.example.com", Type: "A"}
	direct := wire.Question{Name: "example.com", Type: "NS", Server: "192.0.2.53"}
	failures := map[wire.Ref]gather.Failure{
		lost.Ref(): {Question: lost, Kind: wire.FailServfail}, far.Ref(): {Question: far, Kind: wire.FailTimeout}, direct.Ref(): {Question: direct, Kind: wire.FailTimeout},
	}
	broken := gather.Reach{Broken: true, Ref: "control"}
	tests := []struct {
		name     string
		hosts    []gather.Host
		vantage  gather.Vantage
		evidence []wire.Ref
		want     string
	}{
		{"nobody answers", []gather.Host{host("mx1.example.com", "192.0.2.1", "a"), host("mx2.example.com", "192.0.2.2", "b")}, gather.Vantage{}, []wire.Ref{"a"}, "no mail server answered on port 25"},
		{"the control is no host of the domain", []gather.Host{host("mx1.example.com", "192.0.2.1", "a")}, gather.Vantage{IPv4: gather.Reach{Ref: "control"}}, []wire.Ref{"a", "control"}, "no mail server answered on port 25"},
		{"nobody talks", []gather.Host{host("mx1.example.com", "192.0.2.1", "a", greeting), host("mx2.example.com", "192.0.2.2", "b")}, gather.Vantage{}, []wire.Ref{"b"}, "no mail server talked with this machine: those that answered on port 25 turned it away"},
		{"one of two is silent", []gather.Host{host("mx1.example.com", "192.0.2.1", "a", talked...), host("mx2.example.com", "192.0.2.2", "b")}, gather.Vantage{}, []wire.Ref{"b"}, "mx2.example.com did not answer on port 25"},
		{"one of two turns us away", []gather.Host{host("mx1.example.com", "192.0.2.1", "a", talked...), host("mx2.example.com", "192.0.2.2", "b", greeting)}, gather.Vantage{}, []wire.Ref{"b"}, "mx2.example.com turned this machine away before any mail was offered"},
		{"one of two falls silent", []gather.Host{host("mx1.example.com", "192.0.2.1", "a", talked...), host("mx2.example.com", "192.0.2.2", "b", talked[0])}, gather.Vantage{}, []wire.Ref{"b"}, "mx2.example.com greeted, and did not answer EHLO"},
		{"port 25 is blocked here", []gather.Host{host("mx1.example.com", "192.0.2.1", "a")}, gather.Vantage{IPv4: broken}, []wire.Ref{"a"}, "this machine reaches no mail server on port 25, wherever it is"},
		{"no IPv6 here", []gather.Host{host("mx1.example.com", "2001:db8::1", "a")}, gather.Vantage{IPv6: broken}, []wire.Ref{"a"}, "this machine reaches nobody over IPv6, and the mail servers have no IPv4 address"},
		{"no IPv6 here, where another host talks", []gather.Host{host("mx1.example.com", "192.0.2.1", "a", talked...), host("mx2.example.com", "2001:db8::1", "b")}, gather.Vantage{IPv6: broken}, []wire.Ref{"b"}, "this machine reaches no mail server over the address family of mx2.example.com"},
		{"it rests on a record", []gather.Host{host("mx1.example.com", "192.0.2.1", "a")}, gather.Vantage{}, []wire.Ref{"dns:txt example.com"}, ""},
		{"it rests on a record too", []gather.Host{host("mx1.example.com", "192.0.2.1", "a")}, gather.Vantage{}, []wire.Ref{"a", "dns:txt example.com"}, ""},
		{"it rests on a talk that was held", []gather.Host{host("mx1.example.com", "192.0.2.1", "a", talked...)}, gather.Vantage{}, []wire.Ref{"a"}, ""},
		{"a question that failed", nil, gather.Vantage{}, []wire.Ref{"dns:MX example.com", lost.Ref()}, "TXT of _dmarc.example.com could not be looked up: SERVFAIL"},
		{"the question nearest to the root", nil, gather.Vantage{}, []wire.Ref{"dns:MX example.com", lost.Ref(), far.Ref()}, "TXT of _dmarc.example.com could not be looked up: SERVFAIL"},
		{"a server asked directly", nil, gather.Vantage{}, []wire.Ref{direct.Ref()}, ""},
		{"a question before a talk", []gather.Host{host("mx1.example.com", "192.0.2.1", "a")}, gather.Vantage{}, []wire.Ref{"a", lost.Ref()}, "TXT of _dmarc.example.com could not be looked up: SERVFAIL"},
		{"it rests on nothing", []gather.Host{host("mx1.example.com", "192.0.2.1", "a")}, gather.Vantage{}, nil, ""},
	}
	for _, tt := range tests {
		e := &gather.Evidence{Domain: "example.com", Vantage: tt.vantage, MX: gather.MXSet{Hosts: tt.hosts}, Failures: failures}
		if got := causesOf(e).of(tt.evidence); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Where nothing about the domain's own name was answered, that is the one cause,
// also of what was not asked for it; what others say of other names has its own.
func TestCauseOfSilentZone(t *testing.T) {
	fail := &wire.Fail{Kind: wire.FailTimeout}
	dead := wire.Answer{Fail: fail}
	e := &gather.Evidence{Domain: "example.com", MX: gather.MXSet{Answer: dead}, Apex: gather.Apex{A: dead, AAAA: dead, TXT: dead, NS: dead, SOA: dead}}
	for ref, want := range map[wire.Ref]string{
		"dns:MX example.com":                 "the resolver has no answer about example.com: no reply",
		"dns:TXT s1._domainkey.example.com":  "the resolver has no answer about example.com: no reply",
		"dns:A list.example.net":             "",
		"dns:TXT notexample.com":             "",
		"get:https://mta-sts.example.com/.w": "",
	} {
		if got := causesOf(e).of([]wire.Ref{ref}); got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
	e.Apex.TXT = wire.Answer{Rcode: "NOERROR"}
	if got := causesOf(e).of([]wire.Ref{"dns:MX example.com"}); got != "" {
		t.Errorf("one answer came: %q", got)
	}
}
