package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/syntax"
	"mxvet/internal/wire"
)

// maxTargets is how many domains a recording may be of. One of so many is longer than
// any that is read, unless it holds next to no answers.
const maxTargets = 2000

// Replay makes the job answer from a recording: those of its domains that are
// named, or all, with the recorded options and time.
func (j *Job) Replay(tape *wire.Tape, domains ...string) error {
	header := tape.Header()
	rec, err := readRecorded(header.Options)
	if err != nil {
		return err
	}
	if len(rec.Targets) == 0 {
		return errors.New("the recording names no domain")
	}
	for _, t := range rec.Targets {
		if !syntax.DomainName(t.Domain) || t.Domain != strings.ToLower(t.Domain) {
			return fmt.Errorf("the recording is of %s, which is no domain name", syntax.Quote(t.Domain))
		}
		if err := t.Options.Check(); err != nil {
			return fmt.Errorf("options of the recording for %s: %w", t.Domain, err)
		}
	}
	for _, d := range domains {
		if !slices.ContainsFunc(rec.Targets, func(t Target) bool { return t.Domain == d }) {
			return fmt.Errorf("%s is not in this recording: it holds %s", d, held(rec.Targets))
		}
	}
	j.Targets = slices.DeleteFunc(rec.Targets, func(t Target) bool { return len(domains) > 0 && !slices.Contains(domains, t.Domain) })
	j.replayed = &receipt{}
	if err := readPart(header.Receipt, j.replayed); err != nil {
		return fmt.Errorf("receipt of the recording: %w", err)
	}
	j.laid, j.Tape, j.at = rec.Laid, tape, header.At
	return nil
}

// held names the domains of a recording, or the first of them.
func held(targets []Target) string {
	const most = 20
	var names []string
	for _, t := range targets[:min(len(targets), most)] {
		names = append(names, t.Domain)
	}
	if more := len(targets) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// readRecorded reads what was asked for. Domains are counted before they are read: a
// few octets of text can stand for much memory.
func readRecorded(options []byte) (recorded, error) {
	var parts struct {
		Targets json.RawMessage `json:"targets"`
		Laid    laid            `json:"laid"`
	}
	var rec recorded
	if err := readPart(options, &parts); err != nil {
		return rec, fmt.Errorf("options of the recording: %w", err)
	}
	rec.Laid = parts.Laid
	d := json.NewDecoder(bytes.NewReader(parts.Targets))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return rec, nil // no domains
	}
	for d.More() {
		if len(rec.Targets) == maxTargets {
			return rec, fmt.Errorf("options of the recording: more than %d domains", maxTargets)
		}
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return rec, fmt.Errorf("options of the recording: %w", err)
		}
		var t Target
		if err := readPart(one, &t); err != nil {
			return rec, fmt.Errorf("options of the recording: %w", err)
		}
		rec.Targets = append(rec.Targets, t)
	}
	return rec, nil
}

// readPart reads a part of a recording's header, and says in words why it cannot be.
func readPart(text []byte, v any) error {
	if len(text) == 0 {
		return errors.New("it has none, so it is no recording of an audit")
	}
	err := json.Unmarshal(text, v)
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if kind.Field == "" {
			return fmt.Errorf("%s: an object should stand there", kind.Value)
		}
		return fmt.Errorf("%q is a %s, which is not what a recording has there", kind.Field, kind.Value)
	}
	return err
}
