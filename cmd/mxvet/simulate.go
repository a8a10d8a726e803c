package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mxvet/internal/simulate"
)

func simulateCommand(w world) *cobra.Command {
	var f receiveFlags
	var signers []string
	cmd := &cobra.Command{
		Use:   "simulate DOMAIN --ip ADDRESS",
		Short: "what a receiver would decide about a message on that path",
		Long: `simulate works out what receivers do with a message from DOMAIN that comes from
the address --ip: SPF term by term, and by a second program; alignment; the DMARC
policy, found by tree walk (RFC 9989) and by public suffix list (RFC 7489); and
what the policy asks for. --mail-from is postmaster@DOMAIN unless given, --helo the
domain of --mail-from. --dkim-domain adds a signature that is taken to verify.

Before a change: --zone FILE takes a zone file, and --assume a record, in place of
what is published; --offline asks nothing at all.

Exit codes: 0 an aligned domain is proved for every kind of receiver, 1 for some
it is not, 2 wrong usage, 3 a lookup that matters got no answer.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.simulate(cmd.Context(), w, args[0], signers)
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd.Flags(), "json", "text")
	f.registerRecords(cmd.Flags())
	f.registerOffline(cmd.Flags())
	cmd.Flags().StringArrayVar(&signers, "dkim-domain", nil, "domain (tag d) of a DKIM signature that is taken to verify; repeatable")
	return cmd
}

func (f *receiveFlags) simulate(ctx context.Context, w world, domain string, signers []string) error {
	if err := f.settle(w); err != nil {
		return err
	}
	formats, err := f.check()
	if err != nil {
		return err
	}
	var p simulate.Path
	if p.Author, err = parseDomain(domain); err != nil {
		return err
	}
	if p.IP, err = f.address(); err != nil {
		return err
	}
	if !p.IP.IsValid() {
		return usagef("no client address: type one, as in mxvet simulate %s --ip 192.0.2.1", p.Author)
	}
	if f.mailFrom == "" {
		f.mailFrom = p.Author
	}
	if p.Sender, err = f.sender(); err != nil {
		return err
	}
	if err := f.checkHelo(); err != nil {
		return err
	}
	if p.Helo = f.helo; p.Helo == "" {
		if p.Sender == "" {
			return usagef("the null sender needs --helo: SPF then asks about that name")
		}
		p.Helo = p.Sender[strings.LastIndexByte(p.Sender, '@')+1:]
	}
	for _, s := range signers {
		d, err := parseDomain(s)
		if err != nil {
			return err
		}
		if !slices.Contains(p.Signers, d) {
			p.Signers = append(p.Signers, d)
		}
	}
	if len(p.Signers) > 20 {
		return usagef("%d signatures: at most 20 are looked at", len(p.Signers))
	}
	tables, err := f.tables()
	if err != nil {
		return err
	}
	_, from := p.Identity()
	about := append([]string{p.Author, from}, p.Signers...)
	tape, assumed, done, err := f.source(w, "simulate", tables.Suffixes, about...)
	if err != nil {
		return err
	}
	defer done()
	outs, err := stage(w, formats, f.record, f.inputs())
	if err != nil {
		return err
	}
	p.At = tape.Header().At
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	result := simulate.Run(ctx, tape, tables.Suffixes, p)
	if stopped := interrupted(ctx, "the simulation"); stopped != nil {
		return stopped
	}
	result.Assumed = assumed
	return f.conclude(w, outs, tape, outcome{verdict: result.Verdict, why: result.Why, result: result, text: result.Text})
}
