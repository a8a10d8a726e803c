package report

import (
	_ "embed"
	"fmt"
	"slices"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/syntax"
)

//go:embed rubric.yaml
var rubricYAML []byte

// A Rubric is the data behind the score: see rubric.yaml.
type Rubric struct {
	Version     string                  `yaml:"version"`
	Severity    map[checks.Severity]int `yaml:"severity"` // per cent of an area's budget
	Areas       []RubricArea            `yaml:"areas"`
	Whole       []RubricRule            `yaml:"whole"`
	Caps        []RubricRule            `yaml:"caps"`
	Letters     []RubricLetter          `yaml:"letters"`
	Needs       []RubricNeed            `yaml:"needs"`
	MinCoverage int                     `yaml:"min_coverage"`
}

// A RubricArea is one area and its budget of points by profile.
type RubricArea struct {
	ID     string         `yaml:"id"`
	Title  string         `yaml:"title"`
	Budget map[string]int `yaml:"budget"`
}

// A RubricRule says which failures of a rule cost a whole area, or cap the score.
type RubricRule struct {
	Rule       string          `yaml:"rule"`
	At         int             `yaml:"at"`         // caps only
	AtLeast    checks.Severity `yaml:"at_least"`   // mildest severity that counts; "" = low
	Profiles   []string        `yaml:"profiles"`   // none = all
	Everywhere bool            `yaml:"everywhere"` // only when no subject passed or is unknown
}

// A RubricLetter is a grade and the score from which it is given.
type RubricLetter struct {
	Letter string `yaml:"letter"`
	From   int    `yaml:"from"`
	Clean  bool   `yaml:"clean"` // also nothing failed above info, and the needs are met
}

// A RubricNeed is met when one of its groups of rules passed whole.
type RubricNeed struct {
	Profiles []string   `yaml:"profiles"` // none = all
	Any      [][]string `yaml:"any"`
}

// Rubrics lists the versions that LoadRubric knows, the current one last.
func Rubrics() []string { return []string{"2026.1"} }

// LoadRubric gives the rubric of that version; "" is the current one.
func LoadRubric(version string) (*Rubric, error) {
	if version != "" && !slices.Contains(Rubrics(), version) {
		return nil, fmt.Errorf("rubric %q: not known, there is %v", version, Rubrics())
	}
	return parseRubric(rubricYAML)
}

func parseRubric(data []byte) (*Rubric, error) {
	var r Rubric
	if err := syntax.YAML(data, &r); err != nil {
		return nil, fmt.Errorf("rubric: %w", err)
	}
	for _, profile := range []string{gather.Full, gather.ReceiveOnly, gather.SendOnly, gather.NoMail} {
		sum := 0
		for _, a := range r.Areas {
			sum += a.Budget[profile]
		}
		if sum != 100 {
			return nil, fmt.Errorf("rubric %s: budgets of profile %s add up to %d, not 100", r.Version, profile, sum)
		}
	}
	return &r, nil
}

// matches reports whether a failure of that severity counts for the entry.
func (e RubricRule) matches(profile string, sev checks.Severity) bool {
	least := e.AtLeast
	if least == "" {
		least = checks.Low
	}
	return !least.Worse(sev) && (len(e.Profiles) == 0 || slices.Contains(e.Profiles, profile))
}

func (r *Rubric) area(id string) (RubricArea, int) {
	for i, a := range r.Areas {
		if a.ID == id {
			return a, i
		}
	}
	return RubricArea{}, len(r.Areas)
}
