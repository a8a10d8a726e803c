package audit

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"mxvet/checks"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

const proofs = 4 // audits over changed records that run at a time, for one domain

// A prover proves fixes of one domain: it lays their changes over the answers
// and audits again. Answers come from the tape, so no conversation is held
// twice; what a change leads to for the first time is asked and recorded.
type prover struct {
	job    *Job
	rubric *report.Rubric
	before trial
	places chan struct{} // bounds the audits that run at a time
}

// prove proposes fixes for what failed, proves them, and puts them into the
// domain's result, with what all verified ones together lead to.
func (j *Job) prove(ctx context.Context, rubric *report.Rubric, before trial, d *report.Domain) {
	p := &prover{job: j, rubric: rubric, before: before, places: make(chan struct{}, proofs)}
	var proposed, steps []fix.Fix
	for _, f := range fix.Propose(before.evidence, before.results) {
		if isSteps(f.ID) {
			steps = append(steps, f)
		} else {
			proposed = append(proposed, f)
		}
	}
	proven := make([]proof, len(proposed))
	var wg sync.WaitGroup
	for i, f := range proposed {
		wg.Go(func() { proven[i] = p.proof(ctx, f) })
	}
	wg.Wait()

	d.Next = p.together(ctx, proven)
	cared := map[fix.Claim]bool{}
	for _, pr := range proven {
		claims := pr.fix.Claims
		if pr.verified() {
			claims = slices.Concat(pr.cleared, pr.later)
		}
		for _, c := range claims {
			cared[c] = true
		}
	}
	if len(proposed) > 0 { // the proofs tell what is left for people
		steps = fix.Steps(before.evidence, before.results, func(c fix.Claim) bool { return cared[c] })
	}
	for _, f := range steps {
		proven = append(proven, proof{fix: f})
	}
	for i := range proven {
		p.weigh(&proven[i])
	}
	slices.SortStableFunc(proven, byUse)
	for _, pr := range proven {
		d.Fixes = append(d.Fixes, p.reported(pr))
	}
}

func isSteps(id string) bool { return strings.HasPrefix(id, "steps-") }

// byUse puts what can be done at once first, then what needs evidence, then what
// needs input, then what is no change of the DNS; among equals, what brings most.
// So what pays most never comes first because it pays most.
func byUse(a, b proof) int {
	class := func(p proof) int {
		order := slices.Index([]string{fix.SafeNow, fix.NeedsEvidence, fix.NeedsInput}, p.fix.Safety)
		switch {
		case p.verified():
			return order
		case len(p.fix.Changes) > 0:
			return 10 + order
		case p.fix.Safety == fix.NeedsInput && !isSteps(p.fix.ID):
			return 20
		}
		return 30
	}
	return cmp.Or(class(a)-class(b), b.score.High-a.score.High, cmp.Compare(b.score.Raw, a.score.Raw))
}

// A proof is what became of one fix.
type proof struct {
	fix     fix.Fix
	after   *trial      // nil where nothing could be laid over the answers
	cleared []fix.Claim // those that it claims first
	why     string      // why it is not verified
	stages  []report.Stage
	later   []fix.Claim // cleared by a stage
	score   report.Score
}

func (p proof) verified() bool { return p.after != nil && p.why == "" }

// try audits the domain over changed records.
func (p *prover) try(ctx context.Context, changes []zone.Change) *trial {
	p.places <- struct{}{}
	defer func() { <-p.places }()
	e := p.before.evidence
	overlay := wire.NewOverlay(p.job.Tape, nil, changes)
	memo := wire.NewTape(overlay, wire.Header{Seed: e.Options.Seed, At: e.At})
	t := &trial{evidence: gather.Domain(ctx, memo, p.job.Tables, e.At, e.Domain, e.Options)}
	t.judge(p.rubric)
	return t
}

// proof tries one fix. Where the audit over its changes shows what stood behind
// the first fault, such as an SPF record that can be walked only once there is a
// single one, the fix is extended by what is proposed there, and tried again.
func (p *prover) proof(ctx context.Context, f fix.Fix) proof {
	if len(f.Changes) == 0 || f.Safety == fix.NeedsInput {
		return proof{fix: f}
	}
	out := p.attempt(ctx, f)
	for range 2 {
		if out.verified() {
			break
		}
		more, ok := followUp(f, out.after)
		if !ok {
			break
		}
		f = f.Then(more, func(c fix.Claim) bool { return p.before.failure(c) != nil })
		if next := p.attempt(ctx, f); next.verified() {
			out = next
		} else {
			out.after = next.after
		}
	}
	p.stages(ctx, &out)
	return out
}

// followUp gives what is proposed for the same record over the changes of a fix.
func followUp(f fix.Fix, after *trial) (fix.Fix, bool) {
	for _, g := range fix.Propose(after.evidence, after.results) {
		if g.ID == f.ID && f.ID == fix.SPFRecord && len(g.Changes) > 0 {
			return g, true
		}
	}
	return fix.Fix{}, false
}

