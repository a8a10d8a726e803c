package zone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A Change edits one RRset: records in Remove go, records in Add come. Data is
// in presentation format without owner, class and type, so other records of the
// same RRset survive (an SPF record can change while verification tokens stay).
type Change struct {
	Owner  string   `json:"owner"` // absolute name without the final dot, lower case
	Type   string   `json:"type"`
	Remove []string `json:"remove,omitempty"` // data; "*" removes the whole RRset
	Add    []string `json:"add,omitempty"`
	TTL    uint32   `json:"ttl"` // of what is added, in seconds
}

// Check says why c cannot be applied: a bad owner, type or data to add.
func (c Change) Check() error {
	if !validName(c.Owner) {
		return fmt.Errorf("change of %q: not a domain name", c.Owner)
	}
	if _, ok := typeName(c.Type); !ok {
		return fmt.Errorf("change of %s: %q is not a record type", c.Owner, c.Type)
	}
	for _, data := range c.Add {
		if _, why := parseData(c.Owner, c.Type, data, c.TTL); why != "" {
			return fmt.Errorf("change of %s: %s", c.Owner, why)
		}
	}
	return nil
}

// Apply gives the records after the changes, made one after the other; records
// that a change is not about stay. Records are lines as Record.String gives them,
// and so is the result, sorted. Data is compared in its one canonical spelling,
// host names in it without regard to case, TXT strings as they are cut. What is
// there already is not added a second time, and data that is not valid for its
// type (see Check) is not added at all.
func Apply(records []string, changes []Change) []string {
	out := slices.Clone(records)
	for _, c := range changes {
		owner := Name(c.Owner)
		rrtype, _ := typeName(c.Type)
		gone := map[string]bool{}
		for _, data := range c.Remove {
			gone[dataKey(owner, rrtype, data)] = true
		}
		all := slices.Contains(c.Remove, "*")
		present := map[string]bool{}
		out = slices.DeleteFunc(out, func(s string) bool {
			f := strings.SplitN(s, "\t", 5)
			if len(f) != 5 || f[3] != rrtype || Name(f[0]) != owner {
				return false
			}
			key := dataKey(owner, rrtype, f[4])
			if all || gone[key] {
				return true
			}
			present[key] = true
			return false
		})
		for _, data := range c.Add {
			r, why := parseData(owner, rrtype, data, c.TTL)
			if key := dataKey(owner, rrtype, data); why == "" && !present[key] {
				present[key] = true
				out = append(out, r.String())
			}
		}
	}
	slices.Sort(out)
	return out
}

// Records gives what c adds, as lines of zone text with absolute names; data that
// is not valid for its type is shown as it stands.
func (c Change) Records() []string { return c.lines(c.Add) }

// Removed gives what c removes, as Records does. The whole RRset is the data "*".
func (c Change) Removed() []string { return c.lines(c.Remove) }

func (c Change) lines(data []string) []string {
	var out []string
	for _, d := range data {
		if r, why := parseData(c.Owner, c.Type, d, c.TTL); why == "" && d != "*" {
			out = append(out, r.String())
		} else {
			out = append(out, line(Name(c.Owner), c.TTL, c.Type, d))
		}
	}
	return out
}

// String gives the change as zone text: what goes as comments, then what comes
// as records. Each line ends in a newline.
func (c Change) String() string {
	var b strings.Builder
	for _, s := range c.Removed() {
		f := strings.SplitN(s, "\t", 5)
		b.WriteString("; remove: " + f[0] + " IN " + f[3] + " " + f[4] + "\n")
	}
	for _, s := range c.Records() {
		b.WriteString(strings.ReplaceAll(s, "\t", " ") + "\n")
	}
	return b.String()
}

// Plain tells the change in words, a line for each record, for those who type
// records into a form: names without the final dot, TXT strings joined and
// without quotes and escapes.
func (c Change) Plain() []string {
	name := strings.TrimSuffix(Name(c.Owner), ".")
	var out []string
	for _, data := range c.Remove {
		if data == "*" {
			out = append(out, fmt.Sprintf("remove all %s records of %s", c.Type, name))
		} else {
			out = append(out, fmt.Sprintf("remove the %s record of %s: %s", c.Type, name, c.plainData(data)))
		}
	}
	for _, data := range c.Add {
		out = append(out, fmt.Sprintf("add a %s record to %s, TTL %d: %s", c.Type, name, c.TTL, c.plainData(data)))
	}
	return out
}

func (c Change) plainData(data string) string {
	rr, why := parseRR(c.Owner, c.Type, data, c.TTL)
	if txt, ok := rr.(*dns.TXT); ok && why == "" {
		return unescape(strings.Join(txt.Txt, ""))
	}
	return data
}

// dataKey is what data is compared by.
func dataKey(owner, rrtype, data string) string {
	r, why := parseData(owner, rrtype, data, 0)
	if why != "" {
		return data
	}
	switch rrtype {
	case "TXT", "SPF", "CAA", "NAPTR", "HINFO", "URI":
		return r.Data
	}
	return strings.ToLower(r.Data)
}

func parseData(owner, rrtype, data string, ttl uint32) (Record, string) {
	rr, why := parseRR(owner, rrtype, data, ttl)
	if why != "" {
		return Record{}, why
	}
	return recordOf(rr), ""
}

func parseRR(owner, rrtype, data string, ttl uint32) (dns.RR, string) {
	sc := scanner{text: " " + data, line: 1}
	e, _ := sc.next()
	if _, more := sc.next(); more {
		return nil, "more than one line of data"
	}
	if e.fault != "" {
		return nil, e.fault
	}
	return newRR(absolute(Name(owner)), ttl, rrtype, e.words, ".")
}

// unescape undoes \DDD and \X.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if i+2 < len(s) && isDigit(s[i]) && isDigit(s[i+1]) && isDigit(s[i+2]) {
				b.WriteByte((s[i]-'0')*100 + (s[i+1]-'0')*10 + s[i+2] - '0')
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
