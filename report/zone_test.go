package report

import (
	"bytes"
	"strings"
	"testing"

	"mxvet/internal/zone"
)

// The zone form is zone text, whatever a report holds, and publishes nothing but
// what is safe and verified.
func TestZone(t *testing.T) {
	for name, r := range stored(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Zone(&out, r); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".zone", out.Bytes())
			z, err := zone.Parse(bytes.NewReader(out.Bytes()), "fixes", ".")
			if err != nil {
				t.Fatalf("not zone text: %v\n%s", err, out.String())
			}
			want := 0
			for _, d := range r.Domains {
				for _, f := range d.Fixes {
					for _, c := range f.Changes {
						for _, data := range c.New {
							line := strings.TrimSuffix(c.Owner, ".") + ". "
							if stands := strings.Contains("\n"+out.String(), "\n"+line) && strings.Contains(out.String(), c.Type+" "+data+"\n"); f.Safety == SafeNow && f.Verified && Sanitize(data) == data {
								want++
								if !stands {
									t.Errorf("%s is not there: %s", f.ID, data)
								}
							}
						}
					}
				}
			}
			if len(z.Records) != want {
				t.Errorf("%d records, want %d\n%s", len(z.Records), want, out.String())
			}
		})
	}
}
