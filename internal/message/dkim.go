package message

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	keys "mxvet/internal/dkim"
	"mxvet/internal/simulate"
	"mxvet/internal/syntax"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Bounds of signatures. A message may hold any number, and each costs a hash of
// the body and a question.
const (
	maxSignatures = 10
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
	Length    *uint64   `json:"length,omitempty"` // tag l
	KeyName   string    `json:"key_name,omitempty"`
	KeyType   string    `json:"key_type,omitempty"`
	KeyBits   int       `json:"key_bits,omitempty"`
	Result    string    `json:"result"` // pass, fail, policy, temperror, permerror
	Why       string    `json:"why,omitempty"`
	// Lenient is the result at a receiver that honours the tag l; "" where there is
	// no such tag.
	Lenient string `json:"lenient_result,omitempty"`

	ref    wire.Ref
	field  int // index
	tags   tagList
	strict bool   // the key has the flag s
	fault  string // of the key record, for which strict receivers ignore it
}

func (m *Message) signatures() []Signature {
	var out []Signature
	for i, f := range m.Fields {
		if f.Is("DKIM-Signature") {
			out = append(out, readSignature(i, f))
		}
	}
	return out
}

func readSignature(index int, f Field) Signature {
	t := parseTags(f.Value())
	s := Signature{
		Domain: domainName(t.get("d")), Selector: t.get("s"), Algorithm: strings.ToLower(t.get("a")), Canonical: t.get("c"),
		Identity: t.get("i"), field: index, tags: t,
	}
	for _, h := range t.list("h") {
		s.Headers = append(s.Headers, strings.ToLower(h))
	}
	s.Signed, s.Expires = moment(t.get("t")), moment(t.get("x"))
	if n, err := strconv.ParseUint(t.get("l"), 10, 63); err == nil {
		s.Length = &n
	}
	s.KeyName = keyName(s.Selector, s.Domain)
	if s.Domain == "" {
		s.Domain = cut(t.get("d"))
	}
	return s
}

// moment reads seconds since 1970; the zero time for what is none.
func moment(s string) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1e11 {
		return time.Unix(n, 0).UTC()
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

// texts gives the key records of an answer, as the library wants them.
func texts(a wire.Asked) ([]string, error) {
	if a.Failed() {
		if a.Answer.Fail == nil {
			return nil, unanswered("only part of the answer came")
		}
		return nil, unanswered(a.Answer.Fail.String())
	}
	out := a.Answer.TXT()
	if len(out) == 0 {
		return nil, errors.New("no key record at " + a.Name)
	}
	for _, text := range out {
		if keys.Parse(text).Bits > maxKeyBits {
			return nil, fmt.Errorf("key of more than %d bits", maxKeyBits)
		}
	}
	return out, nil
}

// verify fills in the results. Expiry is judged by arrival, the time at which the
// message was received (RFC 6376 section 3.5, tag x).
func (m *Message) verify(sigs []Signature, asked map[string]wire.Asked, arrival time.Time) {
	skip := map[int]string{}
	var used []int // indexes into sigs of what the library verifies, in its order
	for i := range sigs {
		s := &sigs[i]
		s.look(asked)
		switch {
		case len(used) == maxSignatures:
			s.Result, s.Why = simulate.ResultPolicy, fmt.Sprintf("not verified: only the first %d signatures are", maxSignatures)
		case len(s.Headers) > maxSigned:
			s.Result, s.Why = simulate.ResultPermError, fmt.Sprintf("not verified: tag h names more than %d fields", maxSigned)
		default:
			used = append(used, i)
			continue
		}
		skip[s.field] = "X-Unverified" // the library must not meet it
	}
	if len(used) == 0 {
		return
	}
	verified, err := dkim.VerifyWithOptions(bytes.NewReader(m.bytes(func(i int) string { return skip[i] })), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			name = domainName(name)
			if !syntax.DomainName(name) {
				return nil, errors.New("d and s make no domain name")
			}
			return texts(asked[name])
		},
	})
	for n, i := range used {
		s := &sigs[i]
		switch {
		case n >= len(verified):
			s.Result, s.Why = simulate.ResultPermError, "not verified: "+err.Error()
		default:
			s.judge(verified[n].Err)
			m.reconsider(s, asked, arrival)
		}
	}
}

