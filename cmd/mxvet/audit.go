package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mxvet/checks"
	"mxvet/report"
)

func auditCommand(w world) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit DOMAIN...",
		Short: "audit mail domains",
		Long: `audit looks at a mail domain as the world sees it, and reports what is wrong,
how much it matters and how to mend it. It asks DNS, fetches the MTA-STS policy,
and holds one conversation with each address of each mail host: greeting, TLS,
goodbye. It never sends a message.

Before launch: --zone FILE audits a zone file laid over what is published, and
says where the two differ; --offline asks nothing at all.

Flags can also stand in the environment (MXVET_FAIL_ON for --fail-on), and what
is known of the domains in a file (-c). Flags win over the environment, and that
wins over the file.

Exit codes: 0 thresholds met, 1 a finding at or over --fail-on or a score under
--min-score, 3 a required area gave no usable answer or there is no score for
--min-score.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.blame(f.run(cmd.Context(), w, args)) },
	}
	cmd.Flags().SortFlags = false
	f.register(cmd.Flags())
	return cmd
}

func (f *auditFlags) run(ctx context.Context, w world, args []string) error {
	if err := f.settle(w); err != nil {
		return err
	}
	formats, err := f.checkLook()
	if err != nil {
		return err
	}
	outs, err := stage(w, formats, f.record, f.inputs())
	if err != nil {
		return err
	}
	job, done, err := f.job(w, args)
	defer done()
	if err != nil {
		return err
	}
	return f.tell(ctx, w, outs, job, "the audit")
}

// gate judges a domain by the thresholds: the exit code, and every reason why it is
// not exitOK.
func (f *auditFlags) gate(d *report.Domain) (code int, why string) {
	var fails, open []string
	if over := f.over(d); over != "" {
		fails = append(fails, over)
	}
	switch {
	case d.Score.Stands() && *d.Score.Number < f.minScore:
		fails = append(fails, fmt.Sprintf("the score is %d, under --min-score %d%s", *d.Score.Number, f.minScore, f.source("min-score")))
	case f.minScore > 0 && !d.Score.Stands():
		open = append(open, fmt.Sprintf("there is no score to hold against --min-score %d%s: %s", f.minScore, f.source("min-score"), d.Score.Why))
	}
	if silent := f.silent(d); silent != "" {
		open = append(open, silent)
	}
	switch {
	case len(fails) > 0:
		code = exitFindings
	case len(open) > 0:
		code = exitUnknown
	}
	return code, strings.Join(append(fails, open...), "; ")
}

// over says which findings are at or over --fail-on, "" where none is.
func (f *auditFlags) over(d *report.Domain) string {
	n := 0
	var rules []string
	for _, finding := range d.Findings {
		sev := checks.Severity(finding.Severity)
		if f.failOn != "never" && (sev == checks.Severity(f.failOn) || sev.Worse(checks.Severity(f.failOn))) {
			n++
			if !slices.Contains(rules, finding.Rule) {
				rules = append(rules, finding.Rule)
			}
		}
	}
	what := "1 finding"
	switch {
	case n == 0:
		return ""
	case len(rules) == 1 && n > 1:
		what = fmt.Sprintf("%d findings of 1 rule", n)
	case len(rules) < n:
		what = fmt.Sprintf("%d findings of %d rules", n, len(rules))
	case n > 1:
		what = fmt.Sprintf("%d findings", n)
	}
	return fmt.Sprintf("%s at or over %s%s (%s)", what, f.failOn, f.source("fail-on"), strings.Join(rules, ", "))
}

// silent says which of the required areas gave no answer, and why; "" where all did.
// What was never asked counts where the user named the area: by default, an area that
// he leaves out is left out.
func (f *auditFlags) silent(d *report.Domain) string {
	areas, asks := f.require, ", which --require"+f.source("require")+" asks for"
	if len(areas) == 0 {
		areas, asks = []string{checks.AreaHosts, checks.AreaSPF, checks.AreaDMARC}, ""
	}
	var silent []string
	for _, area := range areas {
		if slices.Contains(d.Unanswered, area) || len(f.require) > 0 && d.Silent(area) {
			silent = append(silent, area)
		}
	}
	if len(silent) == 0 {
		return ""
	}
	text := "no usable answer in " + listed(silent) + asks
	if why := d.WhySilent(silent...); why != "" {
		text += ": " + why
	}
	if asks == "" {
		text += " (required unless --require names other areas)"
	}
	return text
}

// listed joins words as a sentence does.
func listed(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}
