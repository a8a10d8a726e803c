package report

import (
	"fmt"
	"io"
	"strings"
)

// Zone writes the fixes alone, as zone text with absolute names. Only records
// that are safe to publish now and verified stand as records; all others, what
// is to be removed, and what a person has to do are comments, so that nobody
// breaks mail by loading the whole of it. A record that comes in the place of
// others has these above it, each as the line "; remove: " and the record as it is
// published now: an operator finds that very line in the zone and takes it out.
func Zone(w io.Writer, r *Report) error { return ZoneForm().write(w, r) }

// ZoneForm is the form of Zone.
func ZoneForm() Form {
	return Form{
		name: "zone text", Flows: true,
		head: func(w io.Writer, r *Report, _ *gist) error {
			_, err := fmt.Fprintf(w, "; fixes proposed by %s %s on %s\n; %s\n", clean(r.Tool.Name, 40), clean(r.Tool.Version, 40),
				r.Run.At.UTC().Format("2006-01-02 15:04 UTC"), strings.Join(zoneGuide, "\n; "))
			return err
		},
		domain: func(w io.Writer, part *Report, _ nth) error {
			var b strings.Builder
			zoneDomain(&b, &part.Domains[0])
			_, err := io.WriteString(w, b.String())
			return err
		},
		tail: func(io.Writer, *Report, *gist) error { return nil },
	}
}

// zoneGuide says how the text is used. A second record beside an old one voids both
// for SPF and DMARC.
var zoneGuide = []string{
	"how to use it: change your zone by hand, fix by fix; this is no whole zone",
	"  a line without a semicolon   a record that is safe to publish now",
	"  remove: RECORD               take this record out of the zone, in the same change",
	"  publish: RECORD              not yet: first do what its fix asks for",
	"  new                          no record of its kind stands there now",
	"never leave an old record beside the new one: two of a kind count as none",
}

func zoneDomain(b *strings.Builder, d *Domain) {
	note := func(format string, args ...any) {
		fmt.Fprintf(b, "; %s\n", Sanitize(fmt.Sprintf(format, args...)))
	}
	b.WriteString("\n")
	if d.Score.Stands() {
		note("%s: score %s %s", bound(d.Name, maxName), d.Score.Range(), d.Score.Grade())
	} else {
		note("%s: no score: %s (%s)", bound(d.Name, maxName), bound(d.Score.Why, maxMessage), d.Score.Possible())
	}
	if d.Next != nil && d.Next.Stands() {
		fixes := "one fix"
		if d.Next.Fixes > 1 {
			fixes = fmt.Sprintf("%d fixes", d.Next.Fixes)
		}
		note("after the %s that a second audit verified: score %s %s", fixes, d.Next.Range(), d.Next.Grade())
	}
	found := false
	for _, f := range d.Fixes {
		if !f.record() {
			continue
		}
		found = true
		b.WriteString("\n")
		note("fix %s: %s", bound(f.ID, 60), bound(f.Title, maxMessage))
		note("clears: %s", strings.Join(f.Rules, " "))
		note("safety: %s%s", bound(f.Safety, 40), prefixed(": ", bound(f.Needs, maxMessage)))
		switch {
		case f.Verified:
			note("verified by a second audit over the changed DNS%s", prefixed(": score after it ", f.After()))
		case f.Unverified != "":
			note("not verified: %s", bound(f.Unverified, maxMessage))
		}
		if words, lines := f.undo(); words != "" {
			note("undo: %s", bound(words, maxMessage))
			for _, line := range lines {
				note("  %s", line)
			}
		}
		for _, s := range f.Steps {
			note("step: %s", bound(s.Text, maxMessage))
			for _, line := range s.Copy {
				note("  %s", line)
			}
		}
		zoneChanges(b, f.Changes, f.Safety == SafeNow && f.Verified)
		for _, s := range f.Next {
			note("then, once %s%s:", bound(s.When, maxMessage), bracketed("score ", s.After()))
			zoneChanges(b, s.Changes, false)
		}
	}
	if !found {
		note("no record to change")
	}
}

// zoneChanges writes records, as comments unless they may be published now.
func zoneChanges(b *strings.Builder, changes []Change, publish bool) {
	for _, c := range removalsFirst(changes) {
		if len(c.Old) == 0 && len(c.New) > 0 {
			b.WriteString("; new\n")
		}
		for _, line := range c.before() {
			b.WriteString("; remove: " + line + "\n")
		}
		for _, line := range c.after() {
			if !publish {
				line = "; publish: " + line
			}
			b.WriteString(line + "\n")
		}
	}
}
