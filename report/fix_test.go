package report

import (
	"bytes"
	"strings"
	"testing"
)

// A changing fix in a report: one that replaces, one that is new, one that only
// takes away, and one by type alone.
func sampleChanges() []Fix {
	return []Fix{
		{
			ID: "dmarc-record", Group: GroupPublish, Safety: SafeNow, Verified: true,
			Undo: "publish again:\n" + `_dmarc.example.com. 86400 IN TXT "v=DMARC1; p=rejct"`,
			Changes: []Change{{
				Owner: "_dmarc.example.com", Type: "TXT", TTL: 86400,
				Old: []string{`"v=DMARC1; p=rejct"`}, New: []string{`"v=DMARC1; p=none"`},
			}},
		},
		{
			ID: "tlsrpt-record", Group: GroupPublish, Safety: SafeNow, Verified: true, Undo: "remove the record",
			Changes: []Change{{Owner: "_smtp._tls.example.com", Type: "TXT", TTL: 3600, New: []string{`"v=TLSRPTv1; rua=mailto:t@example.com"`}}},
		},
		{
			ID: "mx-records", Group: GroupPublish, Safety: SafeNow, Verified: true,
			Undo:    "publish again the SPF record of example.com, and:\nexample.com. 3600 IN MX 30 mx3.example.com.",
			Changes: []Change{{Owner: "example.com", Type: "MX", TTL: 3600, Old: []string{"30 mx3.example.com."}}, {Owner: "example.com", Type: "SPF", Old: []string{"*"}}},
		},
	}
}

func fixesAs(t *testing.T, write func(*bytes.Buffer, *Report) error) string {
	t.Helper()
	r := sampleTypical(t)
	r.Domains[0].Fixes = sampleChanges()
	var out bytes.Buffer
	if err := write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Each change says what goes, once and as it stands there, or that it is new.
func TestFixesSayWhatTheyReplace(t *testing.T) {
	text := fixesAs(t, func(b *bytes.Buffer, r *Report) error { return Text(b, r, TextOptions{}) })
	html := fixesAs(t, func(b *bytes.Buffer, r *Report) error { return HTML(b, r) })
	for out, wants := range map[string][]string{
		text: {
			"  _dmarc.example.com. 86400 IN TXT \"v=DMARC1; p=none\"\n  replaces _dmarc.example.com. 86400 IN TXT \"v=DMARC1; p=rejct\"\n",
			"undo: publish again what stands there now\n",
			"\"v=TLSRPTv1; rua=mailto:t@example.com\"\n  new: no record of its kind stands there now\n",
			"  remove   example.com. 3600 IN MX 30 mx3.example.com.\n  remove   every record example.com. IN SPF\n",
			"undo: publish again the SPF record of example.com, and what stands there now\n",
		},
		html: {"Publish (new: no record of its kind stands there now)", "In place of", "Remove"},
	} {
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
	if n := strings.Count(text, "p=rejct"); n != 1 {
		t.Errorf("the old record stands there %d times", n)
	}
}

// An operator who edits a zone needs the very line that has to go, right above the
// one that comes in its place.
func TestZoneMarksWhatGoes(t *testing.T) {
	out := fixesAs(t, func(b *bytes.Buffer, r *Report) error { return Zone(b, r) })
	for _, want := range []string{
		"; remove: _dmarc.example.com. 86400 IN TXT \"v=DMARC1; p=rejct\"\n_dmarc.example.com. 86400 IN TXT \"v=DMARC1; p=none\"\n",
		"; new\n_smtp._tls.example.com. 3600 IN TXT",
		"; remove: example.com. 3600 IN MX 30 mx3.example.com.\n; remove: every record example.com. IN SPF\n",
		"; never leave an old record beside the new one",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// What only goes is told before what comes: beside an alias nothing can be published.
func TestRemovalsFirst(t *testing.T) {
	r := sampleTypical(t)
	r.Domains[0].Fixes = []Fix{{ID: "dmarc-record", Group: GroupPublish, Safety: SafeNow, Verified: true, Changes: []Change{
		{Owner: "_dmarc.example.com", Type: "TXT", New: []string{`"v=DMARC1; p=none"`}, TTL: 3600},
		{Owner: "_dmarc.example.com", Type: "CNAME", Old: []string{"gone.example."}, TTL: 3600},
	}}}
	var text, html, zone bytes.Buffer
	for _, err := range []error{Text(&text, r, TextOptions{}), HTML(&html, r), Zone(&zone, r)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, out := range []string{text.String(), html.String(), zone.String()} {
		goes, comes := strings.Index(out, "IN CNAME gone.example."), strings.Index(out, "_dmarc.example.com. 3600 IN TXT")
		if goes < 0 || comes < goes {
			t.Errorf("the alias goes at %d, the record comes at %d:\n%s", goes, comes, out)
		}
	}
}

// A number is promised only where it is known: where something unknown bears on it,
// the ends between which it lies are told, in every form.
func TestNoFlatPromise(t *testing.T) {
	for _, c := range []struct{ pointsLow, points, low, high int }{{14, 14, 93, 93}, {19, 10, 84, 100}, {0, 20, 65, 85}} {
		want := map[int][2]string{14: {"+14", "93"}, 10: {"+10 to 19", "84-100"}, 20: {"up to +20", "65-85"}}[c.points]
		f := sampleChanges()[0]
		f.Points, f.PointsLow, f.ScoreAfter, f.ScoreAfterLow = &c.points, &c.pointsLow, &c.high, &c.low
		f.Next = []Stage{{When: "all is well", ScoreAfter: &c.high, ScoreAfterLow: &c.low, Verified: true, Changes: f.Changes}}
		r := sampleTypical(t)
		r.Domains[0].Fixes = []Fix{f}
		var text, html, zone bytes.Buffer
		for _, err := range []error{Text(&text, r, TextOptions{Width: 200}), HTML(&html, r), Zone(&zone, r)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for out, wants := range map[string][]string{
			text.String(): {"  " + want[0] + "  SAFE NOW", "score " + want[1] + " after it", "all is well (score " + want[1] + "):"},
			html.String(): {want[0] + " points", "verified: score after it " + want[1] + "<", "score " + want[1] + "<"},
			zone.String(): {"score after it " + want[1] + "\n", "(score " + want[1] + "):"},
		} {
			for _, w := range wants {
				if !strings.Contains(strings.ReplaceAll(out, "&#43;", "+"), w) {
					t.Errorf("no %q in\n%s", w, out)
				}
			}
		}
	}
}
