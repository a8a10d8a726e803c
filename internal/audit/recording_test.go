package audit_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/audit"
	"mxvet/internal/together"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

var (
	mutants      = flag.Int("recordings", 150, "mutated recordings to judge")
	mutantsSeed  = flag.Uint64("recordings.seed", 1, "seed of the mutations; 0 is a new one")
	mutantsFirst = flag.Int("recordings.first", 0, "number of the first mutant, to have one again")
	mutantsKeep  = flag.String("recordings.keep", "", "folder to keep recordings in that cannot be judged")
)

// recordings makes recordings of worlds and scenarios, as --record does.
func recordings(t *testing.T, random *rand.Rand, most int) [][]byte {
	t.Helper()
	subjects := harmSubjects(t)
	random.Shuffle(len(subjects), func(i, k int) { subjects[i], subjects[k] = subjects[k], subjects[i] })
	var out [][]byte
	for _, s := range subjects[:min(most, len(subjects))] {
		out = append(out, recording(t, s))
	}
	return out
}

// recording audits the first domain of a world and gives the recording.
func recording(t *testing.T, s harmSubject) []byte {
	t.Helper()
	o, err := audit.WorldOptions(s.world.Options)
	if err != nil {
		t.Fatal(err)
	}
	var tape bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		online(t, s.world, o, func(src wire.Source) {
			job := audit.Job{Targets: audit.Targets(s.world.Domains[:1], o), Tables: tables(), Now: time.Now}
			if err := job.Start(src, s.world.Now); err != nil {
				t.Fatal(err)
			}
			if _, err := audit.Run(t.Context(), job); err != nil {
				t.Fatal(err)
			}
			if err := job.Tape.Save(&tape); err != nil {
				t.Fatal(err)
			}
		})
	})
	return tape.Bytes()
}

// A recording in which a server offers its extensions and never greeted ended the
// program with a nil pointer. The mutations find such; this one is named.
func TestRecordingWithoutBanner(t *testing.T) {
	for _, s := range harmSubjects(t) {
		if s.name != "world model" {
			continue
		}
		tape := decoded(t, recording(t, s))
		for _, stage := range []string{"banner", "ehlo", "connect"} {
			for _, session := range tape["sessions"].(map[string]any) {
				session := session.(map[string]any)
				exchanges, _ := session["exchanges"].([]any)
				session["exchanges"] = slices.DeleteFunc(exchanges, func(x any) bool { return x.(map[string]any)["stage"] == stage })
			}
			data, err := json.Marshal(tape)
			if err != nil {
				t.Fatal(err)
			}
			if loaded, bad := judged(t, data); !loaded || bad != "" {
				t.Errorf("without %s: loaded %v: %s", stage, loaded, bad)
			}
		}
		return
	}
	t.Fatal("no such world")
}

// A recording whose answers are all failures by their RCODE alone, as somebody may
// have edited it, ended the program with a nil pointer.
func TestRecordingOfFailures(t *testing.T) {
	i := slices.IndexFunc(harmSubjects(t), func(s harmSubject) bool { return s.name == "world model" })
	base := recording(t, harmSubjects(t)[i])
	for _, rcode := range []string{"SERVFAIL", "REFUSED", "FORMERR", "RCODE12", "nonsense", ""} {
		tape := decoded(t, base)
		for _, answer := range tape["dns"].(map[string]any) {
			answer.(map[string]any)["rcode"] = rcode
		}
		data, err := json.Marshal(tape)
		if err != nil {
			t.Fatal(err)
		}
		if loaded, bad := judged(t, data); !loaded || bad != "" {
			t.Errorf("rcode %q: loaded %v: %s", rcode, loaded, bad)
			continue
		}
		_, r := replayed(t, data)
		for _, area := range []string{"mx", "spf", "dmarc"} {
			if !slices.Contains(r.Domains[0].Unanswered, area) {
				t.Errorf("rcode %q: %s counts as answered", rcode, area)
			}
		}
	}
}

