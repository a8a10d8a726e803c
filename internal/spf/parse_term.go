package spf

import (
	"net/netip"
	"strconv"
	"strings"
)

// parseTerm reads the term that starts at pos in its record.
func parseTerm(text string, pos int) Term {
	t := Term{Kind: KindUnknown, Text: text, Pos: pos, Bits4: 32, Bits6: 128}
	var l lexer
	l.characters(text, pos)

	body := text
	if strings.IndexByte("+-?~", text[0]) >= 0 {
		t.Qualifier, t.Explicit, body = text[0], true, text[1:]
	}
	sep := 0
	for sep < len(body) && body[sep] != ':' && body[sep] != '/' && body[sep] != '=' {
		sep++
	}
	t.Name = body[:sep]
	arg, argPos := body[sep:], pos+len(text)-len(body)+sep

	if strings.HasPrefix(arg, "=") {
		l.modifier(&t, arg[1:], argPos+1)
	} else {
		if !t.Explicit {
			t.Qualifier = Pass
		}
		l.mechanism(&t, arg, argPos)
	}
	t.Problems = l.problems
	return t
}

// characters reports what may stand in no term: only visible ASCII may.
func (l *lexer) characters(text string, pos int) {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			l.add(CodeCharacter, pos+i, pos+i+1, "", "character 0x%02X is not visible ASCII", text[i])
			return
		}
	}
}

// modifier reads a term that has "=" behind its name.
func (l *lexer) modifier(t *Term, value string, pos int) {
	end := t.Pos + len(t.Text)
	t.Qualifier = 0
	switch {
	case t.Explicit:
		l.add(CodeQualifier, t.Pos, t.Pos+1, t.Text[1:], "a modifier takes no qualifier")
		return
	case !isModifierName(t.Name):
		l.add(CodeModifierName, t.Pos, t.Pos+max(1, len(t.Name)), "", "%q cannot be the name of a modifier", t.Name)
		return
	}
	switch name := lower(t.Name); {
	case name == "redirect":
		t.Kind = KindRedirect
		t.Spec = l.spec(value, pos, roleDirective)
		l.instead(t, "redirect=", "")
	case name == "exp":
		t.Kind = KindExp
		t.Spec = l.spec(value, pos, roleExp)
		l.instead(t, "exp=", "")
	default:
		t.Kind = KindModifier
		t.Spec = l.spec(value, pos, roleModifier)
		known, near := nearest(name)
		switch {
		case near && known.Mechanism():
			instead := string(known)
			if value != "" && known != KindAll {
				instead += ":" + value
			}
			l.add(CodeAsModifier, t.Pos, end, instead, "%q is written as a modifier, which receivers ignore", t.Name)
		case name == "v":
			l.add(CodeVersionAgain, t.Pos, end, "", "the version stands in the record again")
		default:
			instead := ""
			if near {
				instead = string(known) + "=" + value
			}
			l.add(CodeUnknownModifier, t.Pos, end, instead, "modifier %q is not defined by RFC 7208, receivers ignore it", t.Name)
		}
	}
}

// mechanism reads a directive; arg starts with ":" or "/" or is empty.
func (l *lexer) mechanism(t *Term, arg string, pos int) {
	end := t.Pos + len(t.Text)
	target, hasTarget := strings.CutPrefix(arg, ":")
	if hasTarget {
		pos++
	}
	kind := Kind(lower(t.Name))
	switch kind {
	case KindAll:
		t.Kind = kind
		if arg != "" {
			l.add(CodeUnexpected, pos, end, t.Text[:len(t.Text)-len(arg)], "all takes no argument")
		}
	case KindInclude, KindExists, KindPTR:
		t.Kind = kind
		switch {
		case hasTarget:
			l.plainTarget(t, target, pos)
		case arg != "":
			l.add(CodeNoPrefixLength, pos, end, sound(t.Text[:len(t.Text)-len(arg)]), "%s takes no prefix length", kind)
		case kind != KindPTR:
			l.add(CodeMissingTarget, t.Pos, end, "", "%s needs a target", kind)
		}
		if kind == KindPTR {
			l.add(CodePtr, t.Pos, end, "", "the ptr mechanism is slow and many receivers skip it")
		}
		if kind == KindInclude && (t.Qualifier == Fail || t.Qualifier == Softfail) {
			l.add(CodeNegatedInclude, t.Pos, end, "", "what the included record lets pass is turned into a failure")
		}
	case KindA, KindMX:
		t.Kind = kind
		cidr := arg
		if hasTarget {
			target, cidr = cutPrefixLength(target)
			t.Spec = l.spec(target, pos, roleDirective)
			l.instead(t, string(kind)+":", cidr)
			pos += len(target)
		}
		l.dual(t, cidr, pos)
	case KindIP4, KindIP6:
		t.Kind = kind
		if !hasTarget {
			l.add(CodeMissingTarget, t.Pos, end, "", "%s needs an address", kind)
			return
		}
		l.address(t, target, pos)
	default:
		l.unknown(t, arg)
	}
}

