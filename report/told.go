package report

import (
	"net/netip"
	"slices"
	"strings"
)

// A told is what is said once: findings of one rule, alike in severity and, but for
// the name of the host, in words. Its Finding is the first of them, with the keys,
// the evidence and the cost of all.
type told struct {
	Finding
	subjects []subject
	named    bool // the message names the subject where it has a place for it
}

// A subject is a name, or an address without one, and which of its addresses are
// meant; none where all are.
type subject struct {
	name  string
	addrs []string
}

// tellOnce joins findings that say the same, in the order of the first of each: per
// address of one host, and per host where only the names differ, nothing is told
// twice.
func tellOnce(d *Domain) []told {
	var out []told
	at := map[[3]string]int{}
	for _, f := range d.Findings {
		name, addrs, _ := strings.Cut(f.Subject, " [")
		if name == d.Name && addrs == "" {
			name = ""
		}
		form, named := f.Message, false
		if name != "" {
			form, named = replaceName(f.Message, name, "\x00")
		}
		id := [3]string{f.Rule, f.Severity, form}
		i, again := at[id]
		if !again {
			i = len(out)
			at[id] = i
			f.Evidence = slices.Clone(f.Evidence)
			out = append(out, told{Finding: f, named: named})
		} else {
			t := &out[i]
			t.Cost += f.Cost
			if !slices.Contains(strings.Split(t.Key, ", "), f.Key) {
				t.Key = strings.Trim(t.Key+", "+f.Key, ", ")
			}
			for _, ref := range f.Evidence {
				if !slices.Contains(t.Evidence, ref) {
					t.Evidence = append(t.Evidence, ref)
				}
			}
		}
		out[i].add(name, strings.TrimSuffix(addrs, "]"))
	}
	for i := range out {
		out[i].settle()
	}
	return out
}

// add notes one more subject.
func (t *told) add(name, addr string) {
	if name == "" {
		return
	}
	i := slices.IndexFunc(t.subjects, func(s subject) bool { return s.name == name })
	if i < 0 {
		i = len(t.subjects)
		t.subjects = append(t.subjects, subject{name: name})
	}
	if addr != "" && !slices.Contains(t.subjects[i].addrs, addr) {
		t.subjects[i].addrs = append(t.subjects[i].addrs, addr)
	}
}

// settle puts a word for all names into a message that holds the name of the first.
func (t *told) settle() {
	if t.named && len(t.subjects) > 1 {
		t.Message, _ = replaceName(t.Message, t.subjects[0].name, t.each())
	}
}

// each is the word that stands for every one of several subjects of a kind.
func (t *told) each() string {
	if _, err := netip.ParseAddr(t.subjects[0].name); err != nil {
		return "HOST"
	}
	return "ADDRESS"
}

// place says of what the message is told, "" where it is the domain. few joins
// names, and may leave the last ones out.
func (t *told) place(few func([]string) string) string {
	if len(t.subjects) == 0 {
		return ""
	}
	names := make([]string, len(t.subjects))
	for i, s := range t.subjects {
		names[i] = s.name
		if len(s.addrs) > 0 {
			names[i] += " [" + strings.Join(s.addrs, ", ") + "]"
		}
	}
	words := few(names)
	if t.named && len(t.subjects) > 1 {
		words += ", each as " + t.each()
	}
	return words
}

// saysItself reports whether the message needs no place before it: it is about one
// host and names that. An address that it names may be part of a term.
func (t *told) saysItself() bool {
	return t.named && len(t.subjects) == 1 && len(t.subjects[0].addrs) == 0 && t.each() == "HOST"
}

// replaceName puts a word wherever a text has a name as a whole, and reports
// whether it has.
func replaceName(text, name, word string) (string, bool) {
	part := func(b byte) bool {
		return b == '-' || b == '_' || '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z' || b >= 0x80
	}
	var out strings.Builder
	found := false
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			out.WriteString(text[from:])
			return out.String(), found
		}
		start, end := from+i, from+i+len(name)
		before := start > 0 && (part(text[start-1]) || text[start-1] == '.')
		after := end < len(text) && (part(text[end]) || text[end] == '.' && end+1 < len(text) && part(text[end+1]))
		out.WriteString(text[from:start])
		if before || after {
			out.WriteString(name)
		} else {
			out.WriteString(word)
			found = true
		}
		from = end
	}
}
