package zone

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Bounds of one zone text. A zone that breaks one of them is an error, never
// half an answer in silence.
const (
	MaxBytes   = 16 << 20  // size of the text
	MaxRecords = 250_000   // records in it, after $GENERATE
	maxNames   = 400_000   // names, with those that have no records but lie above others
	MaxErrors  = 50        // reading stops after so many errors
	maxEntry   = 512 << 10 // octets of one entry: 64 KiB of data, every octet escaped, and room
	maxTokens  = 70_000    // words of one entry: a TXT record of empty strings has 65,535
)

// ReadFile reads the zone text in the file at path as Read does. It ends when ctx does,
// with an error that wraps that of ctx.
func ReadFile(ctx context.Context, path, origin string) (*Zone, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("zone text: %w", err)
	}
	defer f.Close()
	return read(f, path, origin, &parser{ctx: ctx, file: path, panel: true})
}

// Read is Parse for text as people and the panels of providers write it. The
// types DKIM and DMARC, which the DNS does not have, are read as TXT, and so is
// SPF unless its owner has an SPF record of type TXT beside it. An SOA record at the
// root, or at a name that lacks its final dot, stands at the apex that the other
// names show. Slips of the zone name these places, and those where quotes are
// missing. A TTL of 1, which stands for "automatic" in the exports of a provider, is
// 300 seconds. Without SOA, $ORIGIN and relative names, the apex is the name that all
// others are at or below.
func Read(r io.Reader, file, origin string) (*Zone, error) {
	return read(r, file, origin, &parser{ctx: context.Background(), file: file, panel: true})
}

// Parse reads the text of one zone. The file name is used in errors only.
// Relative names stand below origin until the text has an $ORIGIN; "" means that
// none is known. The zone's apex is the owner of its SOA record, else its first
// $ORIGIN where that comes before all records, else origin.
//
// $ORIGIN, $TTL and $GENERATE are understood; $INCLUDE is refused, so that a text
// can never reach other files. A record without TTL takes it from $TTL, else from
// the record before, else from the SOA's minimum, else 3600.
//
// Text is UTF-8, or UTF-16 where it has a byte order mark or cannot be else.
//
// An error is of type Errors, or wraps what reading r gave. After Errors the zone
// still holds every record that was understood, unless there is no apex or the text
// cannot be read at all: then it is nil.
func Parse(r io.Reader, file, origin string) (*Zone, error) {
	return read(r, file, origin, &parser{ctx: context.Background(), file: file})
}

func read(r io.Reader, file, origin string, p *parser) (*Zone, error) {
	var b strings.Builder
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			b.Grow(int(min(max(info.Size(), 0), MaxBytes+1)))
		}
	}
	if _, err := io.Copy(&b, io.LimitReader(r, MaxBytes+1)); err != nil {
		return nil, fmt.Errorf("zone text %s: %w", file, err)
	}
	if b.Len() > MaxBytes {
		return nil, Errors{{File: file, Text: fmt.Sprintf("longer than %d MiB, which is more than is read of a zone", MaxBytes>>20)}}
	}
	text, encoding, why := decode(b.String())
	if why != "" {
		return nil, Errors{{File: file, Text: why}}
	}
	if encoding != "" {
		p.slips = append(p.slips, Slip{File: file, Kind: SlipEncoding, Said: encoding})
	}
	if origin != "" {
		if !validName(origin) {
			return nil, Errors{{File: file, Text: fmt.Sprintf("origin %q is not a domain name", origin)}}
		}
		p.origin = absolute(Name(origin))
	}
	sc := scanner{text: text, line: 1}
	for !p.stopped {
		e, ok := sc.next()
		if !ok {
			break
		}
		if e.fault != "" {
			p.failAt(e.faultLine, e.faultCol, "%s", e.fault)
			continue
		}
		p.entry(e)
		if p.late() {
			return nil, fmt.Errorf("zone text %s: the time was up at line %d: %w", file, e.line, p.ctx.Err())
		}
	}
	return p.finish(origin)
}

type parser struct {
	ctx     context.Context
	steps   int // since the clock was looked at
	file    string
	panel   bool   // read what providers write, see Read
	origin  string // absolute, "" while none is known
	owner   string // of the record before, absolute
	ttl     *uint32
	lastTTL *uint32
	first   string // the $ORIGIN that came before all records, canonical
	records []Record
	slips   []Slip
	spf     map[int]bool // lines that write type SPF
	errs    Errors
	stopped bool
	made    int // octets that came out of $GENERATE

	relative bool // a name stands below the origin that the caller gave
	lost     bool // a relative name had no origin
}

