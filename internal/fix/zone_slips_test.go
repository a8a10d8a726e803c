package fix_test

import (
	"testing"

	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/zone"
)

// What a slip in zone text took away comes back whole.
func TestProposeSlips(t *testing.T) {
	const key = "v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk="
	slip := func(owner, said, meant string) gather.Options {
		return gather.Options{
			ZoneFiles: []string{"db"},
			ZoneSlips: []zone.Slip{{File: "db", Line: 7, Kind: zone.SlipQuotes, Owner: owner, Said: said, Meant: meant}},
		}
	}
	selector := slip("s1._domainkey.example.com", "k=ed25519", "k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=")
	selector.Selectors = []string{"s1"}
	foreign := "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}\n- {name: mx1.example.net, addrs: [192.0.2.33], smtp: {}}"
	for _, c := range []struct {
		name, zone, hosts string
		o                 gather.Options
		id, safety, want  string // want "": no such fix
	}{
		{
			name: "the domain twice", zone: aligned + reject + "@ IN MX 10 mx.example.com\n", id: fix.FinalDot, safety: fix.SafeNow,
			want: "- example.com MX 10 mx.example.com.example.com.\n+ example.com MX 10 mx.example.com.",
		},
		{
			name: "the records that lead nowhere are not taken out", zone: mail + aligned + reject + "@ IN MX 20 mx.example.com\n", id: fix.MXRecords,
		},
		{
			name: "a host that is named already", zone: mail + aligned + reject + "@ IN MX 20 mx.example.com\n", id: fix.FinalDot, safety: fix.SafeNow,
			want: "- example.com MX 20 mx.example.com.example.com.",
		},
		{
			name: "the host of somebody else", zone: mail + aligned + reject + "@ IN MX 20 mx1.example.net\n", hosts: foreign, id: fix.FinalDot, safety: fix.NeedsEvidence,
			want: "- example.com MX 20 mx1.example.net.example.com.\n+ example.com MX 20 mx1.example.net.",
		},
		{
			name: "a host that nobody has", zone: mail + aligned + reject + "@ IN MX 20 mx9.example.com\n", id: fix.FinalDot,
		},
		{
			name: "an alias", zone: mail + aligned + reject + "k IN TXT \"" + key + "\"\nselector1._domainkey IN CNAME k.example.com\n", id: fix.FinalDot, safety: fix.SafeNow,
			want: "- selector1._domainkey.example.com CNAME k.example.com.example.com.\n+ selector1._domainkey.example.com CNAME k.example.com.",
		},
		{
			name: "SPF words without blanks", zone: mail + reject + "@ IN TXT v=spf1 ip4:192.0.2.25 include:_spf.example.com ~all\n_spf IN TXT \"v=spf1 ip4:192.0.2.26 -all\"\n",
			o:  slip("example.com", "v=spf1ip4:192.0.2.25include:_spf.example.com~all", "v=spf1 ip4:192.0.2.25 include:_spf.example.com ~all"),
			id: fix.SPFRecord, safety: fix.SafeNow,
			want: "- example.com TXT \"v=spf1\" \"ip4:192.0.2.25\" \"include:_spf.example.com\" \"~all\"\n+ example.com TXT \"v=spf1 ip4:192.0.2.25 include:_spf.example.com ~all\"",
		},
		{
			name: "the same in the live DNS, and it refuses the rest", zone: mail + reject + "@ IN TXT v=spf1 mx -all\n", id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: "- example.com TXT \"v=spf1\" \"mx\" \"-all\"\n+ example.com TXT \"v=spf1 mx -all\"",
		},
		{
			name: "a policy behind a semicolon", zone: mail + aligned + "_dmarc IN TXT v=DMARC1; p=reject\n", o: slip("_dmarc.example.com", "v=DMARC1", "v=DMARC1; p=reject"),
			id: fix.DMARCRecord, safety: fix.SafeNow,
			want: "- _dmarc.example.com TXT \"v=DMARC1\"\n+ _dmarc.example.com TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.com\"\n" +
				"then - _dmarc.example.com TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.com\"\nthen + _dmarc.example.com TXT \"v=DMARC1; p=quarantine; np=reject; rua=mailto:postmaster@example.com\"\n" +
				"then - _dmarc.example.com TXT \"v=DMARC1; p=quarantine; np=reject; rua=mailto:postmaster@example.com\"\nthen + _dmarc.example.com TXT \"v=DMARC1; p=reject; np=reject; rua=mailto:postmaster@example.com\"",
		},
		{
			name: "a key behind a semicolon", zone: mail + aligned + reject + "s1._domainkey IN TXT k=ed25519; p=TG\n", o: selector, id: fix.DKIMRecord, safety: fix.SafeNow,
			want: "- s1._domainkey.example.com TXT \"k=ed25519\"\n+ s1._domainkey.example.com TXT \"k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=\"",
		},
		{
			name: "a name in the place of an alias", zone: mail + aligned + reject + "k IN TXT \"" + key + "\"\nselector1._domainkey IN TXT \"k.example.com\"\n", id: fix.DKIMRecord, safety: fix.SafeNow,
			want: "- selector1._domainkey.example.com TXT *\n+ selector1._domainkey.example.com CNAME k.example.com.",
		},
		{
			name: "a name at which no key is", zone: mail + aligned + reject + "selector1._domainkey IN TXT \"k.example.com.\"\n", id: fix.DKIMRecord, safety: fix.NeedsEvidence,
			want: "- selector1._domainkey.example.com TXT *\n+ selector1._domainkey.example.com CNAME k.example.com.",
		},
		{
			name: "quotes in a key, also between its parts", zone: mail + aligned + reject + `selector1._domainkey IN TXT "\"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4f\" \"oWO8hp8nlUTF5IZmTftAzLk=\""` + "\n", id: fix.DKIMRecord, safety: fix.SafeNow,
			want: `- selector1._domainkey.example.com TXT "\"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4f\" \"oWO8hp8nlUTF5IZmTftAzLk=\""` + "\n+ selector1._domainkey.example.com TXT \"" + key + "\"",
		},
		{
			name: "quotes in an SPF record", zone: mail + reject + `@ IN TXT "\"v=spf1 ip4:192.0.2.25 ~all\""` + "\n", id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "\"v=spf1 ip4:192.0.2.25 ~all\""` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "quotes in a TLS-RPT record", zone: mail + aligned + reject + `_smtp._tls IN TXT "\"v=TLSRPTv1; rua=mailto:tls@example.com\""` + "\n", id: fix.TLSRPTRecord, safety: fix.SafeNow,
			want: `- _smtp._tls.example.com TXT "\"v=TLSRPTv1; rua=mailto:tls@example.com\""` + "\n" + `+ _smtp._tls.example.com TXT "v=TLSRPTv1; rua=mailto:tls@example.com"`,
		},
		{
			name: "quotes in a BIMI record", zone: mail + aligned + reject + `default._bimi IN TXT "\"v=BIMI1; l=; a=\""` + "\n", id: fix.BIMIRecord, safety: fix.SafeNow,
			want: `- default._bimi.example.com TXT "\"v=BIMI1; l=; a=\""` + "\n+ default._bimi.example.com TXT \"v=BIMI1; l=; a=\"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, found := propose(t, c.o, c.zone, c.hosts)[c.id]
			if found != (c.want != "") || short(f) != c.want || found && f.Safety != c.safety {
				t.Errorf("got %v %q\n%s\nwant %q\n%s", found, f.Safety, short(f), c.safety, c.want)
			}
		})
	}
}
