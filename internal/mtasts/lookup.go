package mtasts

import (
	"context"
	"net/netip"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Result is all that a domain shows about MTA-STS.
type Result struct {
	Domain string // lower case, without the final dot

	TXT     wire.Asked
	Chain   []string // targets of CNAMEs at _mta-sts, in order
	Records []Record // those that senders select; MTA-STS is off unless it is exactly one
	Others  []Record // discarded by senders, but meant to be MTA-STS records

	Host      string // of the policy: mta-sts.<domain>
	A, AAAA   wire.Asked
	HostChain []string // targets of CNAMEs at Host, in order
	Pages     []Fetched
	Skipped   []netip.Addr // addresses beyond the first four, not fetched from

	// Places where the record is sometimes published by mistake, with what was
	// found there.
	Apex, Doubled Place
}

// A Fetched is the policy file as one address serves it.
type Fetched struct {
	Addr netip.Addr // zero for a policy that is assumed (Page.Assumed)
	Ref  wire.Ref
	Page wire.Page
	// Policy is nil where a sender would not get one: no answer, a certificate
	// that does not verify, or a status other than 200. The media type is not
	// looked at.
	Policy *Policy
}

// A Place is a name where no MTA-STS record belongs.
type Place struct {
	wire.Asked
	Records []Record // found there all the same, selected or not
}

// Bounds on how many addresses the policy is fetched from: at first from each
// family, then in all.
const (
	perFamily = 2
	maxPages  = 4
)

// Lookup asks for record and policy of a domain at the same time: the policy is
// fetched as soon as its host has an address, whether or not there is a record.
// Domain is in A-labels. Where a policy is assumed, which src knows of, that one
// is fetched instead, and needs no address.
func Lookup(ctx context.Context, src wire.Source, domain string, assumed bool) *Result {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	r := &Result{Domain: domain, Host: "mta-sts." + domain}
	var wg together.Group
	wg.Go(func() {
		r.TXT = wire.Ask(ctx, src, "_mta-sts."+domain, "TXT")
		r.Chain = r.TXT.Answer.Chain(r.TXT.Name)
	})
	wg.Go(func() { r.Apex = place(ctx, src, domain) })
	wg.Go(func() { r.Doubled = place(ctx, src, "_mta-sts."+domain+"."+domain) })

	var families [2][]Fetched
	var rest [2][]netip.Addr
	var resolved together.Group
	for i, f := range []struct {
		to     *wire.Asked
		rrtype string
	}{{&r.A, "A"}, {&r.AAAA, "AAAA"}} {
		resolved.Go(func() {
			*f.to = wire.Ask(ctx, src, r.Host, f.rrtype)
			addrs := f.to.Answer.Addrs()
			n := min(perFamily, len(addrs))
			if assumed {
				addrs, n = nil, 0
			}
			families[i], rest[i] = make([]Fetched, n), addrs[n:]
			wg.Go(func() { fetchAll(ctx, src, r.URL(), addrs[:n], families[i]) })
		})
	}
	resolved.Wait()
	// A family with fewer addresses leaves its places to the other.
	more := append(append([]netip.Addr{}, rest[0]...), rest[1]...)
	n := min(len(more), maxPages-len(families[0])-len(families[1]))
	r.Skipped = more[n:]
	extra := make([]Fetched, n)
	fetchAll(ctx, src, r.URL(), more[:n], extra)
	wg.Wait()

	if assumed {
		extra = make([]Fetched, 1)
		fetchAll(ctx, src, r.URL(), []netip.Addr{{}}, extra)
	}
	for _, list := range [][]Fetched{families[0], families[1], extra} {
		r.Pages = append(r.Pages, list...)
	}
	if r.HostChain = r.A.Answer.Chain(r.Host); len(r.HostChain) == 0 {
		r.HostChain = r.AAAA.Answer.Chain(r.Host)
	}
	for _, text := range r.TXT.Answer.TXT() {
		if rec := Parse(text); rec.Selected {
			r.Records = append(r.Records, rec)
		} else if meant(rec) {
			r.Others = append(r.Others, rec)
		}
	}
	return r
}

// fetchAll fetches from all addresses at once; to has a place for each.
func fetchAll(ctx context.Context, src wire.Source, url string, addrs []netip.Addr, to []Fetched) {
	var wg together.Group
	for i, addr := range addrs {
		wg.Go(func() {
			q := wire.Request{URL: url}
			if addr.IsValid() {
				q.Addr = netip.AddrPortFrom(addr, 443)
			}
			f := Fetched{Addr: addr, Ref: q.Ref(), Page: src.Fetch(ctx, q)}
			if f.Page.Fail == nil && f.Page.Status == 200 {
				f.Policy = new(ParsePolicy(f.Page.Body))
			}
			to[i] = f
		})
	}
	wg.Wait()
}

func place(ctx context.Context, src wire.Source, name string) Place {
	if len(name) > 253 {
		return Place{Asked: wire.Asked{Name: name, Answer: wire.Answer{Rcode: "NXDOMAIN"}}}
	}
	p := Place{Asked: wire.Ask(ctx, src, name, "TXT")}
	for _, text := range p.Answer.TXT() {
		if strings.Contains(strings.ToLower(text), "v=stsv") {
			p.Records = append(p.Records, Parse(text))
		}
	}
	return p
}

// meant reports whether a text that senders discard was probably meant to be an
// MTA-STS record, unlike what a wildcard brings to the name.
func meant(r Record) bool {
	return strings.Contains(strings.ToLower(r.Text), "stsv1") || r.ID != ""
}

// URL gives the address of the policy file.
func (r *Result) URL() string { return PolicyURL(r.Domain) }

// PolicyURL gives where the policy of a domain belongs (RFC 8461 section 3.3).
func PolicyURL(domain string) string { return "https://mta-sts." + domain + "/.well-known/mta-sts.txt" }

// Record gives the record that senders use; nil where there is not exactly one to
// select.
func (r *Result) Record() *Record {
	if len(r.Records) != 1 {
		return nil
	}
	return &r.Records[0]
}

// Policy gives the policy of the first address that serves one; nil where none
// does.
func (r *Result) Policy() *Policy {
	for _, f := range r.Pages {
		if f.Policy != nil {
			return f.Policy
		}
	}
	return nil
}

// Differs reports that two addresses serve policies with different fields; line
// ends do not count.
func (r *Result) Differs() bool {
	one := r.Policy()
	for _, f := range r.Pages {
		if f.Policy != nil && f.Policy.String() != one.String() {
			return true
		}
	}
	return false
}

// NoHost reports proof that the policy host has no address.
func (r *Result) NoHost() bool {
	return r.A.Answer.Missing("A") && r.AAAA.Answer.Missing("AAAA") && !r.A.Failed() && !r.AAAA.Failed()
}
