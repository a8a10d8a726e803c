package audit_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// A mutator changes recordings in ways that keep their form, so that most of them
// load: what stands in a recording is moved, doubled, taken away or put in the place
// of something else of its kind.
type mutator struct {
	*rand.Rand
	words []string // texts of recordings, to put into others
}

// hostileTexts are put where a text of a stranger may stand.
func hostileTexts() []string {
	return []string{
		"", ".", "..", "-", "@", "a", "A.EXAMPLE.COM.", "example.com", "xn--", "xn--a", "127.0.0.1", "::1", "[192.0.2.1]", "192.0.2.300",
		"a|id>FILE|b.example.com", "$(id).example.com", "`id`.example.com", "a;id;.example.com", "'\"><script>alert(1)</script>",
		"\x1b[31mred", "\x00", "\u202ereversed\u202c", "\u2028", "\ufeff", "\U000e0041", "\xff\xfe", "\\", "\\0", "\\000", `\300\000`, `"`, `""`, "\"a", "%", "%{s}", "%{d99r}", "%%%", "{host}{domain}",
		"v=spf1", "v=spf1 include: -all", "v=spf1 a:%{l1r- mx/33//129 exists:%{i}.x ~all", "v=DMARC1; p=", "v=DMARC1;;;; p=none; rua=mailto:,!10m", "v=DKIM1; p=AAAA; h=:", "v=STSv1; id=;", "v=TLSRPTv1; rua=", "v=BIMI1; l=; a=",
		strings.Repeat("a.", 126) + "a", strings.Repeat("x", 300), strings.Repeat("(", 200), strings.Repeat("v=spf1 ", 600),
		"$INCLUDE /etc/passwd", "$ORIGIN .", "; comment", "( ) (", "2026-13-45", "99999999999999999999", "-1",
	}
}

// mutate changes a decoded recording in n places.
func (m *mutator) mutate(tape map[string]any, n int) {
	if m.IntN(4) == 0 {
		m.everywhere(tape)
	}
	for range n {
		switch m.IntN(12) {
		case 0:
			m.entries(tape)
		case 1, 2, 3:
			m.record(tape)
		case 4, 5, 6:
			m.exchange(tape)
		case 7:
			m.options(tape)
		default:
			sections := slices.Sorted(maps.Keys(tape))
			sections = slices.DeleteFunc(sections, func(s string) bool { return !slices.Contains([]string{"dns", "pages", "sessions"}, s) })
			if len(sections) > 0 {
				s := sections[m.IntN(len(sections))]
				m.anywhere(tape[s], s)
			}
		}
	}
}

// everywhere changes all answers of one kind in the same way.
func (m *mutator) everywhere(tape map[string]any) {
	section := []string{"dns", "dns", "dns", "pages", "sessions"}[m.IntN(5)]
	entries, _ := tape[section].(map[string]any)
	_, about := m.one(tape, section)
	if m.IntN(2) == 0 { // those of one type of record, or all
		about, _, _ = strings.Cut(about, " ")
	} else {
		about = ""
	}
	fields := [][2]any{
		{"rcode", []any{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "RCODE12", "", m.text()}[m.IntN(8)]},
		{"fail", map[string]any{"kind": []any{"timeout", "servfail", "refused", "deadline", "not-on-tape", "", "other"}[m.IntN(7)], "text": m.text()}},
		{"fail", nil},
		{"answer", nil},
		{"ms", 0},
		{"tls", nil},
		{"exchanges", nil},
		{"body", nil},
		{"status", []any{0, 200, 404, -5}[m.IntN(4)]},
		{"tcp_failed", true},
		{"truncated", true},
		{"assumed", true},
		{"from", nil},
		{"authority", nil},
	}
	drop := m.IntN(5) == 0
	field := fields[m.IntN(len(fields))]
	for key, e := range entries {
		e, _ := e.(map[string]any)
		name := field[0].(string)
		switch suits := map[string]string{"tls": "pages sessions", "exchanges": "sessions", "body": "pages", "status": "pages", "fail": "dns pages sessions", "ms": "dns pages sessions"}[name]; {
		case !strings.HasPrefix(key, about):
		case drop:
			delete(entries, key)
		case suits == "" && section != "dns", suits != "" && !strings.Contains(suits, section): // it would not load
		case field[1] == nil:
			delete(e, name)
		default:
			e[name] = clone(field[1])
		}
	}
}

// one gives an entry of a section, nil where there is none.
func (m *mutator) one(tape map[string]any, section string) (map[string]any, string) {
	entries, _ := tape[section].(map[string]any)
	keys := slices.Sorted(maps.Keys(entries))
	if len(keys) == 0 {
		return nil, ""
	}
	return entries, keys[m.IntN(len(keys))]
}

