package checks

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// A trait is one thing in which the addresses of a host should agree.
type trait struct {
	name  string
	value func(e *gather.Evidence, c conversation, f *smtp.Features) string // "" where it is not known
}

var traits = []trait{
	{"STARTTLS", func(_ *gather.Evidence, _ conversation, f *smtp.Features) string {
		if f.StartTLS {
			return "offered"
		}
		return "not offered"
	}},
	{"TLS handshake", func(_ *gather.Evidence, c conversation, f *smtp.Features) string {
		switch status, _ := c.noTLS(f); {
		case status == "":
			return "succeeds"
		case status == NotApplicable && f.StartTLS:
			return "fails"
		}
		return ""
	}},
	{"protocol", ofTLS(func(_ *gather.Evidence, _ conversation, t *wire.TLS) string { return t.Version })},
	{"certificate", ofTLS(func(e *gather.Evidence, c conversation, t *wire.TLS) string {
		if t.Verifies(c.Host.Name, e.At) != nil {
			return "not valid for the host"
		}
		return "valid for the host"
	})},
	{"AUTH", func(_ *gather.Evidence, c conversation, f *smtp.Features) string {
		if status, _ := c.noTLS(f); status == Unknown {
			return ""
		}
		if len(f.Auth)+len(c.lastOffer(f).Auth) > 0 {
			return "offered"
		}
		return "not offered"
	}},
}

func ofTLS(value func(*gather.Evidence, conversation, *wire.TLS) string) func(*gather.Evidence, conversation, *smtp.Features) string {
	return func(e *gather.Evidence, c conversation, f *smtp.Features) string {
		if status, _ := c.noTLS(f); status != "" {
			return ""
		}
		return value(e, c, c.Addr.Session.TLS)
	}
}

// judgeDifferences compares the addresses of each host. Silent ones have other
// rules; certificates may differ as long as they are worth the same.
func judgeDifferences(e *gather.Evidence) []Verdict {
	var out []Verdict
	all := conversations(e)
	for i := range e.MX.Hosts {
		host := &e.MX.Hosts[i]
		var heard []conversation
		var refs []wire.Ref
		unheard := 0 // that may behave otherwise, for all that is known
		for _, c := range all {
			if c.Host != host {
				continue
			}
			if c.offer() != nil {
				heard, refs = append(heard, c), append(refs, c.Addr.Ref)
			} else if status, _ := c.unreached(e); status == "" && !c.turnsAllAway(e) || status == Unknown {
				unheard++
				refs = append(refs, c.Addr.Ref)
			}
		}
		v := Verdict{Subject: host.Name, Status: Pass, Evidence: refs}
		lost, some := mxSilentAddress(*host)
		if some && len(heard) < 2 {
			v.Status, v.Message, v.Evidence = lost.Status, lost.Message, append(refs, lost.Evidence...)
		} else if len(heard) < 2 && len(heard)+unheard >= 2 {
			v.Status, v.Message = Unknown, "fewer than two of its addresses said what they offer"
		} else if len(heard) < 2 {
			v.Status, v.Message = NotApplicable, "there are no two addresses to compare"
		} else if differ := differences(e, heard); differ != nil {
			v.Status, v.Message = Fail, "its addresses differ: "+strings.Join(differ, "; ")
		} else if some {
			v.Status, v.Message, v.Evidence = lost.Status, lost.Message, append(refs, lost.Evidence...)
		}
		out = append(out, v)
	}
	return out
}

func differences(e *gather.Evidence, heard []conversation) []string {
	var out []string
	for _, t := range traits {
		at := map[string][]string{}
		var values []string
		for _, c := range heard {
			if value := t.value(e, c, c.offer()); value != "" {
				at[value] = append(at[value], c.Addr.IP.String())
				if !slices.Contains(values, value) {
					values = append(values, value)
				}
			}
		}
		if len(values) < 2 {
			continue
		}
		slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(at[a])-len(at[b]), strings.Compare(a, b)) })
		var parts []string
		for _, value := range values {
			parts = append(parts, value+" at "+listed(at[value]))
		}
		out = append(out, t.name+" "+strings.Join(parts, ", "))
	}
	return out
}

// listed names up to three addresses.
func listed(ips []string) string {
	slices.SortFunc(ips, func(a, b string) int {
		x, _ := netip.ParseAddr(a)
		y, _ := netip.ParseAddr(b)
		return x.Compare(y)
	})
	if len(ips) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(ips[:3], ", "), len(ips)-3)
	}
	return strings.Join(ips, ", ")
}
