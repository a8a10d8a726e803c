package gather

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// A Sender is an address that sends the domain's mail, as far as can be known
// from outside: one that the user named, or one that the domain's own SPF record
// names by ip4 or ip6. Ranges, hosts behind a and mx, and what others' records hold
// are permission, not use: a web server behind "a" may never send.
type Sender struct {
	IP      netip.Addr
	Why     string // "named by the user", or the SPF term
	Ref     wire.Ref
	Reverse Reverse
}

const maxSenders = 20

// senders finds them in the SPF tree and asks for their names.
func senders(ctx context.Context, src wire.Source, tree *spf.Tree, o Options) []Sender {
	var out []Sender
	add := func(s Sender) {
		if len(out) < maxSenders && !slices.ContainsFunc(out, func(t Sender) bool { return t.IP == s.IP }) {
			out = append(out, s)
		}
	}
	for _, ip := range o.SendIPs {
		add(Sender{IP: ip.Unmap(), Why: "named by the user"})
	}
	for _, n := range tree.Networks {
		kind := n.Step.Term.Kind
		if (kind == spf.KindIP4 || kind == spf.KindIP6) && n.Prefix.IsSingleIP() && n.Qualifier == spf.Pass && !n.Node.Included() {
			add(Sender{IP: n.Prefix.Addr(), Why: "SPF term " + n.Step.Term.Text, Ref: n.Node.TXT.Ref})
		}
	}
	var wg sync.WaitGroup
	for i := range out {
		if _, special := o.Special(out[i].IP); !special { // nobody outside sees its name
			wg.Go(func() { out[i].Reverse = reverse(ctx, src, out[i].IP) })
		}
	}
	wg.Wait()
	return out
}
