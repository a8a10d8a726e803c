package fakenet

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"go.yaml.in/yaml/v3"
)

// A world may begin from an embedded one and say only what is different: its
// section "base" names that world. Sections of the same name replace those of
// the base, but
//
//   - options: a key replaces the key of the base;
//   - hosts.yaml: a host replaces the hosts of that name, and keeps their
//     addresses unless it names its own; a list under dnsbl replaces the list of
//     that zone; a setting replaces the setting;
//   - patch: lines "- OWNER TYPE" take RRsets out of the base's zones,
//     "- OWNER" all records of a name, "-host NAME" a host; all other lines are
//     zone text and come in. Names without a final dot belong to the domain that
//     the world is audited for: the first of its own options, else the base's.
//
// want and never are never taken over. The base may have a base of its own.
func (w *World) readBase(sections []section) ([]section, error) {
	return w.readBelow(sections, func(string) bool { return false })
}

// readBelow reads the worlds below the sections, deepest first, and gives the
// sections that are left to read. Those that a world further up replaces are left
// out.
func (w *World) readBelow(sections []section, replaced func(name string) bool) ([]section, error) {
	i := slices.IndexFunc(sections, func(s section) bool { return s.name == "base" })
	if i < 0 {
		return sections, nil
	}
	name := strings.TrimSpace(string(sections[i].data))
	text, err := embedded.ReadFile("worlds/" + name + ".txtar")
	if err != nil {
		return nil, fmt.Errorf("line %d: no world %q to begin from", sections[i].line, name)
	}
	own := slices.Delete(slices.Clone(sections), i, i+1)
	gone := func(name string) bool {
		return replaced(name) || name != "hosts.yaml" && name != "options" && name != "patch" &&
			slices.ContainsFunc(own, func(o section) bool { return o.name == name })
	}
	_, below := split(text)
	if below, err = w.readBelow(below, gone); err != nil {
		return nil, fmt.Errorf("base %s: %w", name, err)
	}
	for _, s := range below {
		if gone(s.name) || s.name == "want" || s.name == "never" {
			continue
		}
		if err := w.section(s); err != nil {
			return nil, fmt.Errorf("base %s: %w", name, err)
		}
	}
	for _, s := range own { // a patch needs the domain
		if s.name == "options" {
			if err := w.mergeOptions(s); err != nil {
				return nil, err
			}
		}
	}
	rest := own[:0:0]
	for _, s := range own {
		switch s.name {
		case "options":
		case "hosts.yaml":
			err = w.mergeHosts(s)
		case "patch":
			err = w.patch(s)
		default:
			rest = append(rest, s)
		}
		if err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func (w *World) mergeHosts(s section) error {
	base, lists := w.hosts.Hosts, w.hosts.DNSBL
	w.hosts.Hosts, w.hosts.DNSBL = nil, nil
	if err := s.strict(&w.hosts); err != nil {
		return err
	}
	for _, l := range lists {
		if !slices.ContainsFunc(w.hosts.DNSBL, func(o dnsblSpec) bool { return fqdn(o.Zone) == fqdn(l.Zone) }) {
			w.hosts.DNSBL = append(w.hosts.DNSBL, l)
		}
	}
	own := w.hosts.Hosts
	for _, h := range own {
		if len(h.Addrs) == 0 {
			for _, b := range base {
				if b.Name == h.Name {
					h.Addrs = append(h.Addrs, b.Addrs...)
				}
			}
		}
	}
	base = slices.DeleteFunc(slices.Clone(base), func(b *hostSpec) bool {
		return slices.ContainsFunc(own, func(h *hostSpec) bool { return h.Name == b.Name })
	})
	w.hosts.Hosts = append(base, own...)
	return nil
}

func (w *World) mergeOptions(s section) error {
	merged, own := map[string]any{}, map[string]any{}
	if err := yaml.Unmarshal(w.Options, &merged); err != nil {
		return fmt.Errorf("options: %w", err)
	}
	if err := yaml.Unmarshal(s.padded(), &own); err != nil {
		return fmt.Errorf("options: %w", err)
	}
	if own["domain"] != nil || own["domains"] != nil {
		delete(merged, "domain")
		delete(merged, "domains")
	}
	maps.Copy(merged, own)
	text, err := yaml.Marshal(merged)
	if err != nil {
		return fmt.Errorf("options: %w", err)
	}
	w.Domains = nil
	return w.readOptions(section{name: s.name, line: 0, data: text})
}

func (w *World) patch(s section) error {
	origin := "."
	if len(w.Domains) > 0 {
		origin = fqdn(w.Domains[0])
	}
	absolute := func(name string) string {
		switch {
		case name == "@":
			return origin
		case !strings.HasSuffix(name, "."):
			return fqdn(name + "." + strings.TrimPrefix(origin, "."))
		}
		return fqdn(name)
	}
	var added []byte
	n := s.line
	for line := range bytes.Lines(s.data) {
		n++
		f := strings.Fields(string(line))
		switch {
		case len(f) == 2 && f[0] == "-host":
			w.hosts.Hosts = slices.DeleteFunc(w.hosts.Hosts, func(h *hostSpec) bool { return h.Name == f[1] })
		case len(f) > 1 && len(f) <= 3 && f[0] == "-":
			name := absolute(f[1])
			z := deepest(w.zones, name)
			if z == nil || len(z.nodes[name]) == 0 {
				return fmt.Errorf("line %d: the base has no records at %s%s", n, name, dotHint(f[1]))
			}
			rrtype := ""
			if len(f) == 3 {
				rrtype = strings.ToUpper(f[2])
			}
			if !z.remove(name, rrtype) {
				return fmt.Errorf("line %d: the base has no %s at %s%s", n, rrtype, name, dotHint(f[1]))
			}
		default:
			added = append(added, line...)
			continue
		}
		added = append(added, '\n')
	}
	zp := dns.NewZoneParser(bytes.NewReader(section{line: s.line, data: added}.padded()), origin, s.name)
	zp.SetDefaultTTL(defaultTTL)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		name := fqdn(rr.Header().Name)
		z := deepest(w.zones, name)
		if z == nil {
			return fmt.Errorf("%s: no zone of the base holds %s", s.name, name)
		}
		z.write(rr)
	}
	if err := zp.Err(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// dotHint says how a name that belongs to another domain is written.
func dotHint(name string) string {
	if strings.HasSuffix(name, ".") {
		return ""
	}
	return " (write a name of another domain whole, with a final dot)"
}

// remove takes an RRset out, or with type "" all records of the name; then a
// name with nothing below it is gone, and so are the empty ones above.
func (z *zone) remove(name, rrtype string) bool {
	if rrtype == "" {
		z.nodes[name] = map[uint16][]dns.RR{}
	} else {
		code := dns.StringToType[rrtype]
		if len(z.nodes[name][code]) == 0 {
			return false
		}
		delete(z.nodes[name], code)
	}
	if len(z.nodes[name]) == 0 {
		delete(z.written, name)
	}
	for at := name; at != z.origin && len(z.nodes[at]) == 0; at = parent(at) {
		below := slices.ContainsFunc(slices.Collect(maps.Keys(z.nodes)), func(n string) bool { return n != at && dns.IsSubDomain(at, n) })
		if below {
			break
		}
		delete(z.nodes, at)
	}
	return true
}
