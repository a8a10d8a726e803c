package fix_test

import (
	"strings"
	"testing"

	"mxvet/internal/fix"
	"mxvet/internal/gather"
)

// The edges of each fix: what is kept, what is left out, what is asked for. "-> TEXT"
// is the text of the one new record, "then TEXT" that of a later stage; "" is no fix.
func TestEdges(t *testing.T) {
	spfOf := func(text string) string { return mail + reject + `@ IN TXT "` + text + `"` + "\n" }
	dmarcOf := func(text string) string { return mail + aligned + `_dmarc IN TXT "` + text + `"` + "\n" }
	sts := func(text string) string { return mail + aligned + reject + `_mta-sts IN TXT "` + text + `"` + "\n" }
	for _, c := range []struct {
		name, zone, hosts, id, safety string
		o                             gather.Options
		want                          []string // texts of the records, stage by stage
		told                          string   // stands in title, needs, steps or conditions
		never                         string   // stands nowhere in the fix
	}{
		// SPF
		{name: "all networks", zone: spfOf("v=spf1 ip4:0.0.0.0/0 ip4:192.0.2.25 -all"), id: fix.SPFRecord, safety: fix.NeedsEvidence, want: []string{"v=spf1 ip4:192.0.2.25 -all"}, told: "names every sender"},
		{name: "an inside network", zone: spfOf("v=spf1 ip4:10.0.0.0/8 ip4:192.0.2.25 -all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 -all"}, told: "no network of the public internet"},
		{name: "a mapped address", zone: spfOf("v=spf1 ip4:192.0.2.25 ip6:::ffff:198.51.100.9 -all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ip4:198.51.100.9 -all"}},
		{name: "a mapped network with its sign", zone: spfOf("v=spf1 ip4:192.0.2.25 ~ip6:::ffff:198.51.100.0/120 -all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ~ip4:198.51.100.0/24 -all"}},
		{name: "it includes itself", zone: spfOf("v=spf1 ip4:192.0.2.25 include:example.com ~all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ~all"}, told: "includes itself"},
		{name: "an include written as a modifier", zone: spfOf("v=spf1 ip4:192.0.2.25 include=s.example.com ~all") + `s IN TXT "v=spf1 ip4:198.51.100.9 -all"`, id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 include:s.example.com ~all"}},
		{name: "a label that no name has", zone: spfOf("v=spf1 ip4:192.0.2.25 a:" + strings.Repeat("a", 64) + ".example.com ~all"), id: fix.SPFRecord, safety: fix.NeedsEvidence, want: []string{"v=spf1 ip4:192.0.2.25 ~all"}, told: "no possible name"},
		{name: "an explanation that is not there", zone: spfOf("v=spf1 ipv4:192.0.2.25 exp=gone.example.com ~all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ~all"}, told: "explanation"},
		{name: "an unknown modifier stays", zone: spfOf("v=spf1 ipv4:192.0.2.25 op=auth ~all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ~all op=auth"}},
		{name: "two records, one a redirect", zone: mail + reject + "@ IN TXT \"v=spf1 redirect=s.example.com\"\n@ IN TXT \"v=spf1 mx ~all\"\ns IN TXT \"v=spf1 ip4:198.51.100.9 -all\"", id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 mx include:s.example.com ~all"}, told: "merge the 2 SPF records"},
		{name: "two records, one a redirect, the other strict", zone: mail + reject + "@ IN TXT \"v=spf1 redirect=s.example.com\"\n@ IN TXT \"v=spf1 mx -all\"\ns IN TXT \"v=spf1 ip4:198.51.100.9 ~all\"", id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 mx include:s.example.com ~all"}},
		{name: "two records, one for all the world", zone: mail + reject + "@ IN TXT \"v=spf1 +all\"\n@ IN TXT \"v=spf1 mx -all\"", id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 mx ~all"}},
		{name: "two records, one without an end", zone: mail + reject + "@ IN TXT \"v=spf1 mx\"\n@ IN TXT \"v=spf1 ip4:192.0.2.25 -all\"", id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 mx"}},
		{name: "only of the withdrawn type", zone: mail + reject + `@ IN SPF "v=spf1 ip4:192.0.2.25 ~all"`, id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ~all"}},
		{name: "Sender ID is another protocol", zone: mail + reject + `@ IN TXT "spf2.0/pra ip4:192.0.2.25 ~all"`, id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 mx ~all"}},
		{name: "none, and mail goes to the web address", zone: "@ IN A 192.0.2.25\n" + reject, hosts: "- {name: example.com, addrs: [192.0.2.25], smtp: {}}", id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 a ~all"}},
		{name: "none, and nothing known", zone: "@ IN MX 10 gone\n" + reject, id: fix.SPFRecord, safety: fix.NeedsInput, told: "List all that send mail"},
		{name: "an end that refuses, where no record was in force", zone: mail + reject + "@ IN TXT \"v=spf1 mx -all\"\n@ IN TXT \"v=spf1 ip4:198.51.100.9 -all\"", id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:198.51.100.9 mx ~all", "v=spf1 ip4:198.51.100.9 mx -all"}, told: "names every sender"},

		{name: "a name that a network covers today", zone: spfOf("v=spf1 mx ip4:192.0.2.0/24 ~all"), id: fix.SPFRecord, safety: fix.NeedsEvidence, want: []string{"v=spf1 ip4:192.0.2.0/24 ~all"}, told: "that what mx leads to stays within the networks"},
		{name: "ptr stays until somebody knows", zone: spfOf("v=spf1 ipv4:192.0.2.25 ptr ~all"), id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 ip4:192.0.2.25 ptr ~all", "v=spf1 ip4:192.0.2.25 ~all"}, told: "no sender passes by its host name alone"},
		{name: "behind all, and no lookup is left", zone: spfOf("v=spf1 ipv4:192.0.2.25 include:s.example.com ~all include:t.example.com") + manyIncludes(8) + `t IN TXT "v=spf1 ip4:198.51.100.99 -all"`, id: fix.SPFRecord, safety: fix.NeedsEvidence, want: []string{"v=spf1 ip4:192.0.2.25 include:s.example.com ~all"}, told: "include:t.example.com stands for no server of yours"},
		{name: "twelve lookups, in a part of the own record", zone: spfOf("v=spf1 include:own.example.com ~all") + "own IN TXT \"v=spf1 include:s.news.example include:s.shop.example ~all\"\n-- zone/news.example --\n@ IN A 192.0.2.80\ns IN TXT \"v=spf1 include:t.news.example include:t.news.example include:t.news.example include:t.news.example include:t.news.example -all\"\nt IN TXT \"v=spf1 ip4:198.51.100.7 -all\"\n-- zone/shop.example --\n@ IN A 192.0.2.81\ns IN TXT \"v=spf1 include:t.shop.example include:t.shop.example include:t.shop.example include:t.shop.example -all\"\nt IN TXT \"v=spf1 ip4:198.51.100.8 -all\"\n", id: fix.SPFRecord, safety: fix.NeedsInput, told: "stand at other names of yours: include:own.example.com (12 lookups)", never: "include:own.example.com frees"},
		{name: "hosts without IPv6 addresses, here and elsewhere", zone: spfOf("v=spf1 a:v1.example.com a:v2.example.com include:s.news.example ~all") + "v1 IN A 192.0.2.17\nv2 IN A 192.0.2.18\n-- zone/news.example --\n@ IN A 192.0.2.80\ns IN TXT \"v=spf1 a:t.news.example -all\"\nt IN A 198.51.100.7\n", id: "steps-spf-void-limit", safety: fix.NeedsInput, told: "The rest is in records of others"},
		{name: "hosts without IPv6 addresses", zone: spfOf("v=spf1 a:v1.example.com a:v2.example.com a:v3.example.com ~all") + "v1 IN A 192.0.2.17\nv2 IN A 192.0.2.18\nv3 IN A 192.0.2.19\n", id: "steps-spf-void-limit", safety: fix.NeedsInput, told: "as the addresses that it has today: ip4:192.0.2.18", never: "includes"},
		{name: "twelve lookups, four services", zone: spfOf("v=spf1 include:a.services.example include:b.services.example include:c.services.example include:d.services.example ~all") + fourServices, id: fix.SPFRecord, safety: fix.NeedsInput, told: "frees 3 lookups, and 1 IPv4 addresses no longer pass; include:", never: "IPv6"},

		{name: "no mail, and only refusals", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 -ip4:192.0.2.1 -ip4:192.0.2.2 ~all"`, id: fix.SPFRecord, safety: fix.SafeNow, want: []string{"v=spf1 -all"}},
		{name: "no mail by the operator's word, and a sender", zone: "@ IN MX 0 .\n" + reject + `@ IN TXT "v=spf1 ip4:192.0.2.1 ~all"`, o: gather.Options{Profile: gather.NoMail}, id: fix.SPFRecord, safety: fix.NeedsEvidence, want: []string{"v=spf1 -all"}, told: "names senders"},

		// DMARC
		{name: "reports to who never agreed", zone: dmarcOf("v=DMARC1; p=reject; rua=mailto:a@example.org,mailto:dmarc@example.com"), hosts: mailHost + "\n- {name: mx.example.org, addrs: [192.0.2.26], smtp: {}}\n-- zone/example.org --\n@ IN MX 10 mx", id: fix.DMARCRecord, safety: fix.SafeNow, told: "No report address at example.org", want: []string{"v=DMARC1; p=reject; rua=mailto:dmarc@example.com"}},
		{name: "an include of aliases in a circle", zone: spfOf("v=spf1 ip4:192.0.2.25 include:l1.example.com ~all") + "l1 IN CNAME l2\nl2 IN CNAME l1\n", id: fix.SPFRecord, safety: fix.NeedsEvidence, told: "l1.example.com -> l2.example.com -> l1.example.com"},
		{name: "a mail host of aliases in a circle", zone: mail + aligned + reject + "@ IN MX 20 m1\nm1 IN CNAME m2\nm2 IN CNAME m3\nm3 IN CNAME m2\n", id: fix.MXRecords, safety: fix.NeedsEvidence, told: "\"m2.example.com -> m3.example.com -> m2.example.com\""},
		{name: "an announcement of aliases in a circle", zone: mail + aligned + reject + "_mta-sts IN CNAME s\ns IN CNAME _mta-sts\n", hosts: policyHost("testing"), id: fix.MTASTSRecord, safety: fix.SafeNow, told: "_mta-sts.example.com -> s.example.com -> _mta-sts.example.com"},
		{name: "options are kept", zone: dmarcOf("v=DMARC1; p=none; adkim=s; aspf=s; fo=1; ruf=mailto:dmarc@example.com; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{
			"v=DMARC1; p=quarantine; np=reject; adkim=s; aspf=s; fo=1; rua=mailto:dmarc@example.com; ruf=mailto:dmarc@example.com",
			"v=DMARC1; p=reject; np=reject; adkim=s; aspf=s; fo=1; rua=mailto:dmarc@example.com; ruf=mailto:dmarc@example.com",
		}, told: "posts to mailing lists", never: "14 days"},
		{name: "names that do not exist are as strict as the rest", zone: dmarcOf("v=DMARC1; p=quarantine; np=quarantine; rua=dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=quarantine; np=quarantine; rua=mailto:dmarc@example.com"}},
		{name: "names that do not exist, less strict", zone: dmarcOf("v=DMARC1; p=reject; np=quarantine; rua=dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=reject; np=quarantine; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"}},
		{name: "a share of the mail", zone: dmarcOf("v=DMARC1; p=reject; pct=50; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{"v=DMARC1; p=reject; rua=mailto:dmarc@example.com"}, told: "a month of DMARC reports with all your own mail passing, and that nobody of the domain posts to mailing lists"},
		{name: "a share of the mail, put aside", zone: dmarcOf("v=DMARC1; p=quarantine; pct=50; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{"v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com"}, told: "a month", never: "lists"},
		{name: "subdomains too", zone: dmarcOf("v=DMARC1; p=quarantine; sp=none; np=reject; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{"v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com"}, told: "that of subdomains too"},
		{name: "machines send, nobody writes", zone: aligned + `_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.org"`, hosts: `- {name: mx.example.org, addrs: [192.0.2.25], smtp: {}}
-- zone/example.org --
@ IN MX 10 mx
example.com._report._dmarc IN TXT "v=DMARC1"`, id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{"v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.org", "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.org"}, told: "another month of reports", never: "lists"},
		{name: "no public suffix", zone: dmarcOf("v=DMARC1; p=reject; psd=y; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=reject; rua=mailto:dmarc@example.com"}},
		{name: "a semicolon between addresses", zone: dmarcOf("v=DMARC1; p=reject; rua=mailto:dmarc@example.com; mailto:abuse@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=reject; rua=mailto:dmarc@example.com,mailto:abuse@example.com"}},
		{name: "a misspelt tag", zone: dmarcOf("v=DMARC1; p=reject; rau=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=reject; rua=mailto:dmarc@example.com"}},
		{name: "subdomains without a policy above", zone: dmarcOf("v=DMARC1; sp=reject; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{
			"v=DMARC1; p=none; rua=mailto:dmarc@example.com", "v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com",
		}},
		{name: "two records, so that subdomains have no policy", zone: mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=none; sp=reject; np=reject; rua=mailto:dmarc@example.com\"\n_dmarc IN TXT \"v=DMARC1; p=none; sp=quarantine; rua=mailto:dmarc@example.com\"", id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{
			"v=DMARC1; p=none; rua=mailto:dmarc@example.com", "v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com",
		}},
		{name: "no key, so no reject", zone: strings.Replace(dmarcOf("v=DMARC1; p=none; rua=mailto:dmarc@example.com"), "key._domainkey", "key", 1), id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{"v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com"}, told: "DKIM signatures on all mail, then a month"},
		{name: "no key and no record, so no reject", zone: mail + strings.Replace(aligned, "key._domainkey", "key", 1), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=none; rua=mailto:postmaster@example.com", "v=DMARC1; p=quarantine; np=reject; rua=mailto:postmaster@example.com"}, told: "all mail is signed with DKIM", never: "lists"},
		{name: "mail below, as the zone says", o: gather.Options{ZoneMail: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "mail of shop.example.com passes"},
		{name: "mail below, with a record of its own that says nothing", o: gather.Options{Subdomains: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\nshop IN MX 10 mx\n_dmarc.shop IN TXT \"p=none\"\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "mail of shop.example.com passes"},
		{name: "mail below, by SPF alone", o: gather.Options{Subdomains: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\nshop IN TXT \"v=spf1 ip4:192.0.2.9 -all\"\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "mail of shop.example.com passes"},
		{name: "mail below, one of two SPF records", o: gather.Options{Subdomains: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\nshop IN TXT \"v=spf1 -all\"\nshop IN TXT \"v=spf1 ip4:192.0.2.9 -all\"\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "mail of shop.example.com passes"},
		{name: "a name below that does no mail", o: gather.Options{Subdomains: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\nshop IN A 192.0.2.80\n", id: fix.DMARCRecord, safety: fix.SafeNow, never: "shop"},
		{name: "a name below that cannot be looked up", o: gather.Options{Subdomains: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\n-- dns.yaml --\nfaults:\n- {zone: shop.example.com, fault: servfail}\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "mail of shop.example.com passes"},
		{name: "mail below, as named", o: gather.Options{Subdomains: []string{"shop.example.com"}}, zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\nshop IN MX 10 mx\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "mail of shop.example.com passes"},
		{name: "mail below a domain with mail", o: gather.Options{ZoneMail: []string{"shop.example.com"}}, zone: dmarcOf("v=DMARC1; p=none; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "that of shop.example.com too"},
		{name: "no mailbox where the host refuses", zone: mail + aligned, hosts: "- {name: mx.example.com, addrs: [192.0.2.25], fault: silent}", id: fix.DMARCRecord, safety: fix.NeedsInput, told: "rua=mailto:ADDRESS", never: "postmaster@"},
		{name: "no mailbox at a web host", zone: "@ IN A 192.0.2.80\n" + aligned, id: fix.DMARCRecord, safety: fix.NeedsInput, told: "rua=mailto:ADDRESS", never: "postmaster@"},
		{name: "no mailbox for TLS reports where mail goes astray", zone: "@ IN MX 10 inside\ninside IN A 10.0.0.5\n" + aligned + reject, id: fix.TLSRPTRecord, safety: fix.NeedsInput, told: "does not arrive today", never: "dmarc@"},
		{name: "a wildcard gives every name an address", zone: dmarcOf("v=DMARC1; p=none; rua=mailto:dmarc@example.com") + "* IN A 192.0.2.80\n", id: fix.DMARCRecord, safety: fix.NeedsEvidence, want: []string{"v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"}},
		{name: "a record that was never seen begins with reports", zone: mail + aligned + `_dmarc.example.com IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"`, id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=none; rua=mailto:dmarc@example.com", "v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"}, told: "until now no receiver applied this policy: reject"},
		{name: "a trial whose reports go nowhere", zone: dmarcOf("v=DMARC1; p=quarantine; t=y; rua=dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{"v=DMARC1; p=quarantine; t=y; rua=mailto:dmarc@example.com", "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com"}, never: "no receiver applied"},
		{name: "a policy that has all mail refused", zone: mail + `@ IN TXT "v=spf1 foo:bar -all"` + "\n" + `_dmarc IN TXT "v=DMARC1; p=Reject; rua=mailto:dmarc@example.com"`, id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "p=none keeps it"},
		{name: "an alias in other hands", zone: mail + aligned + "_dmarc IN CNAME d.control.test.", hosts: mailHost + "\n- {name: d.control.test, addrs: [192.0.2.77]}\n-- zone/d.control.test --\n@ IN TXT \"v=DMARC1; p=none\"", id: fix.DMARCRecord, safety: fix.NeedsInput, told: "is an alias of d.control.test"},

		{name: "a trial that holds back the policy of subdomains", zone: dmarcOf("v=DMARC1; p=none; sp=reject; t=y; psd=y; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, told: "", never: "", want: []string{
			"v=DMARC1; p=none; sp=reject; t=y; rua=mailto:dmarc@example.com", "v=DMARC1; p=quarantine; sp=reject; np=reject; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; sp=reject; np=reject; rua=mailto:dmarc@example.com",
		}},
		{name: "a share of none of the mail of subdomains", zone: dmarcOf("v=DMARC1; p=none; sp=reject; pct=0; psd=y; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, want: []string{
			"v=DMARC1; p=none; sp=reject; pct=0; rua=mailto:dmarc@example.com", "v=DMARC1; p=quarantine; sp=reject; np=reject; rua=mailto:dmarc@example.com", "v=DMARC1; p=reject; sp=reject; np=reject; rua=mailto:dmarc@example.com",
		}},
		{name: "a size limit that nobody reads", zone: dmarcOf("v=DMARC1; p=none; rua=d@example.com!10x"), id: fix.DMARCRecord, safety: fix.SafeNow, told: "", never: "postmaster", want: []string{
			"v=DMARC1; p=none; rua=mailto:d@example.com", "v=DMARC1; p=quarantine; np=reject; rua=mailto:d@example.com", "v=DMARC1; p=reject; np=reject; rua=mailto:d@example.com",
		}},
		{name: "the only address for reports gets none", zone: aligned + `_dmarc IN TXT "v=DMARC1; p=quarantine; rua=mailto:x@gone.example"`, id: fix.DMARCRecord, safety: fix.NeedsInput, told: "rua=mailto:ADDRESS"},
		{name: "a tag twice, of which receivers make what they like", zone: dmarcOf("v=DMARC1; p=none; sp=quarantine; sp=reject; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence, told: "a tag stands twice"},
		{name: "a tag twice, in trial", zone: dmarcOf("v=DMARC1; p=none; p=none; sp=reject; t=y; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow, told: ""},
		{name: "a wildcard alias is not the record's own", zone: mail + aligned + "* IN CNAME mx", id: fix.DMARCRecord, safety: fix.SafeNow, told: "", never: "CNAME"},
		{name: "only a private address may send", zone: mail + reject + `@ IN TXT "v=spf1 ip4:192.168.1.25 -all"`, id: fix.SPFRecord, safety: fix.NeedsInput, told: "ip4:192.168.1.25", never: "v=spf1 -all"},
		{name: "an include without a name", zone: mail + reject + `@ IN TXT "v=spf1 include: -all"`, id: fix.SPFRecord, safety: fix.NeedsInput, never: "v=spf1 -all"},
		{name: "a web host alone sends nothing", zone: "@ IN A 192.0.2.80\n" + reject, id: fix.SPFRecord, safety: fix.NeedsInput, never: "v=spf1 a"},

		// MX
		{name: "a null MX beside a host that stays silent", zone: mail + "@ IN MX 0 .\n" + aligned, hosts: "- {name: mx.example.com, addrs: [192.0.2.25], fault: silent}", id: fix.MXRecords, safety: fix.NeedsEvidence, told: "a null MX beside its hosts"},
		{name: "a null MX and a dead host beside one that answers", zone: mail + "@ IN MX 0 .\n@ IN MX 20 gone\n" + aligned, id: fix.MXRecords, safety: fix.NeedsEvidence, told: "that gone.example.com is not to take mail", never: "null MX beside"},

		{name: "an address with the zone's name behind it", zone: "@ IN MX 10 192.0.2.25\n" + aligned, id: "steps-mx-no-address", safety: fix.NeedsInput, told: "takes a host name, not an address", never: "192.0.2.25.example.com"},
		{name: "an address as a name", zone: "@ IN MX 10 192.0.2.25.\n" + aligned, id: "steps-mx-no-address", safety: fix.NeedsInput, told: "mail.example.com. 3600 IN A 192.0.2.25"},
		{name: "no record for a host inside", zone: "@ IN MX 10 inside\ninside IN A 10.0.0.5\n" + aligned + reject, id: fix.HELORecord},

		{name: "two hosts, each with its own name", zone: mail + "@ IN MX 20 mx2\n" + aligned + reject, hosts: "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {starttls: off}}\n- {name: mx2.example.com, addrs: [192.0.2.26], smtp: {starttls: off}}", id: "steps-smtp-starttls-none", safety: fix.Manual, told: "mx.example.com, mx2.example.com, each as HOST: Install a certificate for HOST", never: "for mx.example.com"},
		{name: "a weak key that an alias leads to", zone: mail + aligned + reject + "s1._domainkey IN CNAME s1.keys.example.com.\ns1.keys IN TXT \"v=DKIM1; k=rsa; p=" + key1024 + "\"", o: gather.Options{Selectors: []string{"s1"}}, id: "steps-dkim-key-1024", safety: fix.Manual, told: "the service that holds s1.keys.example.com", never: "admin settings"},

		// MTA-STS
		{name: "a host name that is an address", zone: "@ IN MX 10 192.0.2.25.\n" + aligned + reject, id: fix.MTASTSPolicy},
		{name: "an address beside a host", zone: mail + "@ IN MX 20 192.0.2.25.\n" + aligned + reject, id: fix.MTASTSPolicy},
		{name: "a host without its final dot", zone: "@ IN MX 10 mx.example.com\n" + aligned + reject, id: fix.MTASTSPolicy, safety: fix.Manual, told: "First see that the MX records", never: "mx: "},
		{name: "a host without address", zone: mail + "@ IN MX 20 gone\n" + aligned + reject, id: fix.MTASTSPolicy, safety: fix.Manual, told: "First see that the MX records", never: "mx: "},
		{name: "no MX record", zone: "@ IN A 192.0.2.80\n" + aligned + reject, id: fix.MTASTSPolicy, safety: fix.Manual, told: "First see that the MX records", never: "mx: "},
		{name: "no host that was heard", zone: sts("v=STSv1; id=1;"), hosts: strings.Replace(policyHost("testing"), "smtp: {}", "fault: silent", 1), id: fix.MTASTSPolicy, safety: fix.Manual, told: "mode: testing", never: "mode: enforce"},
		{name: "a page that waits for its record", zone: mail + aligned + reject, hosts: policyHost("testing"), id: fix.MTASTSRecord, safety: fix.SafeNow, want: []string{"v=STSv1; id=20261102090000;"}},
		{name: "an enforced policy where TLS was not seen", zone: mail + aligned + reject, hosts: strings.Replace(policyHost("enforce"), "smtp: {}", "fault: silent", 1), id: fix.MTASTSRecord, safety: fix.NeedsEvidence, told: "from here not all of them could be seen"},
		{name: "a mode that does nothing", zone: sts("v=STSv1; id=1;"), hosts: policyHost("none"), id: fix.MTASTSPolicy, safety: fix.Manual, told: "correct the MTA-STS policy"},
		{name: "an enforced policy that is soon forgotten", zone: sts("v=STSv1; id=1;"), hosts: strings.Replace(policyHost("enforce"), "1209600", "3600", 1), id: fix.MTASTSPolicy, safety: fix.Manual, told: "correct the MTA-STS policy", never: "mode: testing"},
	} {
		t.Run(c.id+" "+c.name, func(t *testing.T) {
			t.Parallel()
			f, found := propose(t, c.o, c.zone, c.hosts)[c.id]
			if found != (c.safety != "") || f.Safety != c.safety {
				t.Fatalf("%v %q: %+v", found, f.Safety, f)
			}
			var all strings.Builder
			all.WriteString(strings.Join([]string{f.Title, f.Needs, f.Undo.String()}, "\n"))
			for _, s := range f.Steps {
				all.WriteString("\n" + s.String())
			}
			var got []string
			if len(f.Changes) > 0 {
				got = append(got, texts(f.Changes[0].Add)...)
			}
			for _, s := range f.Next {
				all.WriteString("\n" + s.When)
				got = append(got, texts(s.Changes[0].Add)...)
			}
			if len(c.want) > 0 && strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if n := strings.Count(all.String(), " frees "); n > 3 {
				t.Errorf("%d services to give up, three are enough: %s", n, all.String())
			}
			if !strings.Contains(all.String(), c.told) || c.never != "" && strings.Contains(all.String(), c.never) {
				t.Errorf("it does not say %q, or says %q: %s", c.told, c.never, all.String())
			}
		})
	}
}

const fourServices = `
-- zone/services.example --
@ IN A 192.0.2.80
a IN TXT "v=spf1 include:a1.services.example include:a2.services.example -all"
b IN TXT "v=spf1 include:b1.services.example include:b2.services.example -all"
c IN TXT "v=spf1 include:c1.services.example include:c2.services.example -all"
d IN TXT "v=spf1 include:d1.services.example include:d2.services.example -all"
a1 IN TXT "v=spf1 ip4:198.51.100.1 -all"
a2 IN TXT "v=spf1 -all"
b1 IN TXT "v=spf1 ip4:198.51.100.2 -all"
b2 IN TXT "v=spf1 -all"
c1 IN TXT "v=spf1 ip4:198.51.100.3 -all"
c2 IN TXT "v=spf1 -all"
d1 IN TXT "v=spf1 ip4:198.51.100.4 -all"
d2 IN TXT "v=spf1 -all"
`

const key1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCr9sxGeopBgrgN18Sxd0PFIsR803Jatqlqfv7T8nCmrylnYQ1KsHsM2rLhkgnXz7j8WUnsZ78w6+uwbF/TWet2SZ1uT2IFoH6gCIjXoTlso/0OHXkBHZarY6mPRbLTjEmaiq9LGj+1wNCsnhfA6UbQFH6BiwtD15MTRxb3+r9ZmwIDAQAB"

const mailHost = "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}"

// texts takes the quotes off records of one string.
func texts(data []string) []string {
	var out []string
	for _, d := range data {
		out = append(out, strings.Trim(d, `"`))
	}
	return out
}
