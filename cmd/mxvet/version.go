package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"mxvet/report"
)

// version is set by the linker; a plain go install leaves it to the build info.
var version string

func toolVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func versionCommand(w world) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "the version of mxvet and of its rubric",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rubrics := report.Rubrics()
			_, err := fmt.Fprintf(w.stdout, "mxvet %s, rubric %s, schema %s\n", toolVersion(), rubrics[len(rubrics)-1], report.SchemaID)
			return written(err)
		},
	}
}

func schemaCommand(w world) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "the JSON schema of the report",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := w.stdout.Write(report.Schema())
			return written(err)
		},
	}
}