// Whatever recording loads can be judged and told, whoever made it: changed ones,
// most of which load, are replayed and written in every form.
func TestMutatedRecordings(t *testing.T) {
	seed := *mutantsSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	random := rand.New(rand.NewPCG(seed, 0))
	bases := recordings(t, random, 4+*mutants/20)
	var words []string
	for _, b := range bases {
		words = append(words, texts(decoded(t, b))...)
	}
	var loaded, tried atomic.Int64
	var mu sync.Mutex
	places := map[string]int{}
	next := make(chan int)
	var running together.Group
	for range 2 {
		running.Go(func() {
			for i := range next {
				m := &mutator{rand.New(rand.NewPCG(seed, uint64(i)+1)), words}
				tape := decoded(t, bases[m.IntN(len(bases))])
				m.mutate(tape, 1+m.IntN(8))
				data, err := json.Marshal(tape)
				if err != nil {
					t.Error(err)
					continue
				}
				tried.Add(1)
				judged, bad := judged(t, data)
				if judged {
					loaded.Add(1)
				}
				if bad != "" {
					mu.Lock()
					if places[bad]++; places[bad] == 1 {
						t.Errorf("-recordings.seed %d -recordings.first %d: %s", seed, i, bad)
						if *mutantsKeep != "" {
							if err := os.WriteFile(fmt.Sprintf("%s/%d-%d.json", *mutantsKeep, seed, i), data, 0o600); err != nil {
								t.Error(err)
							}
						}
					}
					mu.Unlock()
				}
			}
		})
	}
	for i := range *mutants {
		next <- *mutantsFirst + i
	}
	close(next)
	running.Wait()
	t.Logf("seed %d: %d of %d mutants of %d recordings loaded", seed, loaded.Load(), tried.Load(), len(bases))
	if *mutants > 50 && loaded.Load()*3 < tried.Load()*2 {
		t.Errorf("only %d of %d mutants loaded: the rest says nothing", loaded.Load(), tried.Load())
	}
}

// A report of others, too, is told in every form whatever stands in it.
func TestMutatedReports(t *testing.T) {
	var bases [][]byte
	for _, s := range harmSubjects(t) {
		if s.name == "world broken" || s.name == "world young" {
			_, r := replayed(t, recording(t, s))
			var js bytes.Buffer
			if err := report.JSON(&js, r); err != nil {
				t.Fatal(err)
			}
			bases = append(bases, js.Bytes())
		}
	}
	read := 0
	for i := range *mutants {
		m := &mutator{rand.New(rand.NewPCG(*mutantsSeed, uint64(*mutantsFirst+i)+1)), nil}
		tree := decoded(t, bases[m.IntN(len(bases))])
		for range 1 + m.IntN(4) {
			m.anywhere(tree, "")
		}
		data, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		loaded, bad := told(data)
		if loaded {
			read++
		}
		if bad != "" {
			t.Errorf("-recordings.seed %d -recordings.first %d: %s", *mutantsSeed, *mutantsFirst+i, bad)
		}
	}
	if *mutants > 50 && read*2 < *mutants {
		t.Errorf("only %d of %d were read", read, *mutants)
	}
}

// told reads a stored report and writes it in every form.
func told(data []byte) (read bool, bad string) {
	defer func() {
		if v := recover(); v != nil {
			bad = together.Caught(v).Error()
		}
	}()
	r, err := report.Parse(data)
	if err != nil {
		return false, ""
	}
	return true, unreadable(r)
}

func decoded(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// judged replays a recording and writes the report in every form. It says whether
// it loaded, and what is wrong.
func judged(t *testing.T, data []byte) (loaded bool, bad string) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			bad = together.Caught(v).Error()
		}
	}()
	tape, err := wire.LoadTape(bytes.NewReader(data))
	if err != nil {
		return false, ""
	}
	job := audit.Job{Tables: tables(), Now: time.Now}
	if err := job.Replay(tape); err != nil {
		return false, ""
	}
	r, err := audit.Run(t.Context(), job)
	if err != nil {
		return true, "it is not judged: " + err.Error()
	}
	return true, unreadable(r)
}

// unreadable writes a report in every form and gives what its reader would not take
// or should never see; "" where all is well.
func unreadable(r *report.Report) string {
	var text, html, js, zoned bytes.Buffer
	for _, form := range []func() error{
		func() error { return report.Text(&text, r, report.TextOptions{}) },
		func() error { return report.Text(&text, r, report.TextOptions{Wide: true, Verbose: true, Width: 100}) },
		func() error { return report.HTML(&html, r) },
		func() error { return report.JSON(&js, r) },
		func() error { return report.Zone(&zoned, r) },
	} {
		if err := form(); err != nil {
			return err.Error()
		}
	}
	for name, out := range map[string]string{"text": text.String(), "HTML": html.String(), "JSON": js.String(), "zone": zoned.String()} {
		if i := strings.IndexFunc(out, func(c rune) bool {
			return c != '\n' && (c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x202e || c == 0x2028)
		}); i >= 0 {
			return fmt.Sprintf("a control character in the %s: %q", name, out[max(0, i-30):min(len(out), i+20)])
		}
	}
	if again, err := report.Parse(js.Bytes()); err != nil {
		return "the JSON cannot be read: " + err.Error()
	} else if err := report.Text(io.Discard, again, report.TextOptions{}); err != nil {
		return err.Error()
	}
	if _, err := zone.Parse(&zoned, "fixes", "."); err != nil {
		return "the zone cannot be read: " + err.Error()
	}
	return ""
}
