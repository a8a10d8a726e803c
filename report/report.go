// Package report holds the result of an audit, its score, and its renderings.
//
// The structs of this package are the JSON schema "mxvet.report/1": one result
// is the only truth, and every rendering (text, HTML, JSON, ...) is a pure
// function of it, so a stored report can be rendered again later. Build makes
// the part of one domain from evidence and verdicts, New joins the domains into
// a report.
//
// The score is 100 minus losses. A rule that fails costs once, by its worst
// subject, a share of its area's budget; an area never loses more than its
// budget; caps limit the whole. What is unknown costs nothing in the score, and
// everything in score_low. All numbers come from rubric.yaml.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mxvet/internal/wire"
)

// SchemaID names the form of the JSON report. A minor version only adds.
const SchemaID = "mxvet.report/1"

// A Report is the result of one run over one or several domains.
type Report struct {
	Schema   string     `json:"schema" jsonschema:"enum=mxvet.report/1"`
	Tool     Tool       `json:"tool"`
	Rubric   string     `json:"rubric"` // version of the rubric that gave the scores
	Run      Run        `json:"run"`
	Domains  []Domain   `json:"domains"`
	Hosts    []Host     `json:"hosts"`    // mail hosts, by name; several domains may share one
	Evidence []Evidence `json:"evidence"` // what findings and unknowns cite, by reference
}

// A Tool says which program made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// A Run says when, from where and at what cost the report came about.
type Run struct {
	At           time.Time `json:"at"`
	Resolver     string    `json:"resolver"` // who answered DNS questions
	ResolverNote string    `json:"resolver_note"`
	IPv4         Reach     `json:"ipv4"`
	IPv6         Reach     `json:"ipv6"`
	Queries      int       `json:"queries"`     // DNS queries sent
	Connections  int       `json:"connections"` // SMTP and HTTPS connections opened
	Recipients   int       `json:"recipients"`  // named to mail servers by the relay test, and taken back
	Millis       int       `json:"millis"`      // duration of the run
	FloorMillis  int       `json:"floor_millis"`
	AllowPrivate bool      `json:"allow_private"`
	Options      Options   `json:"options"`
}

// Options are those flags of the run that change what can be known.
type Options struct {
	SMTP    bool     `json:"smtp"` // mail servers were talked to
	Offline bool     `json:"offline"`
	Deep    bool     `json:"deep"`
	Relay   string   `json:"relay"` // set of relay probes: basic, full, off
	EHLO    string   `json:"ehlo"`
	Zones   []string `json:"zones"`   // zone files laid over the live DNS
	Assumed []string `json:"assumed"` // single records laid over the live DNS, as they were given
	// Replaced says what stood at their names.
	Replaced []Replaced `json:"replaced,omitempty"`
	Policy   string     `json:"policy,omitempty"`   // file with an MTA-STS policy that is not served yet
	Presumed []string   `json:"presumed,omitempty"` // names without the network at which no record is taken to be
}

// Replaced is what stood in an RRset of which a record was assumed, or assumed to
// be gone.
type Replaced struct {
	Owner  string   `json:"owner"`
	Type   string   `json:"type"`
	Before []string `json:"before"`
	From   string   `json:"from"` // "live", a zone file, or "" where nothing is known
	Note   string   `json:"note"` // why nothing is known
	// Missed is what was to be taken away and did not stand there, "*" for any record.
	Missed []string `json:"missed,omitempty"`
}

// Live is where Replaced comes from when it is no file.
const Live = "live"

// Reach says whether mail servers could be reached over one address family.
type Reach struct {
	State string `json:"state" jsonschema:"enum=proven,enum=broken,enum=unproven"`
	Why   string `json:"why"`
}

// Values of Reach.State.
const (
	ReachProven   = "proven"   // some mail server answered on port 25
	ReachBroken   = "broken"   // no route, or the control host stayed silent
	ReachUnproven = "unproven" // nothing shows either
)

// An Evidence is one request that a verdict cites, with a short, bounded summary
// of the answer. The recording of the run holds the answer itself.
type Evidence struct {
	Ref  string `json:"ref"` // "dns:MX example.com"
	Text string `json:"text"`
}

// A Host is one mail host with what its addresses showed.
type Host struct {
	Name      string        `json:"name"`
	Provider  string        `json:"provider"` // whose host it is, where that is known by its name
	Addresses []HostAddress `json:"addresses"`
}

// A HostAddress is one address of a host and the conversation with it.
type HostAddress struct {
	IP       string       `json:"ip"`
	Talked   bool         `json:"talked"` // a conversation was tried
	Reached  bool         `json:"reached"`
	Fail     string       `json:"fail"` // what ended the conversation early
	Banner   string       `json:"banner"`
	Refused  string       `json:"refused"`  // why a server that greeted did not talk with us: its reply; it is up where this is empty
	STARTTLS bool         `json:"starttls"` // offered
	Keywords []string     `json:"keywords"` // what it offers, inside TLS where the conversation got there
	TLS      *TLS         `json:"tls" jsonschema:"nullable"`
	Cert     *Certificate `json:"certificate" jsonschema:"nullable"`
	Millis   int          `json:"millis"`
}

