package dmarc

// A Reader is the standard that a receiver follows.
type Reader string

const (
	RFC9989 Reader = "RFC 9989"
	RFC7489 Reader = "RFC 7489"
)

// A Relation is how the author domain stands to the name of the record.
type Relation string

const (
	Self        Relation = "domain"       // the record is the author domain's own: p
	Existing    Relation = "subdomain"    // an existing name below: sp
	NonExisting Relation = "non-existent" // a name below that is NXDOMAIN: np
)

// Effective is what one kind of receiver makes of one record.
type Effective struct {
	Policy   Policy // after all the rules below; "" = DMARC is not applied
	Asked    Policy // what the tag says, before fallback and testing
	Tag      string // the tag that it comes from: p, sp or np; "" where Fallback is set
	Fallback bool   // p, sp or np is missing or invalid where that voids the record (RFC 9989 section 4.10.1)
	// Invalid: Fallback is set because of a value that is no policy, not for want of a
	// tag p: the record is improperly formatted (RFC 9989 section 9.2).
	Invalid bool
	Demoted bool // t=y took one step off
	Percent int  // share of failing mail that it applies to: 100 but for pct, which only RFC 7489 readers know
	// Disputed: p is missing and there is no rua. RFC 9989 section 4.7 gives p the
	// default none, section 4.10.1 applies no DMARC; the latter is assumed here.
	Disputed bool
}

// Effective computes the policy that a record asks of a reader for a name in the
// given relation to it. It does not look at Valid.
func (r Record) Effective(reader Reader, rel Relation) Effective {
	e := Effective{Percent: 100}
	invalid := r.Has("p") && r.P == "" || r.Has("sp") && r.SP == ""
	if reader == RFC9989 {
		invalid = invalid || r.Has("np") && r.NP == ""
	} else {
		e.Percent = r.Percent
	}
	e.Tag, e.Asked = "p", r.P
	if rel == NonExisting && reader == RFC9989 && r.NP != "" {
		e.Tag, e.Asked = "np", r.NP
	} else if rel != Self && r.SP != "" {
		e.Tag, e.Asked = "sp", r.SP
	}
	if invalid || r.P == "" {
		e.Tag, e.Fallback, e.Invalid = "", true, invalid
		if anyValid(r.RUA) {
			e.Policy = None
		} else {
			e.Disputed = reader == RFC9989 && !r.Has("p")
		}
		return e
	}
	e.Policy = e.Asked
	if reader == RFC9989 && r.Testing {
		switch e.Policy {
		case Reject:
			e.Policy, e.Demoted = Quarantine, true
		case Quarantine:
			e.Policy, e.Demoted = None, true
		}
	}
	return e
}