// entries takes an answer away, or lets one stand for another.
func (m *mutator) entries(tape map[string]any) {
	section := []string{"dns", "dns", "pages", "sessions"}[m.IntN(4)]
	entries, key := m.one(tape, section)
	if entries == nil {
		return
	}
	if m.IntN(3) == 0 {
		delete(entries, key)
		return
	}
	_, other := m.one(tape, section)
	if m.IntN(2) == 0 {
		entries[key], entries[other] = entries[other], entries[key]
	} else {
		entries[key] = clone(entries[other])
	}
}

// record changes one record of a DNS answer, or how many there are.
func (m *mutator) record(tape map[string]any) {
	entries, key := m.one(tape, "dns")
	answer, _ := entries[key].(map[string]any)
	list, _ := answer["answer"].([]any)
	if m.IntN(8) == 0 {
		answer["rcode"] = []string{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", ""}[m.IntN(5)]
		return
	}
	if len(list) == 0 {
		_, other := m.one(tape, "dns")
		if from, _ := entries[other].(map[string]any); from != nil && from["answer"] != nil && answer != nil {
			answer["answer"] = clone(from["answer"])
		}
		return
	}
	i := m.IntN(len(list))
	f := strings.SplitN(list[i].(string), "\t", 5)
	if len(f) < 5 {
		return
	}
	switch m.IntN(7) {
	case 0:
		answer["answer"] = slices.Delete(slices.Clone(list), i, i+1)
		return
	case 1:
		for range 1 + m.IntN(40) {
			list = append(list, strings.Join(f[:4], "\t")+"\t"+m.bytes(f[4]))
		}
		answer["answer"] = list
		return
	case 2:
		f[0] = m.name(f[0])
	case 3:
		f[3] = []string{"A", "AAAA", "MX", "TXT", "CNAME", "NS", "SOA", "PTR", "SPF", "CAA", "TYPE65534"}[m.IntN(11)]
	case 4:
		f[4] = m.bytes(f[4])
	default:
		switch f[3] {
		case "MX":
			f[4] = []string{"0 .", "10 " + m.name(""), "65535 " + m.name(""), "10 192.0.2.1."}[m.IntN(4)]
		case "TXT":
			f[4] = `"` + strings.NewReplacer(`"`, `\"`, "\t", " ", "\n", " ", "\r", " ", "\x00", `\000`).Replace(m.text()) + `"`
		case "A", "AAAA":
			f[4] = []string{"0.0.0.0", "127.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::ffff:192.0.2.1", "2001:db8::1", "fe80::1"}[m.IntN(8)]
		default:
			f[4] = m.name(f[4])
		}
	}
	list[i] = strings.Join(f, "\t")
}

// name gives a domain name in presentation format, of whatever kind.
func (m *mutator) name(old string) string {
	if m.IntN(3) == 0 && old != "" {
		return m.bytes(old)
	}
	n := strings.NewReplacer("\t", `\009`, "\n", `\010`, "\r", `\013`, " ", `\032`).Replace(m.text())
	if n == "" || n[0] == '$' {
		n = "x" + n
	}
	return strings.TrimSuffix(n, ".") + "."
}

// exchange changes the course of a conversation.
func (m *mutator) exchange(tape map[string]any) {
	entries, key := m.one(tape, "sessions")
	s, _ := entries[key].(map[string]any)
	list, _ := s["exchanges"].([]any)
	if len(list) == 0 {
		return
	}
	i, k := m.IntN(len(list)), m.IntN(len(list))
	x, _ := list[i].(map[string]any)
	switch m.IntN(9) {
	case 0:
		s["exchanges"] = slices.Delete(slices.Clone(list), i, i+1)
	case 1:
		list[i], list[k] = list[k], list[i]
	case 2:
		s["exchanges"] = append(list, clone(list[i]))
	case 3:
		s["exchanges"] = list[:i]
	case 4:
		x["stage"] = []string{"connect", "banner", "ehlo", "helo", "starttls", "tls", "ehlo-tls", "mail", "rcpt", "rset", "quit", "", "other"}[m.IntN(13)]
	case 5:
		delete(x, "reply")
	case 6:
		delete(s, "tls")
	case 7:
		s["fail"] = map[string]any{"kind": []string{"timeout", "tls", "reset", "refused", "protocol", "limit", "deadline", ""}[m.IntN(8)], "text": m.text()}
	default:
		if r, _ := x["reply"].(map[string]any); r != nil {
			r["code"] = []any{0, 1, 99, 200, 220, 221, 250, 334, 354, 421, 450, 500, 502, 521, 550, 554, 999}[m.IntN(17)]
		}
	}
}

// options changes what the recorded run was asked for.
func (m *mutator) options(tape map[string]any) {
	all, _ := tape["options"].(map[string]any)
	targets, _ := all["targets"].([]any)
	if len(targets) == 0 {
		return
	}
	target, _ := targets[0].(map[string]any)
	o, _ := target["options"].(map[string]any)
	switch m.IntN(9) {
	case 0:
		o["selectors"] = []any{m.text(), m.text()}
	case 1:
		o["profile"] = []string{"full", "receive-only", "send-only", "no-mail", "auto", ""}[m.IntN(6)]
	case 2:
		o["subdomains"] = []any{"www." + target["domain"].(string), m.text()}
	case 3:
		o["skip"] = []any{[]string{"spf", "dmarc", "dkim", "mx", "tls", "transport", "reputation", ""}[m.IntN(8)]}
	case 4:
		for _, key := range []string{"no_smtp", "no_servers", "offline", "deep", "allow_private", "zone_keys_whole", "policy_assumed"} {
			if m.IntN(2) == 0 {
				o[key] = true
			}
		}
	case 5:
		o["ehlo"], o["relay_from"], o["relay_rcpt"], o["control"] = m.text(), m.text(), m.text(), m.text()
	case 6:
		tape["at"] = []string{"0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2126-01-01T00:00:00Z"}[m.IntN(4)]
	case 7:
		o["zone_slips"] = []any{map[string]any{"Kind": m.text(), "Owner": m.text(), "Line": -1, "Said": m.text(), "Meant": m.text()}}
	default:
		all["targets"] = append(targets, clone(targets[0]))
	}
}

// anywhere changes one value somewhere below v, whose key is given.
func (m *mutator) anywhere(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 {
			return v
		}
		k := keys[m.IntN(len(keys))]
		if m.IntN(12) == 0 {
			delete(v, k)
		} else {
			v[k] = m.anywhere(v[k], k)
		}
		return v
	case []any:
		if len(v) == 0 {
			return v
		}
		i := m.IntN(len(v))
		switch m.IntN(8) {
		case 0:
			return slices.Delete(slices.Clone(v), i, i+1)
		case 1:
			return append(v, clone(v[m.IntN(len(v))]))
		}
		v[i] = m.anywhere(v[i], key)
		return v
	case bool:
		return !v
	case json.Number:
		return []any{0, 1, 2, 65535, 2147483647}[m.IntN(5)]
	case string:
		switch key {
		case "chain", "body":
			raw, _ := base64.StdEncoding.DecodeString(v)
			return base64.StdEncoding.EncodeToString([]byte(m.bytes(string(raw))))
		case "answer", "authority", "additional":
			f := strings.SplitN(v, "\t", 5)
			f[len(f)-1] = m.bytes(f[len(f)-1])
			return strings.Join(f, "\t")
		case "local":
			return []string{"192.0.2.1", "::1", "0.0.0.0", ""}[m.IntN(4)]
		}
		if m.IntN(2) == 0 {
			return m.text()
		}
		return m.bytes(v)
	}
	return v
}

