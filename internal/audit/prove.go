package audit

import (
	"cmp"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/together"
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
	time   timing
	known  map[wire.Ref]bool // what the audit itself asked
	rubric *report.Rubric
	before trial
	meant  *intent       // nil where nothing is proposed as safe
	places chan struct{} // bounds the audits that run at a time
}

// prove proposes fixes for what failed, proves them, and puts them into the
// domain's result, with what all verified ones together lead to. Known are the
// requests that the audit itself made.
func (j *Job) prove(t timing, known map[wire.Ref]bool, rubric *report.Rubric, before trial, d *report.Domain) {
	p := &prover{job: j, time: t, known: known, rubric: rubric, before: before, places: make(chan struct{}, proofs)}
	var proposed, steps []fix.Fix
	for _, f := range fix.Propose(before.evidence, before.results) {
		if isSteps(f.ID) {
			steps = append(steps, f)
		} else {
			proposed = append(proposed, f)
		}
	}
	if slices.ContainsFunc(proposed, func(f fix.Fix) bool { return f.Safety == fix.SafeNow && len(f.Changes) > 0 }) {
		p.meant = intentOf(t.whole, p.source, before.evidence)
	}
	proven := make([]proof, len(proposed))
	var wg together.Group
	for i, f := range proposed {
		wg.Go(func() { proven[i] = p.proof(f) })
	}
	wg.Wait()
	proven = p.absorbed(slices.DeleteFunc(proven, proof.useless))

	d.Next = p.together(proven)
	cared := map[fix.Claim]bool{}
	for _, pr := range proven {
		claims := slices.Concat(pr.claims(), pr.later)
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
	slices.SortStableFunc(proven, p.byRisk)
	for _, pr := range proven {
		d.Fixes = append(d.Fixes, p.reported(pr))
	}
}

func isSteps(id string) bool { return strings.HasPrefix(id, "steps-") }

// byRisk orders fixes: in three groups, what can be published today, what needs
// evidence first, what is done on servers; in each, what removes the greatest risk
// first, by the severity of the worst finding that it clears, then by points; among
// equals what is safe. So what pays most never comes first because it pays most.
func (p *prover) byRisk(a, b proof) int {
	groups := []string{report.GroupPublish, report.GroupEvidence, report.GroupServers}
	safeties := []string{fix.SafeNow, fix.Manual, fix.NeedsInput, fix.NeedsEvidence}
	place := func(pr proof) int { return slices.Index(groups, pr.group()) }
	safe := func(pr proof) int {
		s, _ := pr.safety()
		return slices.Index(safeties, s)
	}
	if d := place(a) - place(b); d != 0 {
		return d
	}
	switch x, y := p.risk(a), p.risk(b); {
	case x.Worse(y):
		return -1
	case y.Worse(x):
		return 1
	}
	return cmp.Or(b.score.High-a.score.High, cmp.Compare(b.score.Raw, a.score.Raw), safe(a)-safe(b))
}

// risk gives the severity of the worst finding that a fix clears.
func (p *prover) risk(pr proof) checks.Severity {
	worst := checks.Info
	for _, c := range pr.claims() {
		if v := p.before.failure(c); v != nil && v.Severity.Worse(worst) {
			worst = v.Severity
		}
	}
	return worst
}

// claims gives the findings that a fix is reported to clear: those that its proof
// cleared, or, where there was none, those that it is for.
func (p proof) claims() []fix.Claim {
	if p.after != nil && len(p.cleared) > 0 {
		return p.cleared
	}
	return p.fix.Claims
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

// useless reports that a fix was tried and clears nothing of what it is for, now or
// later: it is no fix.
func (p proof) useless() bool {
	return p.after != nil && len(p.cleared)+len(p.later) == 0 && p.after.stands(p.fix.Claims)
}

// safety gives how safe a fix is: what no audit has shown to be harmless is never
// safe now.
func (p proof) safety() (safety, needs string) {
	switch {
	case p.fix.Safety != fix.SafeNow || p.verified():
		return p.fix.Safety, p.fix.Needs
	case len(p.fix.Changes) == 0:
		return fix.Manual, p.fix.Needs
	}
	return fix.NeedsEvidence, "that it does no harm"
}

// group says where a fix belongs: what can be published today, what needs evidence
// first, what is done on servers.
func (p proof) group() string {
	safety, _ := p.safety()
	switch {
	case !p.fix.Record():
		return report.GroupServers
	case safety == fix.NeedsEvidence:
		return report.GroupEvidence
	}
	return report.GroupPublish
}

func (p *prover) source() *remainder {
	return &remainder{tape: p.job.Tape, asking: p.time.asking, known: p.known}
}

// try audits the domain over changed records. Where time does not suffice, why says
// so; the trial is nil where there was none at all.
func (p *prover) try(changes []zone.Change) (t *trial, why string) {
	p.places <- struct{}{}
	defer func() { <-p.places }()
	if why := p.time.over(); why != "" {
		return nil, why
	}
	e, src := p.before.evidence, p.source()
	memo := wire.NewMemo(wire.NewOverlay(src, nil, changes))
	t = &trial{evidence: gather.Domain(p.time.whole, memo, p.job.Tables, e.At, e.Domain, e.Options)}
	t.judge(p.time.whole, p.rubric)
	if why := p.time.over(); why != "" {
		return nil, why
	}
	return t, src.unproven()
}

// proof tries one fix. Where the audit over its changes shows what stood behind
// the first fault, such as an SPF record that can be walked only once there is a
// single one, the fix is extended by what is proposed there, and tried again.
func (p *prover) proof(f fix.Fix) proof {
	if len(f.Changes) == 0 || f.Safety == fix.NeedsInput {
		out := proof{fix: f}
		if len(f.Changes) == 0 {
			p.stages(&out)
		}
		return out
	}
	out := p.attempt(f)
	for range 2 {
		if out.verified() || out.after == nil {
			break
		}
		more, ok := followUp(f, out.after)
		if !ok {
			break
		}
		f = f.Then(more, func(c fix.Claim) bool { return p.before.failure(c) != nil })
		if next := p.attempt(f); next.verified() {
			out = next
		} else {
			out.after = next.after
		}
	}
	p.stages(&out)
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

func (p *prover) attempt(f fix.Fix) proof {
	after, late := p.try(f.Changes)
	out := proof{fix: f, after: after, why: late}
	if after == nil {
		return out
	}
	out.cleared, out.why = p.compare(after, f.Claims, f.Safety == fix.SafeNow)
	out.why = cmp.Or(late, out.why, takesRole(p.before.evidence, after.evidence))
	if f.Safety == fix.SafeNow { // what nobody can look up is why a score would fall, too
		out.why = cmp.Or(late, spfUnheard(p.before.evidence, after.evidence), out.why)
	}
	if out.why == "" && f.Safety == fix.SafeNow {
		out.why = p.meant.loses(p.time.whole, f.Changes)
	}
	return out
}

// stages tries the later stages of a fix, each over all that comes before it. One
// that waits for what no audit can see today, such as a key that is to be made,
// promises nothing. One that is seen to do harm, to bring in what is high or to
// score lower than the stage before it, is left out with all that follow.
func (p *prover) stages(pr *proof) {
	changes, last := pr.fix.Changes, pr.after
	if last == nil {
		last = &p.before
	}
	for _, s := range pr.fix.Next {
		stage := report.Stage{When: s.When, Changes: reportedChanges(s.Changes)}
		if s.Untried || pr.fix.Safety == fix.NeedsInput {
			pr.stages = append(pr.stages, stage)
			continue
		}
		changes = fix.Squash(changes, s.Changes)
		after, late := p.try(changes)
		if after == nil {
			pr.stages = append(pr.stages, stage)
			continue
		}
		cleared, why := p.compare(after, p.before.claims(), false)
		if after.harms(last) {
			return
		}
		if stage.Verified = late == "" && why == ""; stage.Verified {
			stage.ScoreAfter, stage.ScoreAfterLow = after.score.Number, after.score.NumberLow
			var more []fix.Claim
			for _, c := range cleared {
				if !slices.Contains(pr.cleared, c) && !slices.Contains(pr.later, c) {
					more = append(more, c)
				}
			}
			stage.Rules, stage.Fingerprints = named(more)
			pr.later = append(pr.later, more...)
		}
		pr.stages, last = append(pr.stages, stage), after
	}
}

// together tries all verified fixes at once; nil where there are none.
func (p *prover) together(proven []proof) *report.Outcome {
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
	after, late := only, ""
	if n > 1 {
		after, late = p.try(changes)
	}
	if after == nil {
		return nil
	}
	cleared, why := p.compare(after, claims, safe)
	why = cmp.Or(late, why)
	return &report.Outcome{
		Mark: after.score.Mark, Fixes: n,
		Verified: why == "" && len(cleared) >= len(claims),
	}
}

// reported gives a fix as the report holds it.
func (p *prover) reported(pr proof) report.Fix {
	f := pr.fix
	out := report.Fix{
		ID: f.ID, Title: f.Title, Group: pr.group(), Effort: f.Effort, Undo: f.Undo.String(),
		Changes: reportedChanges(f.Changes), VisibleWithin: f.VisibleWithin,
		Next: pr.stages, Unverified: pr.why, Verified: pr.verified(),
	}
	if p.before.score.Stands() && (pr.after == nil || pr.score.Stands()) {
		was, now := p.before.score, pr.score
		out.ScoreAfter, out.ScoreAfterLow = new(now.High), new(now.Low)
		out.Points, out.PointsLow = new(now.High-was.High), new(now.Low-was.Low)
	}
	out.Safety, out.Needs = pr.safety()
	for _, s := range f.Steps {
		text, lines := s.Lines()
		out.Steps = append(out.Steps, report.Step{Text: text, Copy: lines})
	}
	out.Rules, out.Fingerprints = named(pr.claims())
	return out
}

// named gives the rules of claims, each once, and their fingerprints.
func named(claims []fix.Claim) (rules, fingerprints []string) {
	for _, c := range claims {
		if !slices.Contains(rules, c.Rule) {
			rules = append(rules, c.Rule)
		}
		fingerprints = append(fingerprints, report.Fingerprint(c.Rule, c.Subject, c.Key))
	}
	return rules, fingerprints
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
