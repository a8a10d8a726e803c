package message

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	keys "mxvet/internal/dkim"
	"mxvet/internal/simulate"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// week is how long a key that signed should stay published, at the least.
const week = 7 * 24 * time.Hour

// Bounds of signatures. A message may hold any number, and each costs a hash of
// the header and a question.
const (
	maxSignatures = 10    // that are verified
	maxListed     = 20    // that are listed; the others are counted
	maxSigned     = 300   // names in one tag h
	maxKeyBits    = 16384 // longer keys are not used: they only cost time
)

// A Signature is one DKIM-Signature field and what became of it (RFC 6376).
type Signature struct {
	Domain    string    `json:"domain"` // tag d in A-labels, as written where it is no domain name
	Selector  string    `json:"selector"`
	Algorithm string    `json:"algorithm"`
	Canonical string    `json:"canonicalization"`
	Identity  string    `json:"identity,omitempty"` // tag i
	Headers   []string  `json:"headers,omitempty"`  // tag h in lower case
	Signed    time.Time `json:"signed,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Length    *uint64   `json:"length,omitempty"`      // tag l
	Body      uint64    `json:"body_length,omitempty"` // octets of the canonical body that l is held against
	KeyName   string    `json:"key_name,omitempty"`
	KeyType   string    `json:"key_type,omitempty"`
	KeyBits   int       `json:"key_bits,omitempty"`
	Result    string    `json:"result"` // pass, fail, policy, temperror, permerror; "" where it was not verified
	Why       string    `json:"why,omitempty"`
	// Lenient is the result at a receiver that overlooks what Why names, or honours the
	// tag l; "" where that makes no difference.
	Lenient string `json:"lenient_result,omitempty"`
	// Remarks are departures from the standard, and what receivers treat differently.
	Remarks []Remark `json:"remarks,omitempty"`

	Second    string `json:"second_result,omitempty"` // by another program: github.com/emersion/go-msgauth
	SecondWhy string `json:"second_why,omitempty"`
	Differ    string `json:"differ,omitempty"` // why the two differ; "" where they agree

	ref     wire.Ref
	field   int // index
	tags    tagList
	strict  bool   // the key has the flag s
	testing bool   // the key has the flag y
	missing bool   // there is no key record at the name
	fault   string // of the key record, for which a verifier must ignore it
	canon   string // the key record in canonical form
}

// signatures gives the first DKIM signatures from the top, and how many more there
// are.
func (m *Message) signatures() (out []Signature, more int) {
	for i, f := range m.Fields {
		if !f.Is("DKIM-Signature") {
			continue
		}
		if len(out) == maxListed {
			more++
			continue
		}
		out = append(out, readSignature(i, f))
	}
	return out, more
}

// checkSyntax holds the field against the grammar of the standard.
func (s *Signature) checkSyntax() {
	t := &s.tags
	t.check("v a b bh c d h i l q s t x", "v a b bh d h s")
	signed, expires := number(t.get("t")), number(t.get("x"))
	if t.has("t") && t.has("x") && signed != nil && expires != nil && *expires <= *signed {
		t.remark(t.at["x"], "tag x: the signature ends when it begins, or before (RFC 6376 section 3.5)")
	}
}

func readSignature(index int, f Field) Signature {
	t := readTagList(f)
	s := Signature{
		Domain: domainName(t.get("d")), Selector: t.get("s"), Algorithm: strings.ToLower(t.get("a")), Canonical: t.get("c"),
		Identity: t.get("i"), field: index, tags: t,
	}
	s.checkSyntax()
	for i, h := range t.list("h") {
		if i > maxSigned {
			break
		}
		s.Headers = append(s.Headers, strings.ToLower(h))
	}
	s.Signed, s.Expires = moment(t.get("t")), moment(t.get("x"))
	s.Length = number(t.get("l"))
	s.KeyName = keyName(s.Selector, s.Domain)
	if s.Domain == "" {
		s.Domain = cut(t.get("d"))
	}
	return s
}

func number(s string) *uint64 {
	if n, err := strconv.ParseUint(s, 10, 63); err == nil {
		return &n
	}
	return nil
}

// moment reads seconds since 1970; the zero time for what is none, and for what lies
// behind the year 9999.
func moment(s string) time.Time {
	if n := number(s); n != nil && *n < 253402300800 {
		return time.Unix(int64(*n), 0).UTC()
	}
	return time.Time{}
}

// keyName gives the name of a key record, "" where it cannot be one.
func keyName(selector, domain string) string {
	name := domainName(selector + "._domainkey." + domain)
	if domain == "" || selector == "" {
		return ""
	}
	return name
}

// askKeys asks for key records, each once, all at the same time.
func askKeys(ctx context.Context, src wire.Source, names []string) map[string]wire.Asked {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	answers := make([]wire.Asked, len(names))
	var wg together.Group
	for i, n := range names {
		wg.Go(func() { answers[i] = wire.Ask(ctx, src, n, "TXT") })
	}
	wg.Wait()
	out := map[string]wire.Asked{}
	for i, n := range names {
		out[n] = answers[i]
	}
	return out
}

// unanswered is an error of a lookup that may give something later; the library
// knows it by its methods.
type unanswered string

func (u unanswered) Error() string { return string(u) }
func (unanswered) Timeout() bool   { return false }
func (unanswered) Temporary() bool { return true }

// noKey is the error of a name that has no key record.
type noKey string

func (n noKey) Error() string { return string(n) }

// keyAt gives the key at a name, and why a verifier must not use it. Where one could
// be read all the same, key.PublicKey gives it. The error is of type unanswered where
// the question got no answer.
func keyAt(asked map[string]wire.Asked, name string) (key keys.Key, err error) {
	a, ok := asked[name]
	switch {
	case !ok:
		return key, errors.New("d and s make no domain name")
	case a.Failed() && a.Answer.Fail == nil:
		return key, unanswered("only part of the answer came")
	case a.Failed():
		return key, unanswered(a.Answer.Fail.String())
	}
	records := a.Answer.TXT()
	if len(records) == 0 {
		if chain := a.Answer.Chain(name); len(chain) > 0 {
			return key, noKey("no key record at " + a.Name + ", which is an alias of " + chain[len(chain)-1] + ", where none is")
		}
		return key, noKey("no key record at " + a.Name)
	}
	for i, text := range records {
		k := keys.Parse(text)
		if k.Bits > maxKeyBits {
			return keys.Key{}, fmt.Errorf("a key of more than %d bits is not used", maxKeyBits)
		}
		if i == 0 || key.PublicKey() == nil && k.PublicKey() != nil {
			key = k
		}
	}
	switch {
	case len(records) > 1:
		return key, errors.New("several records at " + name)
	case key.Revoked():
		return key, errors.New("the key was withdrawn")
	case key.Usable() && key.PublicKey() == nil:
		return key, errors.New("the key cannot be used here: its public exponent is too large")
	case key.Usable():
		return key, nil
	}
	if fault := fatal(key); fault != "" {
		return key, errors.New("the key cannot be used: " + fault)
	}
	return key, fmt.Errorf("the key cannot be used: an RSA key of %d bits, and verifiers must refuse less than 1024 (RFC 8301 section 3.2)", key.Bits)
}

// fatal gives the first problem for which a verifier must ignore a key, "" where there
// is none.
func fatal(key keys.Key) string {
	if i := slices.IndexFunc(key.Problems, func(p keys.Problem) bool { return p.Code.Fatal() }); i >= 0 {
		return key.Problems[i].Text
	}
	return ""
}

// verify fills in the results. Expiry is judged by arrival, the time at which the
// message was received (RFC 6376 section 3.5, tag x); at is the time of the check.
func (m *Message) verify(p *picker, sigs []Signature, asked map[string]wire.Asked, arrival, at time.Time) {
	for i := range sigs {
		s := &sigs[i]
		if i >= maxSignatures {
			s.Why = fmt.Sprintf("not verified: only the first %d signatures are", maxSignatures)
			continue
		}
		if len(s.Headers) > maxSigned {
			s.Result, s.Why = simulate.ResultPermError, fmt.Sprintf("not verified: tag h names more than %d fields", maxSigned)
			continue
		}
		m.judge(s, p, asked, arrival)
		if age := at.Sub(arrival); s.missing && age > week {
			s.Result, s.Why = "", fmt.Sprintf("%s now, and the message came %s ago: keys are taken away after their time (RFC 6376 section 3.1), so whether it held then is not known", s.Why, seconds(int64(age/time.Second)))
		}
		if s.Result == simulate.ResultPass && !s.Expires.IsZero() && s.Expires.Before(at) {
			s.Why = "it has expired since, on " + s.Expires.Format(time.DateTime) + " UTC"
		}
	}
	m.secondOpinion(sigs, asked)
}

// judge decides about one signature, in the order of RFC 6376 section 6.1: the
// field, the key, the body and the signature; then what receivers accept.
func (m *Message) judge(s *Signature, p *picker, asked map[string]wire.Asked, arrival time.Time) {
	key, keyErr := keyAt(asked, s.KeyName)
	if a, ok := asked[s.KeyName]; ok {
		s.ref = a.Ref
		s.KeyType, s.KeyBits, s.strict, s.testing = key.Type, key.Bits, slices.Contains(key.Flags, "s"), slices.Contains(key.Flags, "y")
		_, s.missing = keyErr.(noKey)
		s.fault, s.canon = fatal(key), key.Canonical()
	}
	s.Remarks = append(s.Remarks, s.tags.remarks...)
	later, silent := keyErr.(unanswered)
	holds := m.holds(s, p, key.PublicKey())
	expired := !s.Expires.IsZero() && s.Expires.Before(arrival)
	refuse := func(format string, args ...any) {
		s.Result, s.Why = simulate.ResultPermError, fmt.Sprintf(format, args...)
		if holds == nil {
			s.Lenient = simulate.ResultPass
		}
	}
	mailbox := errors.Is(holds, errMailbox)
	if mailbox {
		s.Remarks = append(s.Remarks, Remark{holds.Error(), 0})
		holds = nil
	}
	s.otherRemarks(key, arrival)
	switch {
	case len(s.tags.remarks) > 0:
		refuse("%s", s.tags.remarks[0].Text)
	case silent:
		s.Result, s.Why = simulate.ResultTempError, string(later)
	case s.Algorithm == "rsa-sha1":
		s.Result, s.Why = simulate.ResultPermError, "hash algorithm too weak: receivers may not accept SHA-1 (RFC 8301 section 3.1)"
	case keyErr != nil:
		refuse("%s", keyErr)
	case key.Type+"-sha256" != s.tags.get("a"):
		s.Result, s.Why = simulate.ResultPermError, "the key is of another type (k="+key.Type+") than the tag a names"
	case s.strict && s.otherIdentity():
		refuse("the domain of i is not that of d, and the key's flag s forbids that (RFC 6376 section 3.6.1)")
	case errors.Is(holds, errNoBody):
		s.Why = holds.Error()
	case holds != nil:
		s.Result, s.Why = simulate.ResultFail, holds.Error()
	case expired: // receivers may refuse it for that, or not
		refuse("expired on %s UTC, before the message arrived", s.Expires.Format(time.DateTime))
	case s.tags.has("l"):
		s.Result, s.Lenient = simulate.ResultPolicy, simulate.ResultPass
		s.Why = "tag l leaves the end of the body unsigned, and receivers may refuse the signature for that (RFC 6376 section 8.2)"
	default:
		s.Result = simulate.ResultPass
	}
}

// holds does the cryptography; the error says what does not fit. errMailbox is none.
func (m *Message) holds(s *Signature, p *picker, key crypto.PublicKey) error {
	if key == nil {
		return errors.New("no key")
	}
	if d := m.forms[m.bodyForm(s.tags)]; d != nil && s.Length != nil {
		s.Body = d.length
	}
	err := m.checkBody(s.tags)
	if err != nil && !errors.Is(err, errMailbox) {
		return err
	}
	if wrong := p.checkHeader(s.field, s.tags, key); wrong != nil {
		return wrong
	}
	return err
}

func (m *Message) bodyForm(t tagList) bodyForm {
	_, relaxed, _ := t.forms()
	return bodyForm{relaxed, false}
}

// otherRemarks tells what is no fault of the signature, but treated in several ways.
func (s *Signature) otherRemarks(key keys.Key, arrival time.Time) {
	add := func(tag, text string) { s.Remarks = append(s.Remarks, Remark{text, s.tags.at[tag]}) }
	if s.testing {
		add("", "the key has the flag y: its owner is testing, and RFC 6376 section 3.6.1 has receivers treat the message as if it were not signed; most do not")
	}
	if s.KeyType == "rsa" && s.KeyBits >= 1024 && s.KeyBits < 2048 {
		add("", fmt.Sprintf("an RSA key of %d bits, and signers should use 2048 (RFC 8301 section 3.2)", s.KeyBits))
	}
	if days := int(arrival.Sub(s.Signed).Hours() / 24); !s.Signed.IsZero() && days >= 7 {
		add("t", fmt.Sprintf("tag t: signed %d days before the message arrived, so somebody may have sent it again (RFC 6376 section 8.6)", days))
	}
	if s.Signed.After(arrival.Add(time.Hour)) {
		add("t", "tag t: signed at a time in the future ("+s.Signed.Format(time.DateTime)+" UTC), which receivers may refuse (RFC 6376 section 3.5)")
	}
}

// otherIdentity reports that the tag i names another domain than d.
func (s Signature) otherIdentity() bool {
	return s.tags.has("i") && domainOf(s.Identity) != s.Domain
}

// signs reports how often the signature names a field.
func (s Signature) signs(name string) int {
	n := 0
	for _, h := range s.Headers {
		if h == name {
			n++
		}
	}
	return n
}
