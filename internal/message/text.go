package message

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mxvet/internal/simulate"
	"mxvet/report"
)

// Text writes a result for people. With quiet only result and findings.
func (r *Result) Text(l *report.Lines, quiet bool) {
	l.Head("MESSAGE", "%s (%s), checked %s UTC", r.File, size(r.Size), r.At.UTC().Format(time.DateTime))
	for _, note := range r.Notes {
		l.Head("", "%s", note)
	}
	l.Head("RESULT", "%s: %s", strings.ToUpper(string(r.Verdict)), r.Why)
	if !quiet {
		l.Blank()
		r.textHeader(l)
		l.Blank()
		r.textPath(l)
		l.Blank()
		r.textSignatures(l)
		l.Blank()
		shown := r.Decision
		if p := r.Path; p.Unknown != "" && shown.SPF.Why == p.Unknown {
			shown.SPF.Why = "see PATH"
		}
		shown.Text(l)
		r.textReports(l)
		r.textARC(l)
	}
	r.textFindings(l)
	if !quiet {
		r.textFixes(l)
	}
}

// textFixes writes the records that would mend what was found.
func (r *Result) textFixes(l *report.Lines) {
	for i, f := range r.Fixes {
		l.Blank()
		l.Head("FIX "+strconv.Itoa(i+1), "%s", f.Title)
		l.Say(2, "first: %s", f.Needs)
		for _, line := range f.Records {
			l.Verbatim(2, line)
		}
		for _, line := range f.Replaces {
			l.Verbatim(2, "replaces "+line)
		}
		if f.Verified {
			l.Say(2, "verified: checked again with this record, the message passes %s", strings.ToUpper(f.For))
		} else {
			l.Say(2, "not verified: checked again with this record, the message does not pass %s", strings.ToUpper(f.For))
		}
	}
}

func (r *Result) textHeader(l *report.Lines) {
	from := strings.Join(r.Author.Addresses[:min(len(r.Author.Addresses), 5)], ", ")
	if r.Author.Domain == "" {
		from += " (" + r.Author.Why + ")"
	}
	l.Head("From", "%s", from)
	for _, f := range []struct{ name, value string }{{"Subject", r.Subject}, {"Date", r.Date}, {"Message-ID", r.MessageID}} {
		if f.value != "" {
			l.Head(f.name, "%s", f.value)
		}
	}
}

func (r *Result) textPath(l *report.Lines) {
	p := r.Path
	switch {
	case p.IP.IsValid():
		helo := p.Helo
		if helo == "" {
			helo = "not known"
		}
		l.Head("PATH", "client %s, HELO %s", p.IP, cut(helo))
		l.Say(2, "address from %s", p.IPFrom)
		if p.Doubt != "" && r.border.known {
			l.Say(2, "this is a guess (%s); --by names your own servers, --ip the client", p.Doubt)
		} else if p.IPFrom != "--ip" && p.Sure && !r.border.named {
			l.Say(2, "right if that server is yours and the mail came in through it; else --by names your servers, --ip the client")
		}
	default:
		l.Head("PATH", "no client address is known")
	}
	switch {
	case p.From != "" && p.Sender == "":
		l.Say(2, "MAIL FROM <> from %s", p.From)
	case p.From != "":
		l.Say(2, "MAIL FROM <%s> from %s", cut(p.Sender), p.From)
	}
	if p.Unknown != "" {
		l.Say(2, "%s", p.Unknown)
	}
	r.textHops(l)
}

// maxTextHops bounds the hops that text shows; JSON has all.
const maxTextHops = 12

// textHops writes the hops, the newest first, if there are several.
func (r *Result) textHops(l *report.Lines) {
	if len(r.Hops) < 2 {
		return
	}
	rows := r.picture()
	for i, row := range slices.Backward(rows) {
		n := len(rows) - i
		if n > maxTextHops {
			l.Say(2, "%s: see -o json", count(len(r.Hops)-maxTextHops, "older hop"))
			return
		}
		l.Row(2, []int{2}, strconv.Itoa(n), row.Words)
	}
}

