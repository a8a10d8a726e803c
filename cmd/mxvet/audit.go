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
--min-score, 2 wrong usage, 3 a required area gave no usable answer or there is
no score for --min-score, 4 mxvet itself failed or a report could not be written,
130 interrupted, 143 terminated. Whatever is not 0 is explained in one line on stderr.`,
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
	job, done, err := f.job(w, args)
	if err != nil {
		return err
	}
	defer done()
	outs, err := stage(w, formats, f.record, f.inputs())
	if err != nil {
		return err
	}
	return f.tell(ctx, w, outs, job, "the audit")
}

// gate judges a domain by the thresholds: the exit code, and why where it is not
// exitOK.
func (f *auditFlags) gate(d report.Domain) (code int, why string) {
	n := 0
	var over []string
	for _, finding := range d.Findings {
		sev := checks.Severity(finding.Severity)
		if f.failOn != "never" && (sev == checks.Severity(f.failOn) || sev.Worse(checks.Severity(f.failOn))) {
			n++
			if !slices.Contains(over, finding.Rule) {
				over = append(over, finding.Rule)
			}
		}
	}
	switch {
	case n == 1:
		return exitFindings, fmt.Sprintf("1 finding at or over %s (%s)", f.failOn, over[0])
	case n > 1:
		return exitFindings, fmt.Sprintf("%d findings at or over %s (%s)", n, f.failOn, strings.Join(over, ", "))
	case d.Score.Stands() && *d.Score.Number < f.minScore:
		return exitFindings, fmt.Sprintf("the score is %d, under --min-score %d", *d.Score.Number, f.minScore)
	}
	for _, area := range f.require {
		if slices.Contains(d.Unanswered, area) {
			return exitUnknown, "no usable answer in " + area + ", which --require asks for"
		}
	}
	if f.minScore > 0 && !d.Score.Stands() {
		return exitUnknown, fmt.Sprintf("there is no score to hold against --min-score %d: %s", f.minScore, d.Score.Why)
	}
	return exitOK, ""
}
