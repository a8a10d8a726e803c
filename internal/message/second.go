package message

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"mxvet/internal/simulate"
	"mxvet/internal/wire"
)

// keepField bounds the fields that the other program is shown: what it takes for one
// grows with the square of its lines.
const keepField = 64 << 10

// secondOpinion asks another program about the signatures that were verified, and says
// why it differs. It gets key records in canonical form: keys are read by one reader.
// Long messages, and such with long fields, are not shown to it.
func (m *Message) secondOpinion(sigs []Signature, asked map[string]wire.Asked) {
	used := map[int]*Signature{}
	canon := map[string]string{}
	for i := range sigs[:min(len(sigs), maxSignatures)] {
		if s := &sigs[i]; len(s.Headers) <= maxSigned {
			used[s.field] = s
			canon[s.KeyName] = s.canon
		}
	}
	if len(used) == 0 || m.Long || slices.ContainsFunc(m.Fields, func(f Field) bool { return len(f.Raw) > keepField }) {
		return
	}
	text := m.bytes(func(i int) string {
		if m.Fields[i].Is("DKIM-Signature") && used[i] == nil {
			return "X-Unverified" // the other program must not meet it
		}
		return ""
	})
	verified, err := dkim.VerifyWithOptions(bytes.NewReader(text), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			name = domainName(name)
			_, err := keyAt(asked, name)
			if later, ok := err.(unanswered); ok {
				return nil, later
			}
			if canon[name] == "" {
				return nil, errors.New("no key record")
			}
			return []string{canon[name]}, nil
		},
	})
	if err != nil { // it could not read the message, and what it gives says nothing
		return
	}
	n := 0
	for i := range sigs {
		s := &sigs[i]
		if used[s.field] != s {
			continue
		}
		if n < len(verified) && verified[n] != nil {
			s.secondly(verified[n].Err, m.loneCR)
		}
		n++
	}
}

// secondly takes over what the other program found.
func (s *Signature) secondly(err error, loneCR bool) {
	switch {
	case err == nil:
		s.Second = simulate.ResultPass
	case dkim.IsTempFail(err):
		s.Second = simulate.ResultTempError
	case dkim.IsPermFail(err):
		s.Second = simulate.ResultPermError
	default:
		s.Second = simulate.ResultFail
	}
	if err != nil {
		s.SecondWhy = cut(strings.ReplaceAll(err.Error(), "dkim: ", ""))
	}
	switch {
	case s.Second == s.Result:
	case loneCR:
		s.Differ = "RFC 5322 section 2.3: a CR stands alone in the message, which programs take for a character or for the end of a line"
	default:
		s.Differ = s.whyDiffer()
	}
}

// What the other program takes out of the field before it verifies: more than the
// value of the tag b.
var likeSignature = regexp.MustCompile(`b\s*=`)

// whyDiffer says by which section the two programs differ.
func (s *Signature) whyDiffer() string {
	named := 0
	for _, t := range s.tags.tags {
		if strings.HasSuffix(t.Name, "b") {
			named++
		}
		named += len(likeSignature.FindAllString(t.Value, -1))
	}
	switch {
	case s.Second != simulate.ResultPass && s.Result != simulate.ResultPass && s.tags.has("l"):
		return "RFC 6376 section 8.2: the other program refuses every signature with a tag l, before it looks at the rest"
	case s.Second == simulate.ResultFail && s.Result == simulate.ResultPass && named > 1:
		return "RFC 6376 section 3.7: only the value of the tag b is left out of what was signed; the other program leaves out everything that looks like it"
	case s.Second == simulate.ResultPermError && strings.Contains(s.SecondWhy, "domain mismatch"):
		return "RFC 6376 section 3.5: domain names in i and d are compared without regard to case"
	case strings.Contains(s.SecondWhy, "expired"):
		return "RFC 6376 section 3.5: expiry is judged by the time of arrival; the other program goes by its clock"
	case strings.HasPrefix(s.Why, "several records"):
		return "RFC 6376 section 3.6.2.2: one name has one key record; the other program is shown the one that holds a key"
	case len(s.tags.remarks) > 0:
		return "RFC 6376 section 6.1.1: a verifier must refuse a field that departs from the grammar (" + s.tags.remarks[0].Text + "); the other program is lenient there"
	case s.fault != "":
		return "RFC 6376 section 3.6.1: the key record must be ignored (" + s.fault + "); the other program reads the key in spite of it"
	case s.strict && s.otherIdentity():
		return "RFC 6376 section 3.6.1: with the flag s of the key the domain of i must be that of d"
	case s.Result == simulate.ResultPermError && !s.Expires.IsZero():
		return "RFC 6376 section 3.5: it had expired when the message arrived"
	case s.Second == simulate.ResultPermError && s.Result == simulate.ResultFail, s.Second == simulate.ResultFail && s.Result == simulate.ResultPermError:
		return "RFC 6376 section 6.1: the signature has several faults, and the other program meets another one first (" + s.SecondWhy + ")"
	case strings.Contains(strings.Join(s.Headers, ":"), "dkim-signature"):
		return "RFC 6376 section 3.5: the field that is verified is no part of what its tag h names"
	}
	return "the other program reads the signature otherwise: " + s.SecondWhy
}
