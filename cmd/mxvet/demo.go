package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/report"
)

func demoCommand(w world) *cobra.Command {
	var f auditFlags
	var list bool
	cmd := &cobra.Command{
		Use:   "demo [WORLD...]",
		Short: "audit built-in worlds, without a network",
		Long: `demo audits mail domains of a small internet that runs inside this program:
name servers, mail servers and web servers answer over the same protocols as
real ones, and the same code asks them. Without a name it shows the world
"broken"; a file that ends in .txtar is a world of your own (docs/worlds.md).
With several worlds, {world} in the name of a file stands for the name of each.`,
		ValidArgs: fakenet.Worlds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.settle(w); err != nil {
				return err
			}
			if list {
				return listWorlds(w, f.quiet)
			}
			if len(args) == 0 {
				args = []string{"broken"}
			}
			return f.blame(f.demo(cmd.Context(), w, args))
		},
	}
	cmd.Flags().SortFlags = false
	f.registerLook(cmd.Flags())
	f.registerAssumed(cmd.Flags())
	cmd.Flags().BoolVar(&list, "list", false, "list the worlds")
	file(cmd.Flags(), &f.record, "record", "", "keep every answer in this file")
	return cmd
}

func listWorlds(w world, quiet bool) error {
	for _, name := range fakenet.Worlds() {
		line := name
		if !quiet {
			loaded, err := fakenet.Load(name)
			if err != nil {
				return internalf("world %s: %w", name, err)
			}
			line = fmt.Sprintf("%-16s %s", name, firstSentence(loaded.Comment))
		}
		if _, err := fmt.Fprintln(w.stdout, line); err != nil {
			return written(err)
		}
	}
	return nil
}

// firstSentence gives the text up to its first full stop or colon, on one line.
func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if i := strings.IndexAny(text, ".:;"); i > 0 {
		text = text[:i]
	}
	return text
}

func (f *auditFlags) demo(ctx context.Context, w world, names []string) error {
	formats, err := f.checkLook()
	if err != nil {
		return err
	}
	var worlds []*fakenet.World
	for _, name := range names {
		loaded, err := loadWorld(name)
		if err != nil {
			return err
		}
		worlds = append(worlds, loaded)
	}
	outs, err := f.stageWorlds(w, formats, worlds)
	if err != nil {
		return err
	}
	if len(worlds) == 1 {
		return f.demoWorld(ctx, w, outs[0], worlds[0])
	}
	worst := &exitError{code: exitOK}
	for i, loaded := range worlds {
		err := f.demoWorld(ctx, w, outs[i], loaded)
		if ctx.Err() != nil {
			return err
		}
		for _, line := range lines(err) {
			fmt.Fprintf(w.stderr, "mxvet: %s: %s\n", loaded.Name, report.Sanitize(line.Error()))
		}
		if worst.less(codeOf(err)) {
			worst = &exitError{code: codeOf(err)}
		}
	}
	if worst.code == exitOK {
		return nil
	}
	return worst
}

// inWorld is what stands for a world's name in the name of a file.
const inWorld = "{world}"

// stageWorlds gives each world its outputs: a file holds the report of one.
func (f *auditFlags) stageWorlds(w world, formats []output, worlds []*fakenet.World) ([]*outputs, error) {
	files := map[string]string{"--record": f.record}
	for _, o := range formats {
		files["-o "+o.format] = o.file
	}
	for flag, file := range files {
		if len(worlds) > 1 && file != "" && !strings.Contains(file, inWorld) {
			return nil, usagef("%s=%s: one file for %d worlds: write %s where the world's name is to stand, as in %[1]s=%[5]s", flag, file, len(worlds), inWorld, filepath.Join(filepath.Dir(file), inWorld+"-"+filepath.Base(file)))
		}
	}
	var out []*outputs
	var before []*place
	for _, loaded := range worlds {
		named := func(file string) string {
			return strings.ReplaceAll(file, inWorld, strings.TrimSuffix(filepath.Base(loaded.Name), ".txtar"))
		}
		own := slices.Clone(formats)
		for i := range own {
			own[i].file = named(own[i].file)
		}
		o, err := stage(w, own, named(f.record), f.inputs())
		if err != nil {
			return nil, err
		}
		for _, p := range o.places {
			if i := slices.IndexFunc(before, p.same); i >= 0 && p.standard == nil {
				return nil, usagef("%s: the same file as for another world", p.flag())
			}
		}
		before = append(before, o.places...)
		out = append(out, o)
	}
	return out, nil
}

// loadWorld gives a built-in world, or that of a file whose name ends in .txtar.
func loadWorld(name string) (*fakenet.World, error) {
	if !strings.HasSuffix(name, ".txtar") {
		loaded, err := fakenet.Load(name)
		if err != nil {
			return nil, usagef("no world %q: mxvet demo --list names them; a file of your own ends in .txtar", name)
		}
		return loaded, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("world: %w", err)
	}
	loaded, err := fakenet.Parse(text)
	switch {
	case err != nil:
		return nil, usagef("%s: %w", name, err)
	case len(loaded.Domains) == 0:
		return nil, usagef("%s: it names no domain", name)
	}
	loaded.Name = name
	return loaded, nil
}

func (f *auditFlags) demoWorld(ctx context.Context, w world, outs *outputs, loaded *fakenet.World) error {
	options, err := audit.WorldOptions(loaded.Options)
	if err != nil {
		return internalf("world %s: %w", loaded.Name, err)
	}
	assumed, err := f.assumed(loaded.Domains)
	if err != nil {
		return err
	}
	options.PolicyAssumed = f.policy != ""
	live := fakelive.Start(loaded, wire.LiveConfig{EHLO: options.EHLO, Version: toolVersion(), Timeouts: demoTimeouts()})
	defer live.Close()
	job := audit.Job{
		Targets: audit.Targets(loaded.Domains, options), Assumed: assumed, Rubric: f.rubric, Now: w.now, Timeout: 20 * time.Second,
		Tool:   report.Tool{Name: "mxvet", Version: toolVersion()},
		Tables: gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()},
	}
	if err := job.Start(live, loaded.Now); err != nil {
		return internalf("%w", err)
	}
	return f.tell(ctx, w, outs, job, "the audit of world "+loaded.Name)
}

// demoTimeouts are short: nobody should wait for a server that is made of
// silence. On the internet mxvet is patient.
func demoTimeouts() wire.Timeouts {
	return wire.Timeouts{
		DNSTry: 2 * time.Second, DNSTotal: 4 * time.Second, Connect: 2 * time.Second, TLS: 3 * time.Second,
		Fetch: 4 * time.Second, Greeting: 3 * time.Second, Command: 3 * time.Second, Talk: 6 * time.Second,
	}
}
