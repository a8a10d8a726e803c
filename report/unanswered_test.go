package report

import (
	"net/netip"
	"slices"
	"testing"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// The mail hosts gave an answer once one of them took EHLO or HELO, or once it is
// proven that mail to the domain fails.
func TestUnansweredHosts(t *testing.T) {
	banner := func(code int, text string) smtp.Exchange {
		return smtp.Exchange{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: code, Lines: []string{text}}}
	}
	said := func(stage string, code int) smtp.Exchange {
		return smtp.Exchange{Stage: stage, Reply: &smtp.Reply{Code: code, Lines: []string{"mx1.example.com"}}}
	}
	unheard := smtp.Exchange{Stage: smtp.StageEHLO}
	greeting := banner(220, "mx1.example.com")
	turnsAway := checks.Result{
		Rule: checks.Rule{ID: "smtp-banner-refuses", Bears: []checks.Bearing{{
			On: checks.Arrival, Direction: checks.MailTo, From: checks.Critical, Weight: checks.Decides, Words: "its mail servers turn every sender away",
		}}},
		Verdicts: []checks.Verdict{{Status: checks.Fail, Severity: checks.Critical}},
	}
	milder := turnsAway
	milder.Verdicts = []checks.Verdict{{Status: checks.Fail, Severity: checks.High}}
	open := turnsAway
	open.Verdicts = []checks.Verdict{{Status: checks.Unknown, Severity: checks.Critical}}
	for _, c := range []struct {
		name    string
		log     []smtp.Exchange
		results []checks.Result
		want    bool
	}{
		{"it talks", []smtp.Exchange{greeting, said(smtp.StageEHLO, 250)}, nil, false},
		{"it talks as in old times", []smtp.Exchange{greeting, said(smtp.StageEHLO, 502), said(smtp.StageHELO, 250)}, nil, false},
		{"silence", nil, nil, true},
		{"busy", []smtp.Exchange{banner(421, "4.7.0 too many connections")}, nil, true},
		{"it turns us away", []smtp.Exchange{banner(554, "5.7.1 nobody may send here")}, []checks.Result{open}, true},
		{"it turns us away at EHLO", []smtp.Exchange{greeting, said(smtp.StageEHLO, 550)}, []checks.Result{open}, true},
		{"it closes after EHLO", []smtp.Exchange{greeting, unheard}, []checks.Result{open}, true},
		{"it takes no mail from anybody", []smtp.Exchange{banner(521, "does not accept mail")}, []checks.Result{turnsAway}, false},
		{"a failure that decides nothing", []smtp.Exchange{banner(521, "does not accept mail")}, []checks.Result{milder}, true},
	} {
		e := &gather.Evidence{Domain: "example.com", Role: gather.Role{Name: gather.Full}, MX: gather.MXSet{Hosts: []gather.Host{{Name: "mx1.example.com", Addrs: []gather.Address{{
			IP: netip.MustParseAddr("192.0.2.1"), Ref: "smtp:192.0.2.1", Session: wire.Session{Exchanges: c.log},
		}}}}}}
		if got := slices.Contains(unanswered(e, c.results), checks.AreaHosts); got != c.want {
			t.Errorf("%s: unanswered %v, want %v", c.name, got, c.want)
		}
	}
}
