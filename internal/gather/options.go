package gather

import (
	"fmt"
	"slices"
)

// MaxNamed is how many selectors, addresses, names and the like of one kind the
// options of one domain may hold. More is looked at of none.
const MaxNamed = 1000

// Check says why the options are none that a run can have: whoever wrote a recording
// may have put anything there.
func (o Options) Check() error {
	if p := o.Profile; !slices.Contains([]string{"", "auto", Full, ReceiveOnly, SendOnly, NoMail}, p) {
		return fmt.Errorf("the profile %.40q is none of auto, full, receive-only, send-only and no-mail", p)
	}
	if !slices.Contains([]string{"", "basic", "full", "off"}, o.Relay) {
		return fmt.Errorf("the relay test %.40q is none of basic, full and off", o.Relay)
	}
	for _, list := range []struct {
		what string
		n    int
	}{
		{"DKIM selectors", len(o.Selectors)},
		{"sending addresses", len(o.SendIPs)},
		{"subdomains", len(o.Subdomains)},
		{"areas to leave out", len(o.Skip)},
		{"block lists", max(len(o.DNSBL.Lists), len(o.DNSBL.Add), len(o.DNSBL.Remove))},
		{"DKIM selectors of the zone", len(o.ZoneSelectors)},
		{"mail names of the zone", len(o.ZoneMail)},
		{"zone files", len(o.ZoneFiles)},
		{"slips of the zone", len(o.ZoneSlips)},
	} {
		if list.n > MaxNamed {
			return fmt.Errorf("%d %s: no more than %d are taken", list.n, list.what, MaxNamed)
		}
	}
	return nil
}
