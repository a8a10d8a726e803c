package report

import (
	"fmt"
	"io"
	"strings"
)

// Zone writes the fixes alone, as zone text with absolute names. Only records
// that are safe to publish now and verified stand as records; all others, what
// is to be removed, and what a person has to do are comments, so that nobody
// breaks mail by loading the whole of it.
func Zone(w io.Writer, r *Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "; fixes proposed by %s %s on %s\n", clean(r.Tool.Name, 40), clean(r.Tool.Version, 40), r.Run.At.UTC().Format("2006-01-02 15:04 UTC"))
	b.WriteString("; records are safe to publish now; what is commented out needs more first\n")
	for i := range r.Domains {
		zoneDomain(&b, &r.Domains[i])
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write zone text: %w", err)
	}
	return nil
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
		note("after the %s that a second audit verified: score %s %s", plural(d.Next.Fixes, "fix", "fixes"), d.Next.Range(), d.Next.Grade())
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
			note("verified against DNS%s", afterwards(": score %d after it", f.ScoreAfter))
		case f.Unverified != "":
			note("not verified: %s", bound(f.Unverified, maxMessage))
		}
		if words, records, _ := strings.Cut(f.Undo, "\n"); words != "" {
			note("undo: %s", bound(words, maxMessage))
			for line := range strings.Lines(records) {
				note("  %s", strings.TrimSuffix(line, "\n"))
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
			note("then, once %s%s:", bound(s.When, maxMessage), afterwards(" (score %d)", s.ScoreAfter))
			zoneChanges(b, s.Changes, false)
		}
	}
	if !found {
		note("no record to change")
	}
}

// zoneChanges writes records, as comments unless they may be published now.
func zoneChanges(b *strings.Builder, changes []Change, publish bool) {
	for _, c := range changes {
		for _, line := range c.replaced() {
			b.WriteString("; remove: " + line + "\n")
		}
		for _, line := range c.records() {
			if !publish {
				line = "; publish: " + line
			}
			b.WriteString(line + "\n")
		}
	}
}
