package checks_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// What is said about STARTTLS is what was seen from here, with the signs of a
// firewall that takes it away.
func TestStripSigns(t *testing.T) {
	for scenario, words := range map[string]string{
		"smtp-starttls-none":              "not offered to this machine (offered:",
		"smtp-starttls-none-masked":       `it shows in the keyword "XXXXXXXA"`,
		"smtp-starttls-none-masked-there": "a firewall before the server",
		"smtp-starttls-none-starred":      "it shows in the stars in its greeting",
		"smtp-banner-refuses-closed":      "refused this machine: it greeted with",
		"smtp-starttls-fails-unknown":     "it shows in that a command which is offered is not known",
	} {
		rule := "smtp-starttls-none"
		if strings.HasPrefix(scenario, "smtp-starttls-fails") {
			rule = "smtp-starttls-fails"
		}
		res := judge(t, load(t, filepath.Join(scenarios, scenario+".txtar")))[rule]
		if got := explain(res); !strings.Contains(got, words) || strings.Contains(got, "clear text") {
			t.Errorf("%s: nothing says %q:\n%s", scenario, words, got)
		}
	}
}

// One cause is told once, in words of people: rules that wait for the same refusal
// give the same reason.
func TestRefusalInWords(t *testing.T) {
	for rule, res := range judge(t, load(t, filepath.Join(scenarios, "smtp-extensions-refused.txtar"))) {
		for _, v := range res.Verdicts {
			if strings.Contains(v.Message, "5.7.1 not you") && v.Message != `refused this machine: "550 5.7.1 not you"` {
				t.Errorf("%s %s: %s", rule, v.Subject, v.Message)
			}
		}
	}
}