// TLS is what one handshake showed.
type TLS struct {
	Version string `json:"version"`
	Cipher  string `json:"cipher"`
	Group   string `json:"group"`
	Error   string `json:"error"` // why the handshake failed
}

// A Certificate is the leaf that a server sent.
type Certificate struct {
	Subject   string    `json:"subject"`
	Names     []string  `json:"names"` // at most 20 of its DNS names
	Issuer    string    `json:"issuer"`
	Key       string    `json:"key"` // "RSA 2048", "ECDSA P-256"
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	System    string    `json:"system"`  // verdict by this machine's roots
	Mozilla   string    `json:"mozilla"` // verdict by Mozilla's roots
}

// New joins domains into a report. Hosts are sorted and merged by name. For
// every reference that a finding or an unknown cites, lookup gives the summary
// of the answer (see SummarizeAnswer and its siblings); nil leaves evidence out.
func New(tool Tool, rubric string, run Run, domains []Domain, hosts []Host, lookup func(wire.Ref) string) *Report {
	r := &Report{Schema: SchemaID, Tool: tool, Rubric: rubric, Run: run, Domains: domains, Hosts: mergeHosts(hosts)}
	r.Run.At = run.At.UTC().Truncate(time.Second)
	for _, reach := range []*Reach{&r.Run.IPv4, &r.Run.IPv6} {
		reach.State = cmp.Or(reach.State, ReachUnproven)
	}
	if lookup != nil {
		refs := map[wire.Ref]bool{}
		for _, d := range domains {
			for _, ref := range d.Cited() {
				refs[ref] = true
			}
		}
		for ref := range refs {
			r.Evidence = append(r.Evidence, Evidence{Ref: string(ref), Text: bound(lookup(ref), maxSummary)})
		}
		slices.SortFunc(r.Evidence, func(a, b Evidence) int { return strings.Compare(a.Ref, b.Ref) })
	}
	tidyModel(reflect.ValueOf(r))
	return r
}

// Cited gives the requests that findings and unknowns cite, some more than once.
func (d *Domain) Cited() []wire.Ref {
	var out []wire.Ref
	for _, f := range d.Findings {
		for _, ref := range f.Evidence {
			out = append(out, wire.Ref(ref))
		}
	}
	for _, u := range d.Unknown {
		for _, ref := range u.Evidence {
			out = append(out, wire.Ref(ref))
		}
	}
	return out
}

// Parse reads a stored JSON report. It accepts every minor version of the
// schema: unknown keys are skipped.
func Parse(data []byte) (*Report, error) {
	var r Report
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&r); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if r.Schema != SchemaID {
		return nil, fmt.Errorf("read report: schema is %q, this version reads %q", bound(r.Schema, 40), SchemaID)
	}
	for _, d := range r.Domains {
		for _, a := range d.Areas {
			if (a.Points == nil) != (a.PointsLow == nil) {
				return nil, fmt.Errorf("read report: area %q of %q has one of points and points_low", bound(a.ID, 40), bound(d.Name, maxName))
			}
		}
	}
	tidyModel(reflect.ValueOf(&r))
	return &r, nil
}

// tidyModel makes every nil list an empty one, so that JSON never says null
// where a list belongs, and shows invalid UTF-8 in texts as escapes, which JSON
// could not hold.
func tidyModel(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			tidyModel(v.Elem())
		}
	case reflect.String:
		if s := v.String(); v.CanSet() && !utf8.ValidString(s) {
			v.SetString(escapeInvalid(s))
		}
	case reflect.Slice:
		if v.IsNil() && v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			tidyModel(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, f := range v.Fields() {
			if f.CanSet() {
				tidyModel(f)
			}
		}
	}
}

// summary gives the text of the cited evidence, "" when the report has none.
func (r *Report) summary(ref string) string {
	i, found := slices.BinarySearchFunc(r.Evidence, ref, func(e Evidence, ref string) int { return strings.Compare(e.Ref, ref) })
	if !found {
		return ""
	}
	return r.Evidence[i].Text
}

// host finds a host of the report by name; nil when it is not there.
func (r *Report) host(name string) *Host {
	for i := range r.Hosts {
		if r.Hosts[i].Name == name {
			return &r.Hosts[i]
		}
	}
	return nil
}

func mergeHosts(hosts []Host) []Host {
	hosts = slices.Clone(hosts)
	slices.SortStableFunc(hosts, func(a, b Host) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(hosts, func(a, b Host) bool { return a.Name == b.Name })
}
