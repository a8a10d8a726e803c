package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"mxvet/internal/config"
)

// readConfig reads the configuration. Its faults are wrong usage.
func readConfig(path string) (*config.Config, error) {
	c, err := config.ReadFile(path, parseDomain)
	if faults, ok := errors.AsType[config.Errors](err); ok {
		return nil, &exitError{exitUsage, errors.Join(faults.Unwrap()...)}
	}
	if err != nil {
		return nil, usagef("%w", err)
	}
	return c, nil
}

func configCommand(w world) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "check the configuration file", Args: cobra.NoArgs}
	cmd.RunE = func(*cobra.Command, []string) error { return cmd.Help() } // and so arguments are looked at
	var file string
	check := &cobra.Command{
		Use:   "check [FILE...]",
		Short: "say whether configuration files can be read",
		Long: `check reads configuration files as audit -c does. It says ok, or every error with
file, line and column, and exits with 2. Without a name it takes MXVET_CONFIG.

A file has these keys:

  version: 1
  defaults:                 where neither flag nor environment says otherwise
    profile, fail_on, min_score, rubric: as the flags of those names
    resolver: [ADDRESS, ...]
  domains:
    - name: example.com
      profile: full
      dkim: {selectors: [NAME, ...]}
      send_ips: [ADDRESS, ...]
  dnsbl: {lists: default, add: [ZONE, ...], remove: [LIST, ...]}`,
		RunE: func(_ *cobra.Command, args []string) error {
			if file != "" {
				args = append(args, file)
			}
			if name := w.getenv(envName("config")); len(args) == 0 && name != "" {
				args = []string{name}
			}
			if len(args) == 0 {
				return usagef("no file: type one, as in mxvet config check mxvet.yaml")
			}
			var faults []error
			for _, path := range args {
				c, err := readConfig(path)
				if err != nil {
					faults = append(faults, lines(err)...)
					continue
				}
				word := "domains"
				if len(c.Domains) == 1 {
					word = "domain"
				}
				if _, err := fmt.Fprintf(w.stdout, "%s: ok, %d %s\n", path, len(c.Domains), word); err != nil {
					return written(err)
				}
			}
			if len(faults) > 0 {
				return &exitError{exitUsage, errors.Join(faults...)}
			}
			return nil
		},
	}
	check.Flags().StringVarP(&file, "config", "c", "", "configuration file")
	cmd.AddCommand(check)
	return cmd
}
