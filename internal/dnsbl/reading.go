package dnsbl

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/wire"
)

// A State is what an answer of a list comes to.
type State string

// The states. Only Clean and Listed say anything about who was asked about.
const (
	Clean       State = "clean"
	Listed      State = "listed"
	Refused     State = "refused"     // the list does not answer us
	Broken      State = "broken"      // what came is no answer of a list
	NoAnswer    State = "no-answer"   // silence, or an error on the way
	Unsupported State = "unsupported" // the list has no such entries: nothing was asked
)

// A Hit is one answer that means listed.
type Hit struct {
	Answer netip.Addr
	Code
	Known bool // the list documents it
}

// String gives the name of the hit and its answer: "SBL (127.0.0.2)".
func (h Hit) String() string {
	if h.Name == "" {
		return h.Answer.String()
	}
	return h.Name + " (" + h.Answer.String() + ")"
}

// A Reading is what one answer of a list means.
type Reading struct {
	State State
	Hits  []Hit  // where State is Listed; where it is Clean, answers of weight Never
	Why   string // where State is neither Clean nor Listed
	// Elsewhere: an address outside of 127.0.0.0/8 came, as from a zone that
	// somebody else has taken over, or from a resolver that invents answers.
	Elsewhere bool
	// Shared: the list says that the resolver asks for too many people.
	Shared bool
}

// unknownWeight is that of an answer that a list does not document: that it is
// listed is certain, what for is not.
const unknownWeight = Low

const maxAnswers = 32 // addresses looked at in one answer

// refusals are answers that lists agree on (127.255.255.0/24), and the one that
// RFC 5782 keeps from meaning listed.
var refusals = []struct {
	code, why string
	shared    bool
}{
	{"127.255.255.252", "the name of the list is mistyped", false},
	{"127.255.255.254", "it was asked through a public or shared resolver", true},
	{"127.255.255.255", "it was asked too often", true},
	{"127.255.255.*", "it does not answer us", false},
	{"127.0.0.1", "it was asked by somebody who may not ask", true},
}

// Read says what an answer to a question about an entry of the list means.
func (l *List) Read(a wire.Answer) Reading {
	switch {
	case a.Fail != nil && a.Rcode == "REFUSED": // said by a server: a connection that was refused says nothing
		return Reading{State: Refused, Why: "it refuses the question (" + a.Fail.Text + ")"}
	case !a.OK():
		return Reading{State: NoAnswer, Why: a.Fail.String()}
	}
	addrs := a.Addrs()
	if a.TCPFailed && !a.NXDomain() && len(addrs) == 0 {
		return Reading{State: NoAnswer, Why: "only part of the answer came"}
	}
	r := Reading{State: Clean}
	for _, addr := range addrs[:min(len(addrs), maxAnswers)] {
		if !addr.Is4() || addr.As4()[0] != 127 {
			return Reading{State: Broken, Elsewhere: true, Why: fmt.Sprintf("it answers %s, outside of 127.0.0.0/8: the zone is parked or taken over, or the resolver invents answers", addr)}
		}
		if why, shared, refused := l.refused(addr); refused {
			return Reading{State: Refused, Shared: shared, Why: fmt.Sprintf("%s (answer %s)", why, addr)}
		}
		for _, h := range l.decode(addr) {
			r.Hits = append(r.Hits, h)
			if h.Weight != Never {
				r.State = Listed
			}
		}
	}
	return r
}

// refused reports whether an answer says that we may not ask.
func (l *List) refused(addr netip.Addr) (why string, shared, refused bool) {
	for _, c := range l.Refuse {
		if c.fits(addr.As4()) {
			return c.Means, true, true
		}
	}
	for _, c := range l.Codes {
		if c.Bit == 0 && c.Code == addr.String() {
			return "", false, false // the list says otherwise
		}
	}
	for _, r := range refusals {
		if (Code{Code: r.code}).fits(addr.As4()) {
			return r.why, r.shared, true
		}
	}
	return "", false, false
}

func (l *List) decode(addr netip.Addr) []Hit {
	var out []Hit
	for _, c := range l.Codes {
		if !c.fits(addr.As4()) {
			continue
		}
		out = append(out, Hit{addr, c, true})
		if c.Bit == 0 {
			break
		}
	}
	if len(out) == 0 {
		out = []Hit{{Answer: addr, Code: Code{Means: "listed, by a code that the list does not document", Weight: unknownWeight}}}
		if l.Custom {
			out[0].Means = "listed"
		}
	}
	return out
}

// Weight gives the weight of the heaviest hit that keep takes, Never if none.
func (r Reading) Weight(keep func(Hit) bool) Weight {
	w := Never
	for _, h := range r.Hits {
		if keep(h) && h.Weight.Heavier(w) {
			w = h.Weight
		}
	}
	return w
}

// Lists of these bounds are kept of the reasons that a list gives.
const (
	maxReasons = 3
	maxReason  = 255 // bytes
)

// reasons gives the texts of an answer, each once.
func reasons(a wire.Answer) []string {
	var out []string
	for _, text := range a.TXT() {
		text = strings.TrimSpace(text)
		if len(text) > maxReason {
			text = strings.ToValidUTF8(text[:maxReason], "") + " ..."
		}
		if text != "" && len(out) < maxReasons && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