func (r *Result) textSignatures(l *report.Lines) {
	if len(r.Signatures) == 0 {
		l.Head("DKIM", "no signature")
		return
	}
	l.Head("DKIM", "%s", count(len(r.Signatures)+r.More, "signature"))
	for _, s := range r.Signatures {
		text := fmt.Sprintf("d=%s s=%s %s", s.Domain, cut(s.Selector), cut(s.Algorithm))
		if s.KeyBits > 0 {
			text += fmt.Sprintf(", %d bits", s.KeyBits)
		}
		if s.Canonical != "" {
			text += ", " + cut(s.Canonical)
		}
		result := s.Result
		if result == "" {
			result = "unknown"
		}
		l.Row(2, []int{9}, result, text)
		if s.Why != "" {
			l.Say(13, "%s", s.Why)
		}
		if s.Lenient != "" {
			l.Say(13, "a receiver that overlooks this: %s", s.Lenient)
		}
		for i, remark := range s.Remarks {
			if i == 3 {
				l.Say(13, "%s: see -o json", count(len(s.Remarks)-i, "more remark"))
				break
			}
			switch {
			case remark.Text == s.Why:
			case remark.Pos > 0:
				l.Say(13, "at character %d: %s", remark.Pos+1, remark.Text)
			default:
				l.Say(13, "%s", remark.Text)
			}
		}
		if s.Differ != "" {
			l.Say(13, "second opinion: %s. %s", s.Second, s.Differ)
		}
	}
	if r.More > 0 {
		l.Say(2, "%s, neither listed nor verified", count(r.More, "more signature"))
	}
}

func (r *Result) textReports(l *report.Lines) {
	for i, rep := range r.Reports {
		if i == 0 {
			l.Blank()
			l.Head("OTHERS", "what Authentication-Results fields say")
		}
		trust := "not trusted"
		if rep.Trusted {
			trust = "trusted"
		}
		l.Say(2, "%s: %s: %s", rep.ID, trust, rep.Why)
		rep.claims(l, 4)
	}
}

// claims writes what a report says beside our own results.
func (rep Report) claims(l *report.Lines, indent int) {
	if rep.Broken != "" {
		l.Say(indent, "cannot be read whole: %s", rep.Broken)
	}
	for _, c := range rep.Claims {
		ours := ""
		switch {
		case c.Ours != "" && c.Agrees:
			ours = ": we agree"
		case c.Ours != "":
			ours = ": here " + c.Ours
		}
		l.Row(indent, []int{5, 9}, c.Method, c.Result, c.About+ours)
	}
}

func (r *Result) textARC(l *report.Lines) {
	if len(r.ARC.Sets) == 0 {
		return
	}
	l.Blank()
	l.Head("ARC", "%s, chain: %s", count(len(r.ARC.Sets), "set"), r.ARC.Result)
	if r.ARC.Why != "" {
		l.Say(2, "%s", r.ARC.Why)
	}
	if r.ARC.Oldest > 0 {
		l.Say(2, "the message is as it was when set %d was added; older message signatures do not hold", r.ARC.Oldest)
	}
	for _, s := range r.ARC.Sets {
		seal := s.Seal
		if seal == "" {
			seal = "not verified"
		}
		by := "sealed by"
		if seal != simulate.ResultPass {
			by = "in the name of" // whoever sealed it
		}
		text := fmt.Sprintf("%d  %s %s, with cv=%s; seal: %s", s.Instance, by, s.Domain, cut(s.Claim), seal)
		if s.Message != "" {
			text += ", message signature: " + s.Message
		}
		l.Say(2, "%s", text)
		for _, remark := range s.Remarks[:min(len(s.Remarks), 3)] {
			l.Say(5, "%s", remark.Text)
		}
		if s.Said != nil {
			s.Said.claims(l, 5)
		}
	}
	l.Say(2, "seals change nothing in the result above: a receiver may believe a forwarder that it knows")
}

func (r *Result) textFindings(l *report.Lines) {
	found := r.failed()
	for i, f := range found {
		if i == 0 {
			l.Blank()
			l.Head("FOUND", "mxvet explain RULE says how to mend it")
		}
		l.Row(2, []int{8}, strings.ToUpper(string(f.Severity)), f.Rule+": "+f.Message)
	}
	for i, f := range r.unknown() {
		if i == 0 {
			l.Blank()
			l.Head("UNKNOWN", "could not be judged")
		}
		l.Say(2, "%s: %s", f.Rule, f.Message)
	}
	if d := r.Author.Domain; d != "" && (r.Decision.SPF.Result != "" && r.Decision.SPF.Result != "pass" || r.Verdict != simulate.Pass) {
		l.Blank()
		l.Head("NEXT", "mxvet audit %s judges the records of the domain, and shows what mends them", d)
	}
	if len(found) == 0 && r.Verdict == simulate.Pass {
		l.Blank()
		l.Head("FOUND", "nothing to mend")
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
