package dnsbl

import (
	"slices"
	"strings"
)

// A Selection is which lists to ask, and what of the user's choice cannot be.
type Selection struct {
	Lists   []*List
	Named   []*List    // those of Lists that the user named
	Dead    []DeadZone // named, but must not be asked
	Unknown []string   // named, but neither a list nor a zone
}

// A DeadZone is a zone of a dead list, as the user named it.
type DeadZone struct {
	Zone string
	Dead *Dead
}

// Select chooses lists. Only is asked in place of the default ones where it is
// not empty, add beside them, and remove is left out whoever named it. A list is
// named by its id or its zone; "default" stands for the default ones, and "none"
// for none. A zone that is not in the table is one of addresses, or of domain
// names where it is written "domain:ZONE"; a zone with a key in it is the list
// that the key is for.
func (t *Table) Select(only, add, remove []string) Selection {
	var s Selection
	if len(only) == 0 {
		only = []string{"default"}
	}
	for _, name := range slices.Concat(only, add) {
		switch name = strings.TrimSpace(name); name {
		case "none", "":
		case "default":
			for _, l := range t.Lists {
				if l.Status == StatusLive {
					s.add(l, false)
				}
			}
		default:
			s.name(t, name)
		}
	}
	gone := func(l *List) bool {
		return slices.ContainsFunc(remove, func(name string) bool {
			name = canonical(strings.TrimPrefix(strings.TrimSpace(name), "domain:"))
			return name == l.ID || name == l.Zone || name == "default" && l.Status == StatusLive && !slices.Contains(s.Named, l)
		})
	}
	s.Lists = slices.DeleteFunc(s.Lists, gone)
	s.Named = slices.DeleteFunc(s.Named, gone)
	return s
}

func (s *Selection) name(t *Table, name string) {
	rest, domains := strings.CutPrefix(name, "domain:")
	zone := canonical(rest)
	if d := t.DeadZone(zone); d != nil {
		s.Dead = append(s.Dead, DeadZone{zone, d})
		return
	}
	for _, l := range t.Lists {
		if zone == l.ID || zone == l.Zone {
			s.add(l, true)
			return
		}
		if key, ok := strings.CutSuffix(zone, strings.TrimPrefix(l.Keyed, "KEY")); ok && l.Keyed != "" && ValidZone(zone) && key != "" && !strings.Contains(key, ".") {
			keyed := *l
			keyed.Zone = zone
			s.add(&keyed, true)
			return
		}
	}
	if !ValidZone(zone) {
		s.Unknown = append(s.Unknown, name)
		return
	}
	l := &List{ID: zone, Name: zone, Zone: zone, Kind: KindIP, IPv4: true, IPv6: true, Status: StatusOptIn, Custom: true, Source: "named by the user"}
	if domains {
		l.Kind, l.IPv4, l.IPv6 = KindDomain, false, false
	}
	if l.complete() == nil {
		s.add(l, true)
	}
}

// add takes a list up; one with a key takes the place of the one without.
func (s *Selection) add(l *List, named bool) {
	i := slices.IndexFunc(s.Lists, func(m *List) bool { return m.ID == l.ID })
	if i < 0 {
		s.Lists = append(s.Lists, l)
	} else if named {
		s.Lists[i] = l
	}
	if named && !slices.ContainsFunc(s.Named, func(m *List) bool { return m.ID == l.ID }) {
		s.Named = append(s.Named, l)
	}
}
