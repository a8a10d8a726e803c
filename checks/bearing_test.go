package checks

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestBearings holds what the three answers are derived from: each rule that can
// be high or worse bears on a question, or says why it bears on none.
func TestBearings(t *testing.T) {
	const longest = 60 // characters of words that stand in one line with others
	for _, r := range All() {
		grave := !High.Worse(r.Severity)
		switch {
		case len(r.Bears) > 0 && r.Bearless != "":
			t.Errorf("%s bears on a question, and says why it bears on none", r.ID)
		case grave && len(r.Bears) == 0 && r.Bearless == "":
			t.Errorf("%s can be %s, bears on no question and does not say why", r.ID, r.Severity)
		}
		for _, b := range r.Bears {
			switch {
			case !slices.Contains(Questions(), b.On):
				t.Errorf("%s: no such question %q", r.ID, b.On)
			case !slices.Contains(severities, b.From), b.From.Worse(r.Severity):
				t.Errorf("%s bears from %q on, and can be %s at worst", r.ID, b.From, r.Severity)
			case !slices.Contains([]Weight{Decides, Breaks, Partly, Beside}, b.Weight):
				t.Errorf("%s: no such weight %q", r.ID, b.Weight)
			case (b.On == Arrival) != slices.Contains([]Direction{MailTo, MailFrom}, b.Direction), b.On != Arrival && b.Direction != "":
				t.Errorf("%s: direction %q of %s", r.ID, b.Direction, b.On)
			case b.Shield != "" && (b.On != Transit || !slices.Contains(Shields(), b.Shield)):
				t.Errorf("%s: shield %q of %s", r.ID, b.Shield, b.On)
			case r.Topic(b) == "":
				t.Errorf("%s: nothing to call it by while it is unknown", r.ID)
			case b.Words == "":
				t.Errorf("%s has no words about %s", r.ID, b.On)
			}
			for _, words := range []string{b.Words, b.Good, b.About} {
				first, _ := utf8.DecodeRuneInString(words)
				word, _, _ := strings.Cut(words, " ")
				if utf8.RuneCountInString(words) > longest || strings.HasSuffix(words, ".") || strings.ContainsAny(words, "\n:;") ||
					unicode.IsUpper(first) && word != strings.ToUpper(word) { // a name, such as SPF, may stand first
					t.Errorf("%s: %q is not short and plain", r.ID, words)
				}
			}
		}
	}
}

func TestBearingOf(t *testing.T) {
	said := func(verdicts ...Verdict) Result { return Result{Verdicts: verdicts} }
	v := func(s Status, sev Severity, subject string) Verdict {
		return Verdict{Status: s, Severity: sev, Subject: subject}
	}
	one, all := Bearing{From: High}, Bearing{From: High, Everywhere: true}
	for _, tt := range []struct {
		name    string
		b       Bearing
		res     Result
		want    Status
		subject string
	}{
		{"nothing", one, said(), NotApplicable, ""},
		{"a failure", one, said(v(Pass, "", "a"), v(Fail, High, "b"), v(Unknown, Critical, "c")), Fail, "b"},
		{"the worst failure", one, said(v(Fail, High, "a"), v(Fail, Critical, "b")), Fail, "b"},
		{"too mild a failure", one, said(v(Fail, Medium, "a"), v(Pass, "", "b")), Pass, "b"},
		{"only too mild a failure", one, said(v(Fail, Medium, "a")), NotApplicable, ""},
		{"too mild an unknown", one, said(v(Unknown, Low, "a"), v(NotAsked, "", "b")), NotAsked, "b"},
		{"an unknown", one, said(v(Pass, "", "a"), v(Unknown, High, "b")), Unknown, "b"},
		{"failing here, passing there", all, said(v(Fail, High, "a"), v(Pass, "", "b")), Pass, "b"},
		{"unknown here, passing there", all, said(v(Unknown, High, "a"), v(Pass, "", "b")), Pass, "b"},
		{"failing here, unknown there", all, said(v(Fail, High, "a"), v(Unknown, High, "b")), Unknown, "b"},
		{"failing everywhere", all, said(v(Fail, High, "a"), v(Fail, High, "b"), v(NotApplicable, "", "c")), Fail, "a"},
		{"failing where it was asked", all, said(v(Fail, High, "a"), v(NotAsked, "", "b")), Fail, "a"},
	} {
		if got, verdict := tt.b.Of(tt.res); got != tt.want || verdict.Subject != tt.subject {
			t.Errorf("%s: %s of %q, want %s of %q", tt.name, got, verdict.Subject, tt.want, tt.subject)
		}
	}
}