// late looks at the clock now and then; once the time is up, it stops the reading.
func (p *parser) late() bool {
	if p.steps++; p.steps >= 1000 {
		p.steps = 0
		p.stopped = p.stopped || p.ctx.Err() != nil
	}
	return p.stopped && p.ctx.Err() != nil
}

func (p *parser) fail(line int, format string, args ...any) {
	p.failAt(line, 0, format, args...)
}

func (p *parser) failAt(line, column int, format string, args ...any) {
	if p.stopped {
		return
	}
	p.errs = append(p.errs, Error{p.file, line, column, fmt.Sprintf(format, args...)})
	if len(p.errs) == MaxErrors-1 {
		p.errs = append(p.errs, Error{File: p.file, Line: line, Text: "too many errors, reading stops here"})
		p.stopped = true
	}
}

// finish finds the apex and drops what lies outside it.
func (p *parser) finish(origin string) (*Zone, error) {
	if p.panel && len(p.records)+len(p.errs) == 0 {
		return nil, Errors{{File: p.file, Text: "there are no records in the text"}}
	}
	z := &Zone{File: p.file}
	soa := slices.IndexFunc(p.records, func(r Record) bool { return r.Type == "SOA" })
	var from string // what says which zone it is
	switch common := p.common(); {
	case soa >= 0:
		z.Origin, from = p.apex(soa, origin), fmt.Sprintf("the SOA record in line %d", p.records[soa].Line)
	case p.first != "":
		z.Origin, from = p.first, "$ORIGIN"
	case p.panel && common != "" && !p.relative && (origin == "" || within(Name(origin), common)):
		z.Origin = common
	case origin != "":
		z.Origin, from = Name(origin), "the domain, since the text has neither SOA record nor $ORIGIN"
	case p.lost:
		return nil, p.errs
	default:
		p.errs = append(p.errs[:min(len(p.errs), MaxErrors-1)], Error{
			File: p.file,
			Text: "which zone is this? the text has no SOA record and no $ORIGIN, and no name was given",
		})
		return nil, p.errs
	}
	n := 0
	var outside Record // the first one
	z.Records = slices.DeleteFunc(p.records, func(r Record) bool {
		out := !within(r.Owner, z.Origin)
		if out {
			if n++; n == 1 {
				outside = r
			}
		}
		return out
	})
	if n > 0 {
		more := ""
		switch {
		case n == 2:
			more = ", nor is the one after it"
		case n > 2:
			more = fmt.Sprintf(", nor are %d more records", n-1)
		}
		p.fail(outside.Line, "%s is not in the zone %s%s; which zone it is comes from %s", absolute(outside.Owner), absolute(z.Origin), more, from)
	}
	z.Slips = p.slips
	if p.panel {
		z.readSPF(p.spf)
	}
	if !z.index() {
		return nil, Errors{{File: p.file, Text: fmt.Sprintf("more than %d names, which is more than is read of a zone", maxNames)}}
	}
	if p.panel {
		z.dots()
		z.owners()
		z.refused()
	}
	if len(p.errs) > 0 {
		slices.SortStableFunc(p.errs, func(a, b Error) int { return a.Line - b.Line })
		return z, p.errs
	}
	return z, nil
}

func (p *parser) entry(e entry) {
	if first := e.words[0]; !e.indented && !first.quoted && isDirective(first.text) {
		p.directive(e)
		return
	}
	p.record(e, true)
}

