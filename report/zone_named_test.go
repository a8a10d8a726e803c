//go:build integration

package report

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mxvet/internal/hostile"
)

// BIND reads the fixes of a hostile domain as the records that they are, and as
// nothing else: no directive, no record that a text made.
func TestNamedReadsZone(t *testing.T) {
	r := stored(t)["hostile"]
	d := &r.Domains[0]
	d.Fixes = nil
	want := 0
	for _, s := range hostile.Texts() {
		var data, label strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&data, `\%03d`, c)
			fmt.Fprintf(&label, `\%03d`, c)
		}
		spelt := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) // as a careless writer would have it
		d.Fixes = append(d.Fixes, Fix{
			ID: s, Title: s, Rules: []string{s}, Group: GroupPublish, Safety: SafeNow, Verified: true, Effort: "low", Needs: s, Unverified: s,
			Undo: s + "\n" + s, Steps: []Step{{Text: s, Copy: []string{s}}},
			Changes: []Change{
				{Owner: fmt.Sprintf("n%d.example.com", want), Type: "TXT", TTL: 60, New: []string{`"` + spelt + `"`}, Old: []string{`"` + data.String() + `"`}},
				{Owner: label.String() + fmt.Sprintf(".n%d.example.com", want), Type: "MX", TTL: 60, New: []string{"10 " + label.String() + ".example.com."}, Old: []string{s}},
			},
			Next: []Stage{{When: s, Changes: []Change{{Owner: "example.com", Type: "A", TTL: 60, New: []string{s}}}}},
		})
		want += 2
	}
	d.Name = "example.com"
	var out bytes.Buffer
	out.WriteString("$ORIGIN example.com.\n@ 60 IN SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 60 IN NS ns1.example.net.\n")
	if err := Zone(&out, r); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	cmd := exec.Command("named-checkzone", "-D", "-i", "none", "-k", "ignore", "-m", "ignore", "-M", "ignore", "-S", "ignore", "example.com", file)
	cmd.Stderr = &told
	dump, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, told.String(), dump)
	}
	got := 0
	for line := range strings.Lines(string(dump)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[2] != "IN" || f[3] == "SOA" || f[3] == "NS" {
			continue
		}
		if got++; f[3] != "TXT" && f[3] != "MX" || strings.HasPrefix(line, "evil") {
			t.Errorf("a record that nobody proposed: %s", line)
		}
	}
	if got != want {
		t.Errorf("%d records, want %d\n%s\n%s", got, want, told.String(), dump)
	}
}
