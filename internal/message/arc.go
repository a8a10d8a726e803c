package message

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

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
	// Oldest is the instance of the oldest message signature from which on all hold, where
	// the chain passes: since that forwarder the message is as it was signed. 0 is that all
	// hold (section 5.2 step 5).
	Oldest int `json:"oldest_pass"`
}

// A Set is the three fields of one instance.
type Set struct {
	Instance int    `json:"instance"`
	Domain   string `json:"domain,omitempty"` // of the seal
	Selector string `json:"selector,omitempty"`
	Claim    string `json:"cv,omitempty"` // what the sealer found of the sets before: none, pass, fail
	Seal     string `json:"seal"`         // pass, fail, temperror; "" where not verified
	SealWhy  string `json:"seal_why,omitempty"`
	// Message is the outcome of the signature over the message. That of the newest set
	// decides; each later forwarder may change the message, so older ones may fail.
	Message    string  `json:"message_signature,omitempty"`
	MessageWhy string  `json:"message_signature_why,omitempty"`
	Said       *Report `json:"authentication_results,omitempty"`
	// Remarks are departures from the standard that do not break the chain.
	Remarks []Remark `json:"remarks,omitempty"`

	results, message, seal []int // indexes of fields
	sealTags, messageTags  tagList
}

// keyNames gives the names of the keys that the chain needs.
func (a *ARC) keyNames() []string {
	var out []string
	for _, s := range a.Sets {
		for _, t := range []tagList{s.sealTags, s.messageTags} {
			if n := keyOf(t); n != "" {
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

// instance reads the instance number of a field, 0 where it has none from 1 to 50
// (section 4.2.1). In ARC-Authentication-Results it stands first, with a semicolon
// behind it; rest is where the results begin.
func instance(f Field) (n int, rest string) {
	text := ""
	if f.Is("ARC-Authentication-Results") {
		p := &scanner{s: f.Value()}
		p.blank()
		ok := p.take('i')
		p.blank()
		ok = ok && p.take('=')
		p.blank()
		text = p.digits()
		p.blank()
		if !ok || !p.take(';') {
			return 0, ""
		}
		rest = p.s[p.i:]
	} else {
		text = readTagList(f).values["i"]
	}
	n, err := strconv.Atoi(text)
	if err != nil || len(text) > 2 || n < 1 || n > maxSets || strings.Trim(text, "0123456789") != "" {
		return 0, ""
	}
	return n, rest
}

// arc collects the sets, by instance.
func (m *Message) arc() *ARC {
	a := &ARC{Result: simulate.ResultNone}
	sets := map[int]*Set{}
	for i, f := range m.Fields {
		seal, message := f.Is("ARC-Seal"), f.Is("ARC-Message-Signature")
		if !seal && !message && !f.Is("ARC-Authentication-Results") {
			continue
		}
		n, rest := instance(f)
		if n == 0 {
			if a.Result != simulate.ResultFail {
				a.Result, a.Why = simulate.ResultFail, "a field "+f.Name+" has no instance number from 1 to "+strconv.Itoa(maxSets)
			}
			continue
		}
		s := sets[n]
		if s == nil {
			s = &Set{Instance: n}
			sets[n] = s
		}
		switch {
		case seal:
			if s.seal = append(s.seal, i); len(s.seal) == 1 {
				s.sealTags = readTagList(f)
				s.Domain, s.Selector, s.Claim = domainName(s.sealTags.get("d")), cut(s.sealTags.get("s")), cut(s.sealTags.get("cv"))
			}
		case message:
			if s.message = append(s.message, i); len(s.message) == 1 {
				s.messageTags = readTagList(f)
			}
		default:
			if s.results = append(s.results, i); len(s.results) == 1 {
				said := readReport(rest)
				s.Said = &said
			}
		}
	}
	for n := range maxSets + 1 {
		if s := sets[n]; s != nil {
			a.Sets = append(a.Sets, *s)
		}
	}
	return a
}

// structure says what is wrong with the chain before any cryptography (section 5.2
// steps 2 and 3), "" where it is whole.
func (a *ARC) structure() string {
	if last := a.Sets[len(a.Sets)-1]; last.Claim == "fail" {
		return fmt.Sprintf("the sealer of set %d, %s, found the chain broken", last.Instance, last.Domain)
	}
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
			return fmt.Sprintf("set %d says cv=%s, and must say cv=%s", s.Instance, s.Claim, want)
		}
	}
	return ""
}

// validate checks the chain (section 5.2).
func (a *ARC) validate(m *Message, p *picker, asked map[string]wire.Asked, arrival time.Time) {
	if len(a.Sets) == 0 || a.Result == simulate.ResultFail {
		return
	}
	if why := a.structure(); why != "" {
		a.Result, a.Why = simulate.ResultFail, why
		return
	}
	a.Result = simulate.ResultPass
	newest := &a.Sets[len(a.Sets)-1]
	newest.Message, newest.MessageWhy = newest.checkMessage(m, p, asked, arrival)
	a.take(newest.Message, fmt.Sprintf("the message signature of set %d: %s", newest.Instance, newest.MessageWhy))
	canonical := map[int]string{} // fields in relaxed form: each seal covers those of all before
	for i := len(a.Sets) - 1; i >= 0; i-- {
		s := &a.Sets[i]
		s.Seal, s.SealWhy = a.checkSeal(m, i, canonical, asked)
		a.take(s.Seal, fmt.Sprintf("the seal of set %d: %s", s.Instance, s.SealWhy))
	}
	if a.Result == simulate.ResultPass {
		a.oldest(m, p, asked, arrival)
	}
}

// oldest goes back through the older message signatures, up to one that does not hold.
func (a *ARC) oldest(m *Message, p *picker, asked map[string]wire.Asked, arrival time.Time) {
	for i := len(a.Sets) - 2; i >= 0; i-- {
		s := &a.Sets[i]
		if s.Message, s.MessageWhy = s.checkMessage(m, p, asked, arrival); s.Message != simulate.ResultPass {
			a.Oldest = a.Sets[i+1].Instance
			return
		}
	}
}

// checkMessage verifies the message signature of a set: as a DKIM signature, but for
// the tags v, which is nothing here, and i (section 4.1.2).
func (s *Set) checkMessage(m *Message, p *picker, asked map[string]wire.Asked, arrival time.Time) (result, why string) {
	t := &s.messageTags
	t.check("a b bh c d h l q s t x", "a b bh d h s")
	signed := t.list("h")
	for _, h := range signed {
		switch strings.ToLower(h) {
		case "arc-seal":
			t.remark(t.at["h"], "tag h names ARC-Seal, which no message signature may cover")
		case "arc-message-signature", "arc-authentication-results", "authentication-results":
			s.Remarks = append(s.Remarks, Remark{"tag h names " + h + ", which section 4.1.2 of RFC 8617 forbids: forwarders may add or take away such fields", t.at["h"]})
		}
	}
	if t.has("l") {
		s.Remarks = append(s.Remarks, Remark{"tag l leaves the end of the body unsigned", t.at["l"]})
	}
	begins, ends := number(t.get("t")), number(t.get("x"))
	switch {
	case len(signed) > maxSigned:
		return simulate.ResultFail, fmt.Sprintf("tag h names more than %d fields", maxSigned)
	case begins != nil && ends != nil && *ends <= *begins:
		t.remark(t.at["x"], "tag x: the signature ends when it begins, or before")
	case ends != nil && !moment(t.get("x")).IsZero() && moment(t.get("x")).Before(arrival):
		return simulate.ResultFail, "it had expired when the message arrived"
	}
	return outcome(asked, *t, func(key any) error {
		if err := m.checkBody(*t); err != nil && !errors.Is(err, errMailbox) {
			return err
		}
		return p.checkHeader(s.message[0], *t, key)
	})
}

// checkSeal verifies the seal of a set over all sets up to it (section 5.1.1): in each
// the results, the message signature and the seal, in relaxed form.
func (a *ARC) checkSeal(m *Message, index int, canonical map[int]string, asked map[string]wire.Asked) (result, why string) {
	own := &a.Sets[index]
	t := &own.sealTags
	t.check("a b d s t", "a b d s")
	if t.has("h") {
		t.remark(t.at["h"], "it has a tag h, which is not allowed (section 4.1.3)")
	}
	return outcome(asked, *t, func(key any) error {
		h := sha256.New()
		add := func(at int) {
			if _, known := canonical[at]; !known {
				canonical[at] = canonicalField(m.Fields[at].Raw, true)
			}
			_, _ = io.WriteString(h, canonical[at])
		}
		for i, s := range a.Sets[:index+1] {
			add(s.results[0])
			add(s.message[0])
			if i < index {
				add(s.seal[0])
			}
		}
		return finish(h, canonicalField(withoutSignature(m.Fields[own.seal[0]].Raw), true), *t, key)
	})
}

// take lowers the result of the chain: a failure beats a missing answer.
func (a *ARC) take(result, why string) {
	if result == simulate.ResultFail && a.Result != simulate.ResultFail || result == simulate.ResultTempError && a.Result == simulate.ResultPass {
		a.Result, a.Why = result, why
	}
}

// outcome judges a field of a set: its syntax, its key, and with that what check does.
func outcome(asked map[string]wire.Asked, t tagList, check func(key any) error) (result, why string) {
	if len(t.remarks) > 0 {
		return simulate.ResultFail, t.remarks[0].Text
	}
	key, err := keyAt(asked, keyOf(t))
	if later, ok := err.(unanswered); ok {
		return simulate.ResultTempError, string(later)
	}
	switch {
	case err != nil:
	case t.get("a") == "rsa-sha1":
		err = errors.New("SHA-1, which no receiver may accept (RFC 8301 section 3.1)")
	default:
		err = check(key.PublicKey())
	}
	if err != nil {
		return simulate.ResultFail, err.Error()
	}
	return simulate.ResultPass, ""
}
