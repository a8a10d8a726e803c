package fix_test

import (
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// Small worlds of which nothing is said here: what is proposed for each stands in
// the table, whole.
func TestSmallWorlds(t *testing.T) {
	spfOf := func(text string) string { return mail + reject + `@ IN TXT "` + text + `"` + "\n" }
	dmarcOf := func(text string) string { return mail + aligned + `_dmarc IN TXT "` + text + `"` + "\n" }
	slip := func(owner, said, meant string) gather.Options {
		return gather.Options{ZoneFiles: []string{"db"}, ZoneSlips: []zone.Slip{{File: "db", Line: 7, Kind: zone.SlipQuotes, Owner: owner, Said: said, Meant: meant}}}
	}
	silent := "- {name: mx.example.com, addrs: [192.0.2.25], fault: silent}"
	long := "a:" + strings.Repeat("a", 60) + "." + strings.Repeat("b", 44) + ".example.com" // 119 octets
	for _, c := range []struct {
		name, zone, hosts string
		o                 gather.Options
	}{
		{name: "a label that no name has, beside a slip", zone: spfOf("v=spf1 ipv4:192.0.2.25 a:" + strings.Repeat("a", 64) + ".example.com ~all")},
		{name: "a long term that never matches", zone: spfOf("v=spf1 ip4:192.0.2.25 a:" + long[2:] + " ~all")},
		{name: "a term of 120 octets that never matches", zone: spfOf("v=spf1 ip4:192.0.2.25 a:c" + long[2:] + " ~all")},
		{name: "a term of 121 octets that never matches", zone: spfOf("v=spf1 ip4:192.0.2.25 a:cc" + long[2:] + " ~all")},
		{name: "all by an a term", zone: spfOf("v=spf1 ip4:192.0.2.25 a:mx.example.com/0 ~all")},
		{name: "all by an mx term over IPv6", zone: spfOf("v=spf1 ip4:192.0.2.25 mx//0 ~all")},
		{name: "a neutral network of all", zone: spfOf("v=spf1 ip4:192.0.2.25 ?ip4:0.0.0.0/0 -all")},
		{name: "a redirect beside all", zone: spfOf("v=spf1 ip4:192.0.2.25 redirect=s.example.com ~all")},
		{name: "a mailbox provider, and a key of another service", zone: mail + reject + "s1._domainkey IN CNAME s1.example.net.\n", hosts: mailHost + "\n-- zone/example.net --\ns1 IN TXT \"v=DKIM1; p=\"", o: gather.Options{Selectors: []string{"s1"}}},
		{name: "no record, and a key of a service that has ranges", zone: mail + reject + "s1._domainkey IN CNAME s1.domainkey.u1.wl1.sendgrid.net.\n", hosts: mailHost + "\n-- zone/sendgrid.net --\ns1.domainkey.u1.wl1 IN TXT \"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=\"", o: gather.Options{Selectors: []string{"s1"}}},
		{name: "no record, and the hosts of a provider with regions", zone: "@ IN MX 10 example-com.mail.protection.outlook.com.\n" + reject, hosts: "- {name: example-com.mail.protection.outlook.com, addrs: [192.0.2.25], smtp: {}}"},
		{name: "no record, and the hosts of a provider", zone: "@ IN MX 10 aspmx.l.google.com.\n" + reject, hosts: "- {name: aspmx.l.google.com, addrs: [192.0.2.25], smtp: {}}"},
		{name: "mail hosts of a platform and of one's own, IPv4 alone", zone: "@ IN MX 10 mx\n@ IN MX 20 example-com.mail.protection.outlook.com.\n" + aligned + reject, hosts: mailHost + "\n- {name: example-com.mail.protection.outlook.com, addrs: [192.0.2.26], smtp: {}}"},
		{name: "a broken key, and a policy that rests on SPF alone", zone: mail + aligned + reject + "s1._domainkey IN TXT \"v=DKIM1; p=MIIBIjANBgkqhkiG9w0BAQEFA\"\n", o: gather.Options{Selectors: []string{"s1"}}},
		{name: "thirteen lookups of mx and a, with signs", zone: spfOf("v=spf1 a:mx.example.com ?a:mx2.example.com mx include:s.example.com ~all") + "mx2 IN A 192.0.2.26\n" + manyIncludes(9)},
		{name: "eleven lookups, a service over IPv6, one that cannot be known", zone: spfOf("v=spf1 include:a.services.example include:b.services.example include:c.services.example include:d.services.example exists:%{i}.x.example.com ~all") +
			fourServices + "e IN TXT \"v=spf1 ip6:2001:db8:9::/64 -all\"\n"},
		{name: "no mail, modifiers and a redirect beside all", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 redirect=s.example.com exp=why.example.com x=y -all"` + "\ns IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"},
		{name: "no mail, and a mechanism written as a modifier", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 include=s.example.com -all"` + "\n"},
		{name: "no mail, and a redirect to senders", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 redirect=s.example.com"` + "\ns IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"},
		{name: "no mail, and a redirect to nobody", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 redirect=s.example.com"` + "\ns IN TXT \"v=spf1 -all\"\n"},
		{name: "no mail, and a redirect to nothing", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 redirect=s.example.com"` + "\n"},
		{name: "no mail, and a slip that lets somebody send", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1ip4:192.0.2.1 -all"` + "\n"},
		{name: "no mail, and all", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 +all"` + "\n", o: gather.Options{Profile: gather.NoMail}},
		{name: "no mail, and softly nobody", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 ?ip4:192.0.2.1 ~ip4:192.0.2.2 -all"` + "\n"},

		{name: "no record, and no mailbox", zone: mail + aligned, hosts: silent},
		{name: "a record, and no mailbox for its reports", zone: dmarcOf("v=DMARC1; p=quarantine"), hosts: silent},
		{name: "a record that nobody reads, and no mailbox", zone: dmarcOf("v=DMARC1; p=Quarantine"), hosts: silent},
		{name: "reports to a domain whose mail is dead", zone: dmarcOf("v=DMARC1; p=none; rua=mailto:dmarc@example.com"), hosts: silent},
		{name: "two records of which the second asks for less", zone: mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=reject; sp=reject; rua=mailto:dmarc@example.com\"\n_dmarc IN TXT \"v=DMARC1; p=none; sp=none; rua=mailto:dmarc@example.com\"\n"},
		{name: "two records of which the first asks for less", zone: mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=none; sp=none; rua=mailto:dmarc@example.com\"\n_dmarc IN TXT \"v=DMARC1; p=reject; sp=reject; rua=mailto:dmarc@example.com\"\n"},
		{name: "two records that are alike", zone: mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=quarantine; sp=quarantine; rua=mailto:dmarc@example.com\"\n_dmarc IN TXT \"v=DMARC1; p=quarantine; sp=quarantine; fo=1; rua=mailto:dmarc@example.com\"\n"},
		{name: "a tag that stands twice and no sender that passes", zone: mail + "@ IN TXT \"v=spf1 -all\"\n_dmarc IN TXT \"v=DMARC1; p=reject; p=reject; rua=mailto:dmarc@example.com\"\n"},
		{name: "a policy for subdomains alone, in trial", zone: dmarcOf("v=DMARC1; p=none; sp=quarantine; t=y; rua=mailto:dmarc@example.com")},
		{name: "a policy that was never read, in trial", zone: dmarcOf("v=DMARC1; p=Quarantine; t=y; rua=mailto:dmarc@example.com")},
		{name: "a policy that was never read, for a share of none", zone: dmarcOf("v=DMARC1; p=Quarantine; pct=0; rua=mailto:dmarc@example.com")},
		{name: "a share of none", zone: dmarcOf("v=DMARC1; p=reject; pct=0; rua=mailto:dmarc@example.com")},
		{name: "subdomains asked for more, and a slip", zone: dmarcOf("v=DMARC1; p=quarantine; sp=Reject; rua=dmarc@example.com")},
		{name: "a slip keeps a policy of subdomains from being read", zone: dmarcOf("v=DMARC1; p=none; sp=rejekt; rua=mailto:dmarc@example.com")},
		{name: "five names below have mail", o: gather.Options{ZoneMail: []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com", "e.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\n"},
		{name: "four names below have mail", o: gather.Options{ZoneMail: []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\n"},
		{name: "names below have mail and DMARC has a tag for them", o: gather.Options{ZoneMail: []string{"a.example.com"}}, zone: dmarcOf("v=DMARC1; p=none; sp=none; rua=mailto:dmarc@example.com")},

		{name: "a policy behind a semicolon, and no mailbox", zone: mail + aligned + "_dmarc IN TXT v=DMARC1; p=reject\n", hosts: silent, o: slip("_dmarc.example.com", "v=DMARC1", "v=DMARC1; p=reject")},
		{name: "a policy of none behind a semicolon, and no mailbox", zone: mail + aligned + "_dmarc IN TXT v=DMARC1; p=none\n", hosts: silent, o: slip("_dmarc.example.com", "v=DMARC1", "v=DMARC1; p=none")},
		{name: "a policy of none behind a semicolon", zone: mail + aligned + "_dmarc IN TXT v=DMARC1; p=none\n", o: slip("_dmarc.example.com", "v=DMARC1", "v=DMARC1; p=none; rua=mailto:dmarc@example.com")},
		{name: "a policy behind a semicolon, and no key", zone: mail + "@ IN TXT \"v=spf1 mx ~all\"\n_dmarc IN TXT v=DMARC1; p=reject\n", o: slip("_dmarc.example.com", "v=DMARC1", "v=DMARC1; p=reject; rua=mailto:dmarc@example.com")},
		{name: "an MTA-STS record behind a semicolon", zone: mail + aligned + reject + "_mta-sts IN TXT v=STSv1; id=1;\n", o: slip("_mta-sts.example.com", "v=STSv1", "v=STSv1; id=1;")},
		{name: "a TLS-RPT record behind a semicolon", zone: mail + aligned + reject + "_smtp._tls IN TXT v=TLSRPTv1; rua=x\n", o: slip("_smtp._tls.example.com", "v=TLSRPTv1", "v=TLSRPTv1; rua=mailto:tls@example.com")},
		{name: "another text behind a semicolon", zone: mail + aligned + reject + "x IN TXT a; b\n", o: slip("x.example.com", "a", "a; b")},
		{name: "SPF words, and quotes", zone: mail + reject + "@ IN TXT v=spf1 mx ~all\n", o: slip("example.com", "v=spf1mx~all", "v=spf1 mx ~all")},
		{name: "name servers without their final dot", zone: mail + aligned + reject + "@ IN NS ns1.example.com\n"},
		{name: "name servers of another, without their final dot", zone: mail + aligned + reject + "@ IN NS ns1.example.net\n", hosts: mailHost + "\n- {name: ns1.example.net, addrs: [192.0.2.54]}"},
		{name: "a policy host without its final dot", zone: mail + aligned + reject + "_mta-sts IN TXT \"v=STSv1; id=1;\"\nmta-sts IN CNAME mta-sts.example.net\n", hosts: mailHost + "\n- {name: mta-sts.example.net, addrs: [192.0.2.81], https: {}}"},
		{name: "two MX without their final dot", zone: aligned + reject + "@ IN MX 10 mx.example.com\n@ IN MX 20 mx2.example.net\n", hosts: mailHost + "\n- {name: mx2.example.net, addrs: [192.0.2.33], smtp: {}}"},
		{name: "Exchange with an old protocol", zone: mail + aligned + reject, hosts: "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {add: [X-ANONYMOUSTLS], tls: {max: \"1.1\"}}}"},
		{name: "a host without STARTTLS", zone: mail + aligned + reject, hosts: "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {starttls: hidden}}"},
		{name: "five hosts without STARTTLS", zone: aligned + reject + "@ IN MX 1 a\n@ IN MX 1 b\n@ IN MX 1 c\n@ IN MX 1 d\n@ IN MX 1 e\n", hosts: hostsWithoutTLS("abcde")},
		{name: "three hosts without STARTTLS", zone: aligned + reject + "@ IN MX 1 a\n@ IN MX 1 b\n@ IN MX 1 c\n", hosts: hostsWithoutTLS("abc")},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) { propose(t, c.o, c.zone, c.hosts) })
	}
}

func hostsWithoutTLS(names string) string {
	var lines []string
	for i, n := range names {
		lines = append(lines, "- {name: "+string(n)+".example.com, addrs: [192.0.2."+string(rune('1'+i))+"], smtp: {starttls: hidden}}")
	}
	return strings.Join(lines, "\n")
}

// What cannot be had from a small world is changed in what it gave.
func TestChangedWorlds(t *testing.T) {
	failed := wire.Answer{Rcode: "SERVFAIL", Fail: &wire.Fail{Kind: wire.FailServfail, Text: "the server said so"}}
	for _, c := range []struct {
		name, zone string
		do         func(e *gather.Evidence)
	}{
		{"an address lookup of the mail host failed", mail + reject + "@ IN TXT \"v=spf1 mx ipv4:192.0.2.26 ~all\"\n", func(e *gather.Evidence) {
			e.MX.Hosts[0].A, e.MX.Hosts[0].AAAA, e.MX.Hosts[0].Addrs = failed, failed, nil
		}},
		{"SPF is not known and no key is", mail + "@ IN TXT \"v=spf1 mx ~all\"\n_dmarc IN TXT \"v=DMARC1; p=reject; fo=x; rua=dmarc@example.com\"\n", func(e *gather.Evidence) {
			e.SPF.Incomplete, e.SPF.TempErrors = true, []spf.Failure{{Text: "mx", Ref: "dns:MX example.com", Fail: *failed.Fail, Node: e.SPF.Root, Step: -1}}
			e.SPF.Pass4, e.SPF.Pass6, e.SPF.Networks = spf.Set{}, spf.Set{}, nil
		}},
		{"answers with authority", mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=none; rua=dmarc@example.com\"\n", func(e *gather.Evidence) {
			own := e.DMARC.Own()
			own.Answer.AA = true
			for i, line := range own.Answer.Answer {
				own.Answer.Answer[i] = strings.Replace(line, "\t3600\t", "\t77\t", 1)
			}
		}},
		{"a time to live that nobody writes", mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=none; rua=dmarc@example.com\"\n", func(e *gather.Evidence) {
			own := e.DMARC.Own()
			for i, line := range own.Answer.Answer {
				own.Answer.Answer[i] = strings.Replace(line, "\t3600\t", "\t604801\t", 1)
			}
		}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			proposeAs(t, gather.Options{}, c.zone, "", func(e *gather.Evidence, rules []checks.Rule) []checks.Result {
				c.do(e)
				return checks.Run(e, rules)
			})
		})
	}
}