// plainTarget reads a target that no prefix length may follow.
func (l *lexer) plainTarget(t *Term, target string, pos int) {
	name, cidr := cutPrefixLength(target)
	if cidr != "" && strings.Trim(cidr, "/0123456789") == "" {
		l.add(CodeNoPrefixLength, pos+len(name), pos+len(target), sound(t.Text[:len(t.Text)-len(cidr)]), "%s takes no prefix length", t.Kind)
		target = name
	}
	t.Spec = l.spec(target, pos, roleDirective)
	l.instead(t, lower(t.Name)+":", "")
}

// sound gives a term that is worth proposing: itself, or "" where it has a syntax
// error too.
func sound(term string) string {
	if parseTerm(term, 0).Fatal() {
		return ""
	}
	return term
}

// instead says what was probably meant by a target that is wrong in a way that
// tells it. prefix is the term up to its target, suffix what follows it.
func (l *lexer) instead(t *Term, prefix, suffix string) {
	qualifier := ""
	if t.Explicit {
		qualifier = string(t.Qualifier)
	}
	for i := range l.problems {
		switch l.problems[i].Code {
		case CodeAddressTarget:
			if t.Kind != KindA && t.Kind != KindMX && t.Kind != KindInclude && t.Kind != KindPTR {
				continue
			}
			addr, _ := addressOf(t.Spec.Raw)
			kind, length := "ip4:", suffix
			if addr.Is6() {
				kind, length = "ip6:", strings.TrimPrefix(suffix, "/")
			}
			if _, err := netip.ParsePrefix(addr.String() + length); length == "" || err == nil {
				l.problems[i].Instead = qualifier + kind + addr.String() + length
			}
		case CodeTrailingDot:
			l.problems[i].Instead = qualifier + prefix + strings.TrimSuffix(t.Spec.Raw, ".") + suffix
		}
	}
}

// unknown reports a term whose name is no mechanism, with what it resembles.
func (l *lexer) unknown(t *Term, arg string) {
	end := t.Pos + len(t.Text)
	qualifier := ""
	if t.Explicit {
		qualifier = string(t.Qualifier)
	}
	body := t.Text[len(qualifier):]
	instead := ""
	addr, bits, _ := strings.Cut(strings.TrimPrefix(body, "ip:"), "/")
	if a, ok := addressOf(addr); ok {
		kind := "ip4:"
		if a.Is6() {
			kind = "ip6:"
		}
		instead = qualifier + kind + a.String()
		if n, err := strconv.Atoi(bits); err == nil && 0 <= n && n <= a.BitLen() {
			instead += "/" + bits
		}
	} else if kind, ok := nearest(strings.Trim(lower(t.Name), ".,;\"'")); ok && (kind != KindAll || arg == "") {
		instead = qualifier + string(kind) + arg
		if !kind.Mechanism() {
			instead = string(kind) + "=" + strings.TrimPrefix(arg, ":")
		}
	}
	if instead != "" {
		instead = sound(instead)
	}
	l.add(CodeUnknownMechanism, t.Pos, end, instead, "%q is no mechanism", t.Name)
}

// nearest gives the known term name that equals name or is a likely slip of it.
func nearest(name string) (Kind, bool) {
	names := []Kind{KindAll, KindInclude, KindA, KindMX, KindPTR, KindIP4, KindIP6, KindExists, KindRedirect, KindExp}
	for _, k := range names {
		if name == string(k) {
			return k, true
		}
	}
	switch name {
	case "al", "ll", "alll", "aall", "alle":
		return KindAll, true
	case "ipv4", "ip4v", "ipv", "ip-4", "ip_4", "i4":
		return KindIP4, true
	case "ipv6", "ip6v", "ip-6", "ip_6", "i6":
		return KindIP6, true
	}
	if len(name) < 5 || len(name) > 12 {
		return "", false
	}
	for _, k := range names {
		if len(k) >= 6 && distance(name, string(k)) <= 2 {
			return k, true
		}
	}
	return "", false
}

// distance counts the single-letter edits between two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func isModifierName(s string) bool {
	for i := range len(s) {
		if !isAlpha(s[i]) && (i == 0 || !isDigit(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.') {
			return false
		}
	}
	return s != ""
}
