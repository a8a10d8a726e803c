package psl

import "testing"

func TestLocal(t *testing.T) {
	for name, want := range map[string]bool{
		"firma.local": true, "Local.": true, "nas.home": true, "x.internal": true, "local.example": false, "example.com": false, "notlocal": false,
	} {
		if Local(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