func (p *prover) attempt(ctx context.Context, f fix.Fix) proof {
	out := proof{fix: f, after: p.try(ctx, f.Changes)}
	out.cleared, out.why = p.compare(out.after, f.Claims, f.Safety == fix.SafeNow)
	if out.why == "" && f.ID == fix.SPFRecord && f.Safety == fix.SafeNow && p.before.evidence.Role.Name != gather.NoMail && losesSenders(p.before.evidence, out.after.evidence) {
		out.why = "it would take the right to send away from addresses that have it"
	}
	return out
}

// stages tries the later stages of a fix, each over all that comes before it.
func (p *prover) stages(ctx context.Context, pr *proof) {
	changes := pr.fix.Changes
	for _, s := range pr.fix.Next {
		changes = fix.Squash(changes, s.Changes)
		after := p.try(ctx, changes)
		cleared, why := p.compare(after, p.before.claims(), false)
		if why == "" {
			pr.later = append(pr.later, cleared...)
		}
		pr.stages = append(pr.stages, report.Stage{
			When: s.When, Changes: reportedChanges(s.Changes), ScoreAfter: after.score.High, Verified: why == "",
		})
	}
}

// together tries all verified fixes at once; nil where there are none.
func (p *prover) together(ctx context.Context, proven []proof) *report.Outcome {
	var changes []zone.Change
	var claims []fix.Claim
	var only *trial
	n, safe := 0, true
	for _, pr := range proven {
		if !pr.verified() {
			continue
		}
		n++
		only = pr.after
		safe = safe && pr.fix.Safety == fix.SafeNow
		changes = append(changes, pr.fix.Changes...)
		claims = append(claims, pr.cleared...)
	}
	if n == 0 {
		return nil
	}
	after := only
	if n > 1 {
		after = p.try(ctx, changes)
	}
	cleared, why := p.compare(after, claims, safe)
	return &report.Outcome{
		Mark: after.score.Mark, Fixes: n,
		Verified: why == "" && len(cleared) >= len(claims),
	}
}

// reported gives a fix as the report holds it.
func (p *prover) reported(pr proof) report.Fix {
	f := pr.fix
	out := report.Fix{
		ID: f.ID, Title: f.Title, Effort: f.Effort, Safety: f.Safety, Needs: f.Needs, Undo: f.Undo,
		Changes: reportedChanges(f.Changes), VisibleWithin: f.VisibleWithin,
		Next: pr.stages, Unverified: pr.why, Verified: pr.verified(),
		ScoreAfter: pr.score.High, Points: pr.score.High - p.before.score.High,
	}
	for _, s := range f.Steps {
		out.Steps = append(out.Steps, report.Step{Text: s.Text, Copy: s.Copy})
	}
	claims := f.Claims
	if pr.after != nil {
		claims = pr.cleared
	}
	if len(claims) == 0 {
		claims = f.Claims
	}
	for _, c := range claims {
		if !slices.Contains(out.Rules, c.Rule) {
			out.Rules = append(out.Rules, c.Rule)
		}
		out.Fingerprints = append(out.Fingerprints, report.Fingerprint(c.Rule, c.Subject, c.Key))
	}
	return out
}

// weigh notes the score that a fix leads to.
func (p *prover) weigh(pr *proof) {
	if pr.after != nil {
		pr.score = pr.after.score
	} else {
		pr.score = p.without(pr.fix.Claims)
	}
}

// without gives the score as it would be if these verdicts passed: what steps
// bring that no audit over changed records can show.
func (p *prover) without(claims []fix.Claim) report.Score {
	results := slices.Clone(p.before.results)
	for i := range results {
		res := &results[i]
		if !slices.ContainsFunc(claims, func(c fix.Claim) bool { return c.Rule == res.Rule.ID }) {
			continue
		}
		res.Verdicts = slices.Clone(res.Verdicts)
		res.Status = checks.Pass
		for k := range res.Verdicts {
			v := &res.Verdicts[k]
			if slices.Contains(claims, fix.Claim{Rule: res.Rule.ID, Subject: v.Subject, Key: v.Key}) {
				v.Status, v.Severity = checks.Pass, ""
			}
			if v.Status == checks.Fail || v.Status == checks.Unknown && res.Status != checks.Fail {
				res.Status = v.Status
			}
		}
	}
	s, _ := p.rubric.Score(cmp.Or(p.before.evidence.Role.Name, gather.Full), results)
	return s
}

func reportedChanges(changes []zone.Change) []report.Change {
	var out []report.Change
	for _, c := range changes {
		out = append(out, report.Change{Owner: c.Owner, Type: c.Type, Old: c.Remove, New: c.Add, TTL: int(c.TTL)})
	}
	return out
}
