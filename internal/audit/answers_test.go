package audit_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
)

// What the three answers say of whole worlds, from the questions to the sentence.
// An answer is given as it begins; after a bar stands what its text must not hold.
func TestAnswersOfWorlds(t *testing.T) {
	const (
		refusing = "hosts:\n- {name: mx1.example.com, smtp: {banner-code: %, banner: \"@\"}}\n- {name: mx2.example.com, smtp: {banner-code: %, banner: \"@\"}}\n"
		relaying = "-- hosts.yaml --\nhosts:\n- {name: mx1.example.com, smtp: {rcpt: {policy: open}}}\n"
		policy   = "-- pages/mta-sts.example.com/.well-known/mta-sts.txt --\nversion: STSv1\nmode: %\n@: mx1.example.com\nmx: mx2.example.com\nmax_age: 604800\n"
	)
	greeting := func(code, text string) string {
		return "-- hosts.yaml --\n" + strings.NewReplacer("%", code, "@", text).Replace(refusing)
	}
	mtasts := func(mode, key string) string { return strings.NewReplacer("%", mode, "@", key).Replace(policy) }
	const any = ""
	for _, tt := range []struct {
		name, world               string
		forgery, arrival, transit string
		rule                      string // that the last answer rests on, "" for any
	}{
		{"all is well", "", "YES DMARC has forgeries rejected", "YES 2 of 2 MX up, no relay seen, on no block list", "YES TLS on 2 of 2 MX, MTA-STS enforced, DANE not checked|no DANE", ""},

		// DANE is not asked for, whatever is published.
		{"DANE published", "-- patch --\n_25._tcp.mx1 IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000\n_25._tcp.mx2 IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000\n-- dns.yaml --\nsecure: [example.com]\n", any, "YES", "YES TLS on 2 of 2 MX, MTA-STS enforced, DANE not checked|no DANE", ""},
		{"DANE published, and no MTA-STS", "-- patch --\n- _mta-sts TXT\n_25._tcp.mx1 IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000\n-- dns.yaml --\nsecure: [example.com]\n", any, any, "PARTLY TLS on 2 of 2 MX, no MTA-STS for senders (no record announces its policy), DANE not checked|no DANE", "mtasts-record-missing"},

		// A broken MTA-STS is none for senders that ask now.
		{"two MTA-STS records", "-- patch --\n_mta-sts IN TXT \"v=STSv1; id=20260902100000\"\n", any, any, "PARTLY TLS on 2 of 2 MX, no MTA-STS for new senders (several records), DANE not checked|enforced", "mtasts-record-multiple"},
		{"an MTA-STS policy without mx", "-- pages/mta-sts.example.com/.well-known/mta-sts.txt --\nversion: STSv1\nmode: enforce\nnmx: mx1.example.com\nmax_age: 604800\n", any, any, "PARTLY TLS on 2 of 2 MX, no MTA-STS for new senders (broken policy), DANE not checked|enforced", "mtasts-policy-invalid"},
		{"an MTA-STS policy without a mode that exists", mtasts("enforced", "mx"), any, any, "PARTLY TLS on 2 of 2 MX, no MTA-STS for new senders (broken policy)|MTA-STS enforced", "mtasts-policy-invalid"},
		{"an MTA-STS record without id", "-- patch --\n- _mta-sts TXT\n_mta-sts IN TXT \"v=STSv1;\"\n", any, any, "PARTLY TLS on 2 of 2 MX, no MTA-STS for new senders (broken record)|MTA-STS enforced", "mtasts-record-invalid"},
		{"MTA-STS only tests", mtasts("testing", "mx"), any, any, "PARTLY TLS on 2 of 2 MX, MTA-STS only tests, DANE not checked|enforced", "mtasts-testing"},

		// Hosts that were not reached count for nothing.
		{"one MX refuses the connection", "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, fault: refuse, smtp: {}}\n", any, "PARTLY mail to it: 1 of 2 MX up, an MX host does not answer", "YES TLS on 1 of 1 that answered, MTA-STS enforced, DANE not checked; mx2.example.com not reached|of 2", ""},
		{"one MX is silent", "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, fault: silent, smtp: {}}\n", any, "PARTLY mail to it: 1 of 2 MX up", "UNKNOWN TLS on 1 of 1 that answered, but encryption could not be checked: mx2.example.com did not answer on port 25|of 2", ""},
		{"one MX turns us away", "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, smtp: {banner-code: 421, banner: \"mx2.example.com busy\"}}\n", any, "YES 1 of 2 MX up", "UNKNOWN TLS on 1 of 1 that answered, but encryption could not be checked: mx2.example.com turned this machine away|of 2", ""},
		{"one MX is silent after EHLO", "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, smtp: {silent-at: ehlo}}\n", "UNKNOWN DMARC has forgeries rejected, but relaying could not be checked: mx2.example.com greeted, and did not answer EHLO|turned", "YES 1 of 2 MX up (mx2.example.com did not answer EHLO)", "UNKNOWN TLS on 1 of 1 that answered, but encryption could not be checked: mx2.example.com greeted, and did not answer EHLO|turned", ""},

		// A host that greets nobody is not up, and says nothing about encryption.
		{"every MX puts us off", greeting("421", "4.7.0 try again later"), any, "UNKNOWN mail to it: refused this machine: mx1.example.com says \"421 4.7.0 try again later\"|MX up", "UNKNOWN no mail server let this machine in|TLS on", "smtp-starttls-none"},
		{"every MX speaks of us", greeting("554", "5.7.1 your address is on our list"), any, "UNKNOWN mail to it: refused this machine: mx1.example.com says \"554 5.7.1 your address|MX up", "UNKNOWN no mail server let this machine in|TLS on", ""},

		// A relay that SPF lets send is a way to forge.
		{"an open relay that may send", relaying, "NO a server that SPF lets send looks like an open relay", "PARTLY mail from it: a server looks like an open relay", "YES", ""},
		{"an open relay that may send over IPv6", "-- patch --\n- @ TXT\n@ IN TXT \"v=spf1 ip4:192.0.2.18 ip6:2001:db8:25::17 -all\"\n" + relaying, "NO a server that SPF lets send looks like an open relay", "PARTLY mail from it", "YES", ""},
		{"an open relay that may not send", "-- patch --\n- @ TXT\n@ IN TXT \"v=spf1 ip4:192.0.2.18 ip6:2001:db8:25::18 -all\"\n" + relaying, "YES DMARC has forgeries rejected", "PARTLY mail from it: a server looks like an open relay", "YES", ""},

		// What fails high reaches an answer.
		{"a null MX beside an SPF record that lets send", "-- patch --\n- @ MX\n@ IN MX 0 .\n", any, "PARTLY mail from it: receivers refuse mail that nobody can answer", "NOT APPLICABLE", ""},

		// What was switched off was not asked, and is no good news.
		{"SMTP switched off", "-- options --\nno_smtp: true\nselectors: [s2026]\n", "YES DMARC has forgeries rejected; not checked: relaying", "NOT ASKED mail to it: the mail servers not checked: SMTP is switched off|MX up", "NOT ASKED encryption not checked: SMTP is switched off, MTA-STS enforced, DANE not checked|TLS on", ""},
		{"no TLS at all", "-- hosts.yaml --\nhosts:\n- {name: mx1.example.com, smtp: {starttls: off}}\n- {name: mx2.example.com, smtp: {starttls: off}}\n", any, any, "NO no host offers encryption to this machine|TLS on", "smtp-starttls-none"},
		{"STARTTLS out of order everywhere", "-- hosts.yaml --\nhosts:\n- {name: mx1.example.com, smtp: {starttls: unavailable}}\n- {name: mx2.example.com, smtp: {starttls: unavailable}}\n", any, any, "NO encryption fails at its hosts|TLS on", "smtp-starttls-fails"},
		{"no TLS here, broken TLS there", "-- hosts.yaml --\nhosts:\n- {name: mx1.example.com, smtp: {starttls: off}}\n- {name: mx2.example.com, smtp: {starttls: broken}}\n", any, any, "NO encryption fails at its hosts|TLS on", "smtp-starttls-fails"},
		{"no TLS on one of two", "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, smtp: {starttls: off}}\n", any, any, "PARTLY a host offers no encryption to this machine, TLS on 1 of 2 MX", "smtp-starttls-none"},
		{"every MX breaks off after EHLO", "-- hosts.yaml --\nhosts:\n- {name: mx1.example.com, smtp: {replies: {ehlo: \"421 4.3.2 closing\"}}}\n- {name: mx2.example.com, smtp: {replies: {ehlo: \"421 4.3.2 closing\"}}}\n", any, "UNKNOWN mail to it: its mail servers broke off|MX up", "UNKNOWN no mail server let this machine in|TLS on", ""},
		{"the MX question fails", "-- dns.yaml --\nfaults:\n- {name: example.com, type: MX, at: resolver, fault: servfail}\n", any, "UNKNOWN mail to and from it: the DNS could not be checked: MX of example.com could not be looked up: SERVFAIL|MX up", "UNKNOWN |TLS on", ""},
		{"no name server of the domain says where its mail goes", "-- dns.yaml --\nfaults:\n- {name: example.com, type: MX, fault: servfail}\n", any, "NO mail to it: none of its name servers answers, so mail returns after days; mail from it: none of its name servers answers|MX up", "UNKNOWN |TLS on", ""},
		{"no such domain", "-- options --\ndomain: gone.example.com\n", any, "NO mail to and from it: the domain does not exist|MX up", any, ""},
		{"DMARC silent", "-- dns.yaml --\nfaults:\n- {name: _dmarc.example.com, type: TXT, fault: servfail}\n", "UNKNOWN DMARC could not be checked: TXT of _dmarc.example.com could not be looked up: SERVFAIL", any, any, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "-- base --\nmodel\n"
			if !strings.Contains(tt.world, "-- options --") {
				text += "-- options --\nselectors: [s2026]\n"
			}
			world, err := fakenet.Parse([]byte(text + tt.world))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				rep, _ := auditWorld(t, world)
				got := rep.Domains[0].Answers
				for i, want := range []string{tt.forgery, tt.arrival, tt.transit} {
					begins, never, _ := strings.Cut(want, "|")
					if said := got[i].Answer + " " + got[i].Text; !strings.HasPrefix(said, begins) || never != "" && strings.Contains(said, never) {
						t.Errorf("%s: %s\nwant %s\nnever %q", got[i].Question, said, begins, never)
					}
				}
				if tt.rule != "" && !strings.Contains(strings.Join(got[2].Rules, " "), tt.rule) {
					t.Errorf("the last answer rests on %q, want %s", got[2].Rules, tt.rule)
				}
			})
		})
	}
}
