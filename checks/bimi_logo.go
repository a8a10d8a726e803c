package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/bimi"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// bimiLogoRules is about the file that the record names.
func bimiLogoRules() []Rule {
	return []Rule{
		{
			ID: "bimi-logo-fetch", Title: "the logo can be fetched", Refs: []string{bimiDraft}, When: bimiLogo,
			Judge: func(e *gather.Evidence) []Verdict { return []Verdict{bimiServed(e.BIMI.Logo)} },
		},
		{
			ID: "bimi-logo-profile", Title: "the logo is SVG in the profile for logos", Refs: []string{svgDraft, vmcDraft}, When: bimiLogo,
			Judge: judgeBIMILogo(
				bimi.NotSVG, bimi.BaseProfile, bimi.SVGVersion, bimi.TitleMissing, bimi.RootPosition,
				bimi.Script, bimi.Animation, bimi.EventHandler, bimi.ForeignObject, bimi.RasterImage,
				bimi.Reference, bimi.Interactive, bimi.OutOfProfile, bimi.Entity,
			),
		},
		{
			ID: "bimi-logo-size", Title: "the logo is small and square", Refs: []string{svgDraft, "guidance of the BIMI group for receivers"}, When: bimiLogo,
			Judge: judgeBIMILogo(bimi.Large, bimi.TooLarge, bimi.NotSquare, bimi.ViewBox),
		},
	}
}

// bimiLogo guards the rules about the logo.
func bimiLogo(e *gather.Evidence) (Status, string) {
	if status, why := bimiWanted(e); status != "" {
		return status, why
	}
	if e.BIMI.Logo == nil {
		return NotApplicable, "the record names no logo that could be fetched"
	}
	return "", ""
}

// judgeBIMILogo gives a verdict for each of these problems that the logo has.
func judgeBIMILogo(codes ...bimi.Code) func(*gather.Evidence) []Verdict {
	return func(e *gather.Evidence) []Verdict {
		svg, refs := e.BIMI.SVG, bimiDocumentRefs(e.BIMI.Logo)
		if svg == nil {
			v := bimiServed(e.BIMI.Logo)
			if v.Status == Fail {
				v.Status, v.Message = NotApplicable, "no logo came (bimi-logo-fetch)"
			}
			return []Verdict{v}
		}
		var out []Verdict
		for _, code := range codes {
			var found []bimi.Problem
			for _, p := range svg.Problems {
				if p.Code == code {
					found = append(found, p)
				}
			}
			if len(found) == 0 {
				continue
			}
			v := Verdict{Key: string(code), Status: Fail, Severity: Info, Evidence: refs, Message: clip(found[0].Text)}
			if len(found) > 1 {
				v.Message += fmt.Sprintf(" (and %d more of this kind)", len(found)-1)
			}
			out = append(out, v)
		}
		if svg.Has(bimi.TooLarge) && !slices.Contains(codes, bimi.TooLarge) {
			return unknown(refs, "the file is too large to be examined")
		}
		return out
	}
}

// bimiServed says whether a file came as receivers fetch it: from the address in
// the record, over a connection that verifies. Silence may be ours.
func bimiServed(d *bimi.Document) Verdict {
	v := Verdict{Status: Fail, Severity: Info, Evidence: bimiDocumentRefs(d)}
	switch p := d.Page(); {
	case p == nil && d.Fail != nil:
		v.Status, v.Message = Unknown, "the addresses of "+d.Host+" are not known: "+d.Fail.String()
	case p == nil:
		v.Message = fmt.Sprintf("%s, where %q should be, has no address", d.Host, clip(d.URL))
	case p.Fail != nil && p.Fail.Kind == wire.FailTLS:
		v.Message = fmt.Sprintf("%q cannot be fetched over a connection that verifies: %s", clip(d.URL), p.Fail.Text)
	case p.Fail != nil && p.Fail.Kind == wire.FailRefused:
		v.Message = fmt.Sprintf("%q cannot be fetched: %s", clip(d.URL), p.Fail.Text)
	case p.Fail != nil:
		v.Status, v.Message = Unknown, fmt.Sprintf("%q was not fetched: %s", clip(d.URL), p.Fail)
	case p.Status >= 300 && p.Status < 400:
		v.Message = fmt.Sprintf("%q redirects to %q, which receivers need not follow", clip(d.URL), clip(p.Location))
	case p.Status != 200:
		v.Message = fmt.Sprintf("the server answers with status %d for %q", p.Status, clip(d.URL))
	default:
		return Verdict{Status: Pass, Evidence: v.Evidence}
	}
	return v
}

// bimiDocumentRefs cites how a file was fetched, or where its host was looked for.
func bimiDocumentRefs(d *bimi.Document) []wire.Ref {
	if len(d.Tried) == 0 {
		return d.Hosts
	}
	var refs []wire.Ref
	for _, t := range d.Tried {
		refs = append(refs, t.Ref)
	}
	return refs
}

// bimiUnfetched says why a document could not be fetched, "" where it was.
func bimiUnfetched(d *bimi.Document) string {
	switch p := d.Page(); {
	case d == nil:
		return ""
	case d.Fail != nil:
		return d.Fail.String()
	case p != nil && p.Fail != nil:
		return p.Fail.String()
	}
	return ""
}
