package report

import (
	"fmt"
	"strconv"
	"strings"
)

// Points count score points in hundredths, so that sums are exact: an area's
// budget is a whole number of points and a severity costs whole per cents of
// it. JSON and text show them in decimal, "21.25".
type Points int

const point Points = 100

// Whole gives the whole points, rounded down: what is not fully earned does not
// count.
func (p Points) Whole() int {
	if p < 0 {
		return 0
	}
	return int(p / point)
}

func (p Points) String() string {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	s := fmt.Sprintf("%s%d.%02d", sign, p/point, p%point)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// MarshalJSON writes a decimal number with at most two places.
func (p Points) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalJSON reads a decimal number and keeps two places.
func (p *Points) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f < -1e6 || f > 1e6 {
		return fmt.Errorf("points %q: not a number of points", b)
	}
	if f < 0 {
		*p = Points(f*100 - 0.5)
	} else {
		*p = Points(f*100 + 0.5)
	}
	return nil
}
