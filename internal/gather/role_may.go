package gather

import (
	"context"
	"slices"

	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// rolesOf gives the roles that the domain may have where lookups behind its role
// failed: those that would follow from any of the answers that could have come. It
// gives none where all that decides was answered. Nothing is asked.
func rolesOf(e *Evidence) []string {
	if e.Role.Stated || !e.Role.Unproven {
		return nil
	}
	exchangers, trees := []MXSet{e.MX}, []*spf.Tree{e.SPF}
	four, six := e.Apex.A, e.Apex.AAAA
	noMX := len(e.MX.Records) == 0
	if !e.MX.Answer.OK() || e.MX.Answer.TCPFailed || noMX && !e.MX.Implicit && (!four.OK() || !six.OK()) {
		answered, some := wire.Answer{Rcode: "NOERROR"}, []wire.MX{{Pref: 10, Host: "mx." + e.Domain}}
		exchangers = []MXSet{
			{Answer: answered},
			{Answer: answered, Records: []wire.MX{{Host: "."}}, Null: true},
			{Answer: answered, Records: some, Hosts: []Host{{Name: some[0].Host}}},
		}
		four, six = answered, answered
	}
	if _, known := e.SPF.Authorises(); !e.SPF.Root.TXT.Usable() || !known && len(e.SPF.TempErrors) > 0 {
		trees = []*spf.Tree{assumedSPF(e.Domain, ""), assumedSPF(e.Domain, "v=spf1 -all"), assumedSPF(e.Domain, "v=spf1 ip4:192.0.2.1 -all")}
	}
	if len(exchangers)*len(trees) == 1 {
		return nil
	}
	var out []string
	for _, mx := range exchangers {
		for _, tree := range trees {
			may := *e
			may.MX, may.SPF, may.Apex.A, may.Apex.AAAA = mx, tree, four, six
			if name := roleOf(&may).Name; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// assumedSPF reads the tree of a domain that has this record, "" for none.
func assumedSPF(domain, record string) *spf.Tree {
	change := zone.Change{Owner: domain, Type: "TXT", Remove: []string{"*"}}
	if record != "" {
		change.Add = []string{`"` + record + `"`}
	}
	return spf.Lookup(context.Background(), wire.NewOverlay(nil, nil, []zone.Change{change}), domain)
}