// text gives a text of a stranger: hostile, or one that stood elsewhere.
func (m *mutator) text() string {
	if m.IntN(3) == 0 && len(m.words) > 0 {
		return m.words[m.IntN(len(m.words))]
	}
	h := hostileTexts()
	return h[m.IntN(len(h))]
}

// bytes changes a text by a byte or a piece. Line breaks and tabs, which part
// records, do not come in.
func (m *mutator) bytes(s string) string {
	b := []byte(s)
	for range 1 + m.IntN(3) {
		at := m.IntN(len(b) + 1)
		end := at + m.IntN(min(len(b)-at, 12)+1)
		switch m.IntN(4) {
		case 0:
			b = slices.Delete(b, at, end)
		case 1:
			b = slices.Insert(b, at, b[at:end]...)
		case 2:
			b = slices.Insert(b, at, []byte(`"\;:=./@%-_ ()<>|$`)[m.IntN(18)])
		default:
			if at < len(b) {
				if c := byte(m.IntN(256)); c != '\t' && c != '\r' && c != '\n' {
					b[at] = c
				}
			}
		}
	}
	return string(b)
}

// clone copies a decoded value.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = clone(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = clone(x)
		}
		return out
	}
	return v
}

// strings of a decoded value, for other mutants.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, texts(v[k])...)
		}
	case []any:
		for _, x := range v {
			out = append(out, texts(x)...)
		}
	case string:
		if len(v) < 300 {
			out = append(out, v)
		}
	}
	return out
}
