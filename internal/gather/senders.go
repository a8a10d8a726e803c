package gather

import (
	"context"
	"net/netip"
	"slices"

	"mxvet/internal/spf"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Sender is an address that may send the domain's mail, as far as can be known
// from outside: one that the user named, or a single one that the domain's own SPF
// record lets pass, by ip4, ip6 or a. A record is permission, not use: an old server
// behind "ip4", or a web server behind "a", may never send. Ranges, the hosts behind
// mx, and what others' records hold are left out.
type Sender struct {
	IP      netip.Addr
	Named   bool   // the user says that it sends
	Why     string // "named by the user", or the SPF term
	Ref     wire.Ref
	Reverse Reverse
}

// senders finds them in the SPF tree and asks for their names; more is how many
// the bound leaves out.
func senders(ctx context.Context, src wire.Source, tree *spf.Tree, o Options) (out []Sender, more int) {
	out = slices.Concat(namedSenders(o), recordSenders(tree))
	out = unique(out)
	out, more = cut(out, MaxSenders)
	var wg together.Group
	for i := range out {
		if _, special := o.Special(out[i].IP); !special { // nobody outside sees its name
			wg.Go(func() { out[i].Reverse = reverse(ctx, src, out[i].IP) })
		}
	}
	wg.Wait()
	return out, more
}

// namedSenders gives the senders that the user named.
func namedSenders(o Options) []Sender {
	var out []Sender
	for _, ip := range o.SendIPs {
		out = append(out, Sender{IP: ip.Unmap(), Named: true, Why: "named by the user"})
	}
	return out
}

// recordSenders gives the single addresses that the domain's own record lets pass.
func recordSenders(tree *spf.Tree) []Sender {
	var out []Sender
	for _, n := range tree.Networks {
		named := slices.Contains([]spf.Kind{spf.KindIP4, spf.KindIP6, spf.KindA}, n.Step.Term.Kind)
		if named && n.Prefix.IsSingleIP() && n.Qualifier == spf.Pass && !n.Node.Included() {
			out = append(out, Sender{IP: n.Prefix.Addr(), Why: "SPF term " + n.Step.Term.Text, Ref: n.Node.TXT.Ref})
		}
	}
	return out
}

// unique keeps the first mention of each address.
func unique(all []Sender) []Sender {
	seen := map[netip.Addr]bool{}
	return slices.DeleteFunc(all, func(s Sender) bool {
		was := seen[s.IP]
		seen[s.IP] = true
		return was
	})
}

// cut gives the first of a list, and how many it leaves out.
func cut[T any](list []T, most int) (kept []T, more int) {
	kept = list[:min(len(list), most)]
	return kept, len(list) - len(kept)
}