// isDirective tells $WORD from owner names that begin with $.
func isDirective(s string) bool {
	return len(s) > 1 && s[0] == '$' && strings.Trim(strings.ToUpper(s[1:]), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (p *parser) directive(e entry) {
	name, args := strings.ToUpper(e.words[0].text), e.words[1:]
	switch name {
	case "$ORIGIN":
		if len(args) != 1 {
			p.fail(e.line, "$ORIGIN takes one name")
			return
		}
		abs, why := p.absolute(args[0].text)
		if why != "" {
			p.fail(e.line, "$ORIGIN: %s", why)
			return
		}
		if once := absolute(Name(args[0].text)); p.panel && once != "." && abs == below(Name(args[0].text), once) {
			p.slip(Slip{File: p.file, Line: e.line, Kind: SlipOrigin, Owner: Name(once), Said: abs, Meant: Name(once)})
			abs = once
		}
		p.origin = abs
		if len(p.records) == 0 && p.first == "" {
			p.first = Name(abs)
		}
	case "$TTL":
		ttl, ok := uint32(0), false
		if len(args) == 1 {
			ttl, ok = parseTTL(args[0].text)
		}
		if !ok {
			p.fail(e.line, "$TTL takes one time to live: seconds up to 2147483647, or 1w2d3h4m5s")
			return
		}
		p.ttl = &ttl
	case "$GENERATE":
		p.generate(e)
	case "$INCLUDE":
		p.fail(e.line, "$INCLUDE is not read: put the text of that file in its place")
	default:
		p.fail(e.line, "unknown directive %s", e.words[0].text)
	}
}

// record reads one record. own is false inside $GENERATE, whose owners the
// entries after it do not inherit.
func (p *parser) record(e entry, own bool) {
	words, owner := e.words, p.owner
	if !e.indented {
		abs, why := p.absolute(words[0].text)
		if own {
			p.owner = abs // even when bad: what follows must not land at an earlier name
		}
		if p.origin == "" && !dns.IsFqdn(words[0].text) {
			if p.lost {
				return // the first one was told
			}
			p.lost = true
		}
		if why != "" {
			p.failAt(e.line, words[0].col, "%s", why)
			return
		}
		owner, words = abs, words[1:]
	}
	if owner == "" && p.lost {
		return
	}
	if owner == "" {
		p.fail(e.line, "the line starts with a blank, but there is no owner name before it that could be used")
		return
	}
	var ttl *uint32
	classed := false
	for len(words) > 0 && !words[0].quoted {
		up := strings.ToUpper(words[0].text)
		if t, ok := parseTTL(up); ok && ttl == nil {
			if p.panel && t == 1 {
				t = automatic
			}
			ttl = &t
		} else if up == "IN" && !classed {
			classed = true
		} else if _, isType := dns.StringToType[up]; dns.StringToClass[up] != 0 && !isType {
			p.failAt(e.line, words[0].col, "class %s: only IN is read", up)
			return
		} else {
			break
		}
		words = words[1:]
	}
	if len(words) == 0 {
		p.fail(e.line, "a record without type and data")
		return
	}
	rrtype, data := strings.ToUpper(words[0].text), words[1:]
	at := words[0].col
	if len(data) > 0 {
		at = data[0].col
	}
	said := rrtype
	if p.panel && (rrtype == "DKIM" || rrtype == "DMARC") {
		rrtype = "TXT"
	} else if _, known := typeName(rrtype); !known {
		at = words[0].col
	}
	if p.panel && rrtype == "SPF" {
		if p.spf == nil {
			p.spf = map[int]bool{}
		}
		p.spf[e.line] = true
	}
	had := len(p.records)
	p.add(e.line, at, owner, ttl, rrtype, data)
	if p.panel && len(p.records) > had {
		if said == "DKIM" || said == "DMARC" {
			p.slip(Slip{File: p.file, Line: e.line, Kind: SlipType, Owner: Name(owner), Said: said})
		}
		p.unquoted(p.records[had], e, data)
	}
}

// add makes a record; column is where its data stands.
func (p *parser) add(line, column int, owner string, ttl *uint32, rrtype string, data []word) {
	if len(p.records) >= MaxRecords {
		p.fail(line, "more than %d records, which is more than is read of a zone", MaxRecords)
		p.stopped = true
		return
	}
	t := uint32(3600)
	known := true
	switch {
	case ttl != nil:
		t = *ttl
		p.lastTTL = ttl
	case p.ttl != nil:
		t = *p.ttl
	case p.lastTTL != nil:
		t = *p.lastTTL
	default:
		known = false
	}
	if r, ok := plain(owner, t, rrtype, data, p.origin); ok {
		p.keep(r, line)
		return
	}
	rr, why := newRR(owner, t, rrtype, data, p.origin)
	if why != "" {
		p.failAt(line, column, "%s", why)
		return
	}
	if soa, ok := rr.(*dns.SOA); ok && !known {
		t = min(soa.Minttl, maxTTL)
		p.lastTTL = &t
		soa.Hdr.Ttl = t
	}
	p.keep(recordOf(rr), line)
}

// keep adds a record. Owners that follow each other share their text.
func (p *parser) keep(r Record, line int) {
	if n := len(p.records); n > 0 && p.records[n-1].Owner == r.Owner {
		r.Owner = p.records[n-1].Owner
	}
	r.Line = line
	p.records = append(p.records, r)
}

// absolute gives the name as the text means it, with its final dot, or why it is
// none.
func (p *parser) absolute(s string) (abs, why string) {
	switch {
	case s == "@":
		abs = p.origin
	case dns.IsFqdn(s):
		abs = s
	case p.origin == ".":
		abs = s + "."
	case p.origin != "":
		abs = s + "." + p.origin
	}
	if !dns.IsFqdn(s) && p.first == "" {
		p.relative = true
	}
	if abs == "" {
		return "", fmt.Sprintf("%s is a relative name, but there is no $ORIGIN: write the zone's name before the first record, as in $ORIGIN example.com.", s)
	}
	if !validName(abs) {
		return "", fmt.Sprintf("%q is not a domain name", clip(s))
	}
	return abs, ""
}
