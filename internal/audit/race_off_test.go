//go:build !race

package audit_test

// underRace tells that the race detector watches, which takes several times as long.
const underRace = false
