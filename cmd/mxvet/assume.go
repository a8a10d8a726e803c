package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"mxvet/internal/audit"
	"mxvet/internal/mtasts"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

const maxFaults = 20 // faults of one zone file that are told

// assumed reads what is to be taken for published: zones, records, a policy. That may
// take the time for one domain, too.
func (f *auditFlags) assumed(domains []string) (audit.Assumed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), f.timeout)
	defer cancel()
	var a audit.Assumed
	if f.offline && len(f.zones)+len(f.assume) == 0 {
		return a, usagef("--offline asks nobody, so there is nothing to judge: add the domain's zone with --zone FILE, records with --assume RECORD, or a recording with --replay FILE")
	}
	for _, text := range f.assume {
		a.Texts = append(a.Texts, strings.TrimSpace(text))
		c, err := zone.ParseChange(text)
		if err != nil {
			return a, usagef("--assume %w", err)
		}
		a.Given = append(a.Given, c)
	}
	var err error
	if a.Changes, err = zone.ParseChanges(f.assume); err != nil {
		return a, usagef("--assume %w", err)
	}
	tables, err := f.tables()
	if err != nil {
		return a, err
	}
	for _, path := range f.zones {
		z, err := readZone(ctx, path, tables.Suffixes, domains)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return a, usagef("%w: give it more with --timeout, which is %v", err, f.timeout)
		case err != nil:
			return a, err
		}
		if i := slices.IndexFunc(a.Zones, func(o *zone.Zone) bool { return o.Origin == z.Origin }); i >= 0 {
			return a, usagef("--zone %s: %s is the zone %s too", path, a.Zones[i].File, z.Origin)
		}
		a.Zones = append(a.Zones, z)
	}
	for _, d := range domains {
		held := slices.ContainsFunc(a.Zones, func(z *zone.Zone) bool { return z.Covers(d) })
		told := slices.ContainsFunc(a.Given, func(c zone.Change) bool { return c.Owner == d || strings.HasSuffix(c.Owner, "."+d) })
		switch {
		case !f.offline || held || told:
		case len(f.zones) == 0:
			return a, usagef("--offline: no record of --assume is at or below %s: add its zone with --zone FILE, or such records", d)
		default:
			if z := otherwiseWritten(a.Zones, d); z != nil {
				return a, usagef("--offline: %s has the name %s in other letters than ASCII, which name servers take for octets: write A-labels there: %s", z.File, zone.Text(z.Origin), d)
			}
			return a, usagef("--offline: none of the zones holds %s: add its zone with --zone FILE", d)
		}
	}
	return a, f.assumePolicy(&a, domains)
}

// otherwiseWritten gives the zone that has a domain in U-labels, nil where none has.
func otherwiseWritten(zones []*zone.Zone, domain string) *zone.Zone {
	for _, z := range zones {
		name, err := profile().ToASCII(zone.Text(z.Origin))
		if err == nil && (name == domain || strings.HasSuffix(domain, "."+name)) {
			return z
		}
	}
	return nil
}

// readZone reads a zone file. Where it does not say which zone it is, it is that
// of the domain, if there is one only and it is no name below somebody's domain.
func readZone(ctx context.Context, path string, list *psl.List, domains []string) (*zone.Zone, error) {
	origin := ""
	if len(domains) == 1 {
		if org := list.OrgDomain(domains[0], true); org == "" || org == domains[0] {
			origin = domains[0]
		}
	}
	z, err := zone.ReadFile(ctx, path, origin)
	faults, ok := errors.AsType[zone.Errors](err)
	switch {
	case ok:
		return nil, &exitError{exitUsage, told(faults)}
	case err != nil:
		return nil, usagef("--zone: %w", err)
	}
	return z, nil
}

// told gives the first faults of a zone file, each with file, line and
// column, as other tools read them.
func told(faults zone.Errors) error {
	var out []error
	for _, e := range faults[:min(len(faults), maxFaults)] {
		where := e.File
		if e.Line > 0 {
			where += fmt.Sprintf(":%d", e.Line)
			if e.Column > 0 {
				where += fmt.Sprintf(":%d", e.Column)
			}
		}
		out = append(out, fmt.Errorf("%s: %s", where, e.Text))
	}
	if more := len(faults) - len(out); more > 0 {
		out = append(out, fmt.Errorf("%s: %d more errors", faults[0].File, more))
	}
	return errors.Join(out...)
}

// assumePolicy takes the file of --policy for what the policy host serves.
func (f *auditFlags) assumePolicy(a *audit.Assumed, domains []string) error {
	switch {
	case f.policy == "":
		return nil
	case len(domains) > 1:
		return usagef("--policy with %d domains: a policy is one domain's", len(domains))
	}
	file, err := os.Open(f.policy)
	if err != nil {
		return usagef("--policy: %w", err)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, wire.MaxBody+1))
	if err != nil {
		return usagef("--policy %s: %w", f.policy, err)
	}
	p := wire.Page{Status: 200, ContentType: "text/plain", Body: body[:min(len(body), wire.MaxBody)], Cut: len(body) > wire.MaxBody}
	a.Pages = map[string]wire.Page{mtasts.PolicyURL(domains[0]): p}
	a.Policy = f.policy
	return nil
}