// look takes over what the key record says.
func (s *Signature) look(asked map[string]wire.Asked) {
	a, ok := asked[s.KeyName]
	if !ok {
		return
	}
	s.ref = a.Ref
	if records, err := texts(a); err == nil && len(records) == 1 {
		k := keys.Parse(records[0])
		s.KeyType, s.KeyBits, s.strict = k.Type, k.Bits, slices.Contains(k.Flags, "s")
		if i := slices.IndexFunc(k.Problems, func(p keys.Problem) bool { return p.Code.Fatal() }); i >= 0 {
			s.fault = k.Problems[i].Text
		}
	}
}

// judge takes the library's verdict over.
func (s *Signature) judge(err error) {
	if err == nil {
		s.Result = simulate.ResultPass
		return
	}
	s.Why = cut(strings.ReplaceAll(err.Error(), "dkim: ", ""))
	switch {
	case dkim.IsTempFail(err):
		s.Result = simulate.ResultTempError
	case dkim.IsPermFail(err):
		s.Result = simulate.ResultPermError
	default:
		s.Result = simulate.ResultFail
	}
}

// reconsider corrects the library in what it does not know: the flag s of keys,
// the time of arrival (it takes the clock's, which in a replay is another one), and
// that receivers differ about the tag l.
func (m *Message) reconsider(s *Signature, asked map[string]wire.Asked, arrival time.Time) {
	expired := !s.Expires.IsZero() && arrival.After(s.Expires)
	turnedDown := s.Result != simulate.ResultPass && s.Result != simulate.ResultTempError
	switch {
	case s.Result == simulate.ResultPass && s.strict && s.otherIdentity():
		s.Result, s.Why = simulate.ResultPermError, "the domain of i is not that of d, and the key's flag s forbids that (RFC 6376 section 3.6.1)"
	case turnedDown && s.tags.has("l") && strings.Contains(s.Why, "body length"):
		s.Result = simulate.ResultPolicy
		s.Why = "tag l leaves the end of the body unsigned, so many receivers do not accept the signature"
		s.Lenient = simulate.ResultPass
		if expired {
			s.Lenient = simulate.ResultPermError
		} else if err := m.again(s, asked); err != nil {
			s.Lenient = simulate.ResultFail
			s.Result, s.Why = simulate.ResultFail, err.Error()
		}
	case expired && (s.Result == simulate.ResultPass || turnedDown && strings.Contains(s.Why, "expired")):
		s.Result = simulate.ResultPermError
		s.Why = "expired on " + s.Expires.Format(time.DateTime) + " UTC, before the message arrived"
	case turnedDown && strings.Contains(s.Why, "expired") && !s.tags.has("l"):
		switch err := m.again(s, asked).(type) {
		case nil:
			s.Result, s.Why = simulate.ResultPass, "it has expired since, on "+s.Expires.Format(time.DateTime)+" UTC"
		case unanswered:
			s.Result, s.Why = simulate.ResultTempError, err.Error()
		default:
			s.Result, s.Why = simulate.ResultFail, err.Error()
		}
	case s.Result == simulate.ResultPass && s.fault != "":
		s.Why = "but a strict receiver ignores the key: " + cut(s.fault)
	}
}

// again verifies a signature without the library.
func (m *Message) again(s *Signature, asked map[string]wire.Asked) error {
	key, err := s.key(asked)
	if err != nil {
		return err
	}
	if s.strict && s.otherIdentity() {
		return errors.New("the domain of i is not that of d, and the key's flag s forbids that (RFC 6376 section 3.6.1)")
	}
	return m.checkSigned(m.Fields[s.field], s.tags, key)
}

func (s *Signature) key(asked map[string]wire.Asked) (any, error) { return keyAt(asked, s.KeyName) }

// keyAt gives the one usable key at a name.
func keyAt(asked map[string]wire.Asked, name string) (any, error) {
	a, ok := asked[name]
	if !ok {
		return nil, errors.New("d and s make no domain name")
	}
	records, err := texts(a)
	switch {
	case err != nil:
		return nil, err
	case len(records) > 1:
		return nil, errors.New("several records at " + name)
	}
	k := keys.Parse(records[0])
	if k.Revoked() {
		return nil, errors.New("the key was withdrawn")
	}
	if !k.Usable() {
		return nil, errors.New("the key cannot be used")
	}
	return publicKey(k)
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
