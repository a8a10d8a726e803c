package message

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/simulate"
	"mxvet/internal/wire"
)

// maxSets bounds the ARC sets of a message (RFC 8617 section 4.2.1).
const maxSets = 50

// An ARC is the chain of seals in a message (RFC 8617). It says what forwarders
// saw; whether to believe them is the receiver's choice, so it never changes the
// result of DMARC here.
type ARC struct {
	Sets []Set `json:"sets,omitempty"`
	// Result is our own validation of the chain (section 5.2): none, pass, fail or
	// temperror.
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
}

// A Set is the three fields of one instance.
type Set struct {
	Instance int    `json:"instance"`
	Domain   string `json:"domain,omitempty"` // of the seal
	Selector string `json:"selector,omitempty"`
	Claim    string `json:"cv,omitempty"` // what the sealer found of the sets before: none, pass, fail
	Seal     string `json:"seal"`         // pass, fail, temperror; "" where not verified
	SealWhy  string `json:"seal_why,omitempty"`
	// Message is the outcome of the signature over the message: verified for the
	// newest set only, because each later forwarder may change the message.
	Message    string  `json:"message_signature,omitempty"`
	MessageWhy string  `json:"message_signature_why,omitempty"`
	Said       *Report `json:"authentication_results,omitempty"`

	results, message, seal []Field
	sealTags, messageTags  tagList
}

// keyNames gives the names of the keys that the chain needs.
func (a *ARC) keyNames() []string {
	var out []string
	for i, s := range a.Sets {
		names := []string{keyOf(s.sealTags)}
		if i == len(a.Sets)-1 {
			names = append(names, keyOf(s.messageTags))
		}
		for _, n := range names {
			if n != "" {
				out = append(out, n)
			}
		}
	}
	return out
}

func keyOf(t tagList) string {
	if t.values == nil {
		return ""
	}
	return keyName(t.get("s"), domainName(t.get("d")))
}

// arc collects the sets, by instance.
func (m *Message) arc() *ARC {
	a := &ARC{Result: simulate.ResultNone}
	sets := map[int]*Set{}
	bad := func(f Field) {
		if a.Result != simulate.ResultFail {
			a.Result, a.Why = simulate.ResultFail, "a field "+f.Name+" has no instance number from 1 to "+strconv.Itoa(maxSets)
		}
	}
	for _, f := range m.Fields {
		var instance string
		switch {
		case f.Is("ARC-Authentication-Results"):
			first, _, _ := strings.Cut(f.Value(), ";")
			tag, v, _ := strings.Cut(first, "=")
			if strings.Trim(tag, blanks) == "i" {
				instance = strings.Trim(v, blanks)
			}
		case f.Is("ARC-Message-Signature"), f.Is("ARC-Seal"):
			instance = parseTags(f.Value()).get("i")
		default:
			continue
		}
		n, err := strconv.Atoi(instance)
		if err != nil || n < 1 || n > maxSets {
			bad(f)
			continue
		}
		s := sets[n]
		if s == nil {
			s = &Set{Instance: n}
			sets[n] = s
		}
		switch {
		case f.Is("ARC-Seal"):
			s.seal = append(s.seal, f)
		case f.Is("ARC-Message-Signature"):
			s.message = append(s.message, f)
		default:
			s.results = append(s.results, f)
		}
	}
	for n := range maxSets + 1 {
		if s := sets[n]; s != nil {
			s.read()
			a.Sets = append(a.Sets, *s)
		}
	}
	return a
}

// read takes the parts of a set that has one field of each kind, or those that
// are there.
func (s *Set) read() {
	if len(s.seal) > 0 {
		s.sealTags = parseTags(s.seal[0].Value())
		s.Domain, s.Selector, s.Claim = domainName(s.sealTags.get("d")), s.sealTags.get("s"), strings.ToLower(s.sealTags.get("cv"))
	}
	if len(s.message) > 0 {
		s.messageTags = parseTags(s.message[0].Value())
	}
	if len(s.results) > 0 {
		_, rest, _ := strings.Cut(s.results[0].Value(), ";")
		said := readReport(rest)
		s.Said = &said
	}
}

