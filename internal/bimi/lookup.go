package bimi

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// DefaultSelector is used where a message names no other.
const DefaultSelector = "default"

// A Place is one name at which a record may be.
type Place struct {
	Owner   string // <selector>._bimi.<domain>
	Ref     wire.Ref
	Answer  wire.Answer
	Chain   []string // targets of an alias, in order
	Records []Record // all TXT records at the name
}

// Counting gives the records that receivers count: those whose first tag is
// v=BIMI1.
func (p *Place) Counting() []Record {
	return slices.DeleteFunc(slices.Clone(p.Records), func(r Record) bool { return !r.Counts() })
}

// A Document is a file that the record names.
type Document struct {
	URL   string
	Host  string
	Hosts []wire.Ref   // the questions for the host's addresses
	Fail  *wire.Fail   // why its addresses are not known
	Tried []Fetched    // in order; the last one is the result
	Addrs []netip.Addr // the host's addresses
}

// A Fetched is one attempt at one address.
type Fetched struct {
	Addr netip.AddrPort
	Ref  wire.Ref
	Page wire.Page
}

// Page gives the last attempt, nil when there was none.
func (d *Document) Page() *wire.Page {
	if d == nil || len(d.Tried) == 0 {
		return nil
	}
	return &d.Tried[len(d.Tried)-1].Page
}

// Served reports that the file came: status 200 over a verified connection.
func (d *Document) Served() bool {
	p := d.Page()
	return p != nil && p.Fail == nil && p.Status == 200
}

// A Result is everything about the brand indicator of one domain.
type Result struct {
	Domain, OrgDomain, Selector string

	Own *Place // at the domain itself
	Org *Place // at the organizational domain; nil when that is the domain itself

	Place  *Place  // where the record that applies is; nil when there is none, or no telling
	Record *Record // nil also when there are several

	Logo     *Document // nil when the record names none
	Evidence *Document
	SVG      *SVG  // nil when the logo was not served
	Mark     *Mark // nil when the evidence was not served
}

// Unknown reports that a question got no answer, so that the absence of a record
// is not proven.
func (r *Result) Unknown() bool {
	if r.Place != nil {
		return false
	}
	return !r.Own.Answer.OK() || r.Org != nil && !r.Org.Answer.OK()
}

// maxAddresses bounds the attempts for one document.
const maxAddresses = 4

// Lookup finds the record of a domain (both names are asked at once), then
// fetches the logo and the evidence document that it names. With "" for selector
// the default one is used.
func Lookup(ctx context.Context, src wire.Source, domain, orgDomain, selector string) *Result {
	if selector == "" {
		selector = DefaultSelector
	}
	canonical := func(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
	r := &Result{Domain: canonical(domain), OrgDomain: canonical(orgDomain), Selector: canonical(selector)}
	var wg together.Group
	wg.Go(func() { r.Own = ask(ctx, src, r.Selector, r.Domain) })
	if r.OrgDomain != "" && r.OrgDomain != r.Domain {
		wg.Go(func() { r.Org = ask(ctx, src, r.Selector, r.OrgDomain) })
	}
	wg.Wait()

	// Several records end the search: the organizational domain is not asked
	// then, nor is it where the own answer is missing.
	switch {
	case len(r.Own.Counting()) > 0:
		r.Place = r.Own
	case r.Own.Answer.OK() && r.Org != nil && len(r.Org.Counting()) > 0:
		r.Place = r.Org
	default:
		return r
	}
	counting := r.Place.Counting()
	if len(counting) != 1 {
		return r
	}
	r.Record = &counting[0]

	if u := r.Record.Location; u != "" && badURI(u) == "" {
		wg.Go(func() {
			r.Logo = fetch(ctx, src, u)
			if r.Logo.Served() {
				r.SVG = CheckSVG(r.Logo.Page().Body)
			}
		})
	}
	if u := r.Record.Authority; u != "" && badURI(u) == "" {
		wg.Go(func() {
			r.Evidence = fetch(ctx, src, u)
			if r.Evidence.Served() {
				r.Mark = ParseMark(r.Evidence.Page().Body)
			}
		})
	}
	wg.Wait()
	return r
}

func ask(ctx context.Context, src wire.Source, selector, domain string) *Place {
	p := &Place{Owner: selector + "._bimi." + domain}
	q := wire.Question{Name: p.Owner, Type: "TXT"}
	p.Ref = q.Ref()
	p.Answer = src.DNS(ctx, q)
	p.Chain = p.Answer.Chain(p.Owner)
	for _, text := range p.Answer.TXT() {
		p.Records = append(p.Records, Parse(text))
	}
	return p
}

// fetch asks the host's addresses in turn until one gives an HTTP answer.
func fetch(ctx context.Context, src wire.Source, address string) *Document {
	d := &Document{URL: address}
	u, err := url.Parse(address)
	if err != nil {
		d.Fail = &wire.Fail{Kind: wire.FailProtocol, Text: "not a URI: " + address}
		return d
	}
	d.Host = strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	port := uint64(443)
	if s := u.Port(); s != "" {
		if port, err = strconv.ParseUint(s, 10, 16); err != nil {
			d.Fail = &wire.Fail{Kind: wire.FailProtocol, Text: "no port: " + s}
			return d
		}
	}

	var answers [2]wire.Answer
	var wg together.Group
	for i, rrtype := range []string{"A", "AAAA"} {
		q := wire.Question{Name: d.Host, Type: rrtype}
		d.Hosts = append(d.Hosts, q.Ref())
		wg.Go(func() { answers[i] = src.DNS(ctx, q) })
	}
	wg.Wait()
	for _, a := range answers {
		d.Addrs = append(d.Addrs, a.Addrs()...)
		if d.Fail == nil {
			d.Fail = a.Fail
		}
	}
	if len(d.Addrs) > 0 {
		d.Fail = nil
	}
	for _, ip := range d.Addrs[:min(len(d.Addrs), maxAddresses)] {
		req := wire.Request{URL: address, Addr: netip.AddrPortFrom(ip, uint16(port))}
		page := src.Fetch(ctx, req)
		d.Tried = append(d.Tried, Fetched{req.Addr, req.Ref(), page})
		if page.Fail == nil || page.Status != 0 {
			break
		}
	}
	return d
}
