package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mxvet/checks"
	"mxvet/internal/message"
)

func explainCommand(w world) *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE",
		Short: "what a rule asks for, why it matters, how to mend a failure",
		Args:  cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, r := range everyRule() {
				ids = append(ids, r.ID+"\t"+r.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			id := strings.ToLower(strings.TrimSpace(args[0]))
			rules := everyRule()
			i := slices.IndexFunc(rules, func(r checks.Rule) bool { return r.ID == id })
			if i < 0 {
				return usagef("no rule %q%s (mxvet rules lists them all)", args[0], nearest(id, rules))
			}
			page, err := rulePage(rules[i])
			if err != nil {
				return internalf("page of rule %s: %w", id, err)
			}
			r := rules[i]
			_, err = fmt.Fprintf(w.stdout, "%s\nseverity: at worst %s   area: %s\nsources:  %s\n",
				page, r.Severity, r.Area, strings.Join(r.Refs, "; "))
			return written(err)
		},
	}
}

// nearest suggests the rule that differs by a slip, or else those that share the most
// words with what was typed.
func nearest(id string, rules []checks.Rule) string {
	slip, meant := 3, ""
	for _, r := range rules {
		if n := distance(id, r.ID); n < slip {
			slip, meant = n, r.ID
		}
	}
	if meant != "" {
		return ": did you mean " + meant + "?"
	}
	best, ids := 0, []string(nil)
	for _, r := range rules {
		score := 0
		for word := range strings.SplitSeq(id, "-") {
			if len(word) > 1 && slices.Contains(strings.Split(r.ID, "-"), word) {
				score++
			}
		}
		switch {
		case score > best:
			best, ids = score, []string{r.ID}
		case score == best && score > 0:
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(ids[:min(len(ids), 3)], ", ") + "?"
}

// everyRule gives the rules about domains, then those about a message.
func everyRule() []checks.Rule { return slices.Concat(checks.All(), message.Rules(nil)) }

func rulePage(r checks.Rule) (string, error) {
	if r.Area == message.Area {
		return message.Explain(r.ID)
	}
	return checks.Explain(r.ID)
}

func rulesCommand(w world) *cobra.Command {
	var standards bool
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "every rule, with severity and source",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if standards {
				_, err := fmt.Fprint(w.stdout, checks.Standards())
				return written(err)
			}
			for _, r := range everyRule() {
				if _, err := fmt.Fprintf(w.stdout, "%-32s %-9s %-12s %s (%s)\n", r.ID, r.Severity, r.Area, r.Title, strings.Join(r.Refs, "; ")); err != nil {
					return written(err)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&standards, "standards", false, "each requirement of the standards with the rule that holds it")
	return cmd
}