// structure says what is wrong with the chain before any cryptography (section
// 5.2 steps 2 and 3), "" where it is whole.
func (a *ARC) structure() string {
	for i, s := range a.Sets {
		want := "pass"
		if i == 0 {
			want = "none"
		}
		switch {
		case s.Instance != i+1:
			return fmt.Sprintf("there is no set with instance %d", i+1)
		case len(s.seal) != 1 || len(s.message) != 1 || len(s.results) != 1:
			return fmt.Sprintf("set %d has %d ARC-Seal, %d ARC-Message-Signature and %d ARC-Authentication-Results, and must have one of each", s.Instance, len(s.seal), len(s.message), len(s.results))
		case s.Claim == "fail":
			return fmt.Sprintf("the sealer of set %d, %s, found the chain broken", s.Instance, s.Domain)
		case s.Claim != want:
			return fmt.Sprintf("set %d says cv=%s, and must say cv=%s", s.Instance, cut(s.Claim), want)
		case s.sealTags.broken != "":
			return fmt.Sprintf("the seal of set %d: %s", s.Instance, s.sealTags.broken)
		case s.messageTags.broken != "":
			return fmt.Sprintf("the message signature of set %d: %s", s.Instance, s.messageTags.broken)
		case s.sealTags.has("h"):
			return fmt.Sprintf("the seal of set %d has a tag h, which is not allowed", s.Instance)
		}
	}
	return ""
}

// validate checks the chain (section 5.2).
func (a *ARC) validate(m *Message, asked map[string]wire.Asked) {
	if len(a.Sets) == 0 {
		return
	}
	if a.Result == simulate.ResultFail {
		return
	}
	if why := a.structure(); why != "" {
		a.Result, a.Why = simulate.ResultFail, why
		return
	}
	a.Result = simulate.ResultPass
	newest := &a.Sets[len(a.Sets)-1]
	newest.Message, newest.MessageWhy = outcome(asked, keyOf(newest.messageTags), func(key crypto.PublicKey) error {
		signed := newest.messageTags.list("h")
		switch {
		case len(signed) > maxSigned:
			return fmt.Errorf("tag h names more than %d fields", maxSigned)
		case slices.ContainsFunc(signed, func(h string) bool { return strings.EqualFold(h, "ARC-Seal") }):
			return errors.New("tag h names ARC-Seal, which is not allowed")
		case !slices.ContainsFunc(signed, func(h string) bool { return strings.EqualFold(h, "From") }):
			return errors.New("the From field is not signed")
		}
		return m.checkSigned(newest.message[0], newest.messageTags, key)
	})
	a.take(newest.Message, fmt.Sprintf("the message signature of set %d: %s", newest.Instance, newest.MessageWhy))
	for i := len(a.Sets) - 1; i >= 0; i-- {
		s := &a.Sets[i]
		s.Seal, s.SealWhy = outcome(asked, keyOf(s.sealTags), func(key crypto.PublicKey) error { return a.checkSeal(i, key) })
		a.take(s.Seal, fmt.Sprintf("the seal of set %d: %s", s.Instance, s.SealWhy))
	}
}

// take lowers the result of the chain: a failure beats a missing answer.
func (a *ARC) take(result, why string) {
	if result == simulate.ResultFail && a.Result != simulate.ResultFail || result == simulate.ResultTempError && a.Result == simulate.ResultPass {
		a.Result, a.Why = result, why
	}
}

// outcome finds the key and checks with it.
func outcome(asked map[string]wire.Asked, name string, check func(crypto.PublicKey) error) (result, why string) {
	key, err := keyAt(asked, name)
	if _, later := err.(unanswered); later {
		return simulate.ResultTempError, err.Error()
	}
	if err == nil {
		err = check(key)
	}
	if err != nil {
		return simulate.ResultFail, err.Error()
	}
	return simulate.ResultPass, ""
}

// checkSeal verifies the seal of a set over all sets up to it (section 5.1.1):
// in each the results, the message signature and the seal, in relaxed form.
func (a *ARC) checkSeal(index int, key crypto.PublicKey) error {
	h := sha256.New()
	for i, s := range a.Sets[:index+1] {
		h.Write([]byte(canonicalField(s.results[0].Raw, true)))
		h.Write([]byte(canonicalField(s.message[0].Raw, true)))
		if i < index {
			h.Write([]byte(canonicalField(s.seal[0].Raw, true)))
		}
	}
	s := a.Sets[index]
	return finish(h, canonicalField(withoutSignature(s.seal[0].Raw), true), s.sealTags, key)
}
