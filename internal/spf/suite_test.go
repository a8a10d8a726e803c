package spf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"mxvet/internal/wire"
)

// A suiteCase is one case of the test suite that the SPF community keeps, which
// comes with the module of the second evaluator.
type suiteCase struct {
	scenario, name string
	world          *world
	ip             netip.Addr
	sender, helo   string
	want           []string
	explanation    string
}

func (c suiteCase) String() string { return c.scenario + ": " + c.name }

// domain gives the name whose record is evaluated.
func (c suiteCase) domain() string {
	if _, domain, ok := strings.Cut(c.sender, "@"); ok && domain != "" {
		return domain
	}
	return c.helo
}

// suite reads the cases of one file, in a fixed order.
func suite(t *testing.T, file string) []suiteCase {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "blitiri.com.ar/go/spf").Output()
	if err != nil {
		t.Fatalf("go list -m blitiri.com.ar/go/spf: %v", err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []suiteCase
	for decoder := yaml.NewDecoder(f); ; {
		var scenario struct {
			Description string
			Tests       map[string]struct {
				Helo, Host, Mailfrom, Explanation string
				Result                            yaml.Node
			}
			Zonedata map[string][]yaml.Node
		}
		if err := decoder.Decode(&scenario); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		w := newWorld("")
		full := func(s string) string { return s }
		if file == "blitirispf-tests.yml" {
			full = qualified
		}
		for name, records := range scenario.Zonedata {
			w.suiteName(t, full(name), records, full)
		}
		for name, test := range scenario.Tests {
			ip, err := netip.ParseAddr(test.Host)
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, suiteCase{
				strings.TrimSpace(scenario.Description), name, w, ip,
				full(test.Mailfrom), test.Helo, texts(test.Result), test.Explanation,
			})
		}
	}
	slices.SortFunc(cases, func(a, b suiteCase) int { return strings.Compare(a.String(), b.String()) })
	return cases
}

// suiteName adds one name of a suite's zone data. Records of type SPF stand for
// TXT too unless TXT is given ("NONE" for none). TIMEOUT is the answer to the
// types that the name has no records of.
func (w *world) suiteName(t *testing.T, name string, records []yaml.Node, full func(string) string) {
	t.Helper()
	w.add(name, "", "")
	var spf []string
	hasTXT := false
	for _, r := range records {
		var typed map[string]yaml.Node
		if r.Kind == yaml.ScalarNode {
			typed = map[string]yaml.Node{r.Value: r}
		} else if err := r.Decode(&typed); err != nil {
			t.Fatal(err)
		}
		for rrtype, value := range typed {
			switch rrtype {
			case "TIMEOUT":
				w.breaks(name, "*", wire.FailTimeout)
			case "SERVFAIL", "CNAMELOOP":
				w.breaks(name, "*", wire.FailServfail)
			case "SPF", "TXT":
				var parts []string
				for _, s := range texts(value) {
					parts = append(parts, quote(full(s)))
				}
				data := strings.Join(parts, " ")
				if data == "" {
					data = `""`
				}
				if rrtype == "SPF" {
					w.add(name, "SPF", data)
					spf = append(spf, data)
					continue
				}
				hasTXT = true
				if data != `"NONE"` {
					w.add(name, "TXT", data)
				}
			case "MX":
				mx := texts(value)
				w.add(name, "MX", mx[0]+" "+presentation(strings.TrimSuffix(full(mx[1]), "."))+".")
			case "PTR", "CNAME":
				if value.Value != "" {
					w.add(name, rrtype, presentation(strings.TrimSuffix(value.Value, "."))+".")
				}
			case "A", "AAAA":
				for _, s := range texts(value) {
					w.add(name, rrtype, s)
				}
			default:
				t.Fatalf("%s: unknown type %s", name, rrtype)
			}
		}
	}
	if !hasTXT {
		for _, data := range spf {
			w.add(name, "TXT", data)
		}
	}
}

// qualified puts the names of one label that one suite is fond of under a domain:
// RFC 7208 allows them neither as target (section 7.1) nor as the domain to
// check (section 4.3), and the cases are about something else.
func qualified(s string) string {
	if !strings.ContainsAny(s, " :=@") && !strings.Contains(s, ".") && s != "" {
		return s + ".test"
	}
	return singleLabel.ReplaceAllString(s, "$1.test$2")
}

var singleLabel = regexp.MustCompile(`((?:a:|mx:|include:|exists:|ptr:|redirect=|@)[a-z0-9-]+)( |$)`)

// texts gives a scalar or a list of scalars as a list.
func texts(n yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var out []string
	for _, c := range n.Content {
		out = append(out, c.Value)
	}
	return out
}

func (c suiteCase) check() CheckResult {
	return Receiver{Name: "receiver.example", At: time.Unix(1700000000, 0)}.Check(context.Background(), c.world, c.ip, c.sender, c.helo)
}

// The evaluator must give the result, and the explanation where the suite names
// one. The suite writes IPv6 nibbles in upper case, RFC 7208 section 7.4 in
// lower case, so explanations are compared without case.
func TestEvaluatorAgainstSuite(t *testing.T) {
	for _, s := range []struct {
		file      string
		cases     int
		different map[string]string // cases in which the suite is not RFC 7208, and why
	}{
		{file: "rfc7208-tests.yml", cases: 203},
		{file: "rfc4408-tests.yml", cases: 191},
		{file: "pyspf-tests.yml", cases: 16, different: differentPyspf},
		{file: "blitirispf-tests.yml", cases: 83},
	} {
		cases := suite(t, s.file)
		if s.cases > 0 && len(cases) != s.cases {
			t.Errorf("%s has %d cases, want %d", s.file, len(cases), s.cases)
		}
		right, used := 0, 0
		for _, c := range cases {
			got := c.check()
			wrong := ""
			if !slices.Contains(c.want, string(got.Result)) {
				wrong = fmt.Sprintf("%s (%s %s), want %v", got.Result, got.Reason, got.Text, c.want)
			} else if x := c.explanation; x != "" && x != "DEFAULT" && !strings.EqualFold(x, got.Explanation) && !strings.EqualFold(x, strings.TrimSpace(got.Explanation)) {
				wrong = fmt.Sprintf("explanation %q, want %q", got.Explanation, x)
			} else if x == "DEFAULT" && got.Explanation != "" {
				wrong = fmt.Sprintf("explanation %q, want none", got.Explanation)
			}
			switch why, listed := s.different[c.name]; {
			case wrong == "":
				right++
			case listed:
				used++
				t.Logf("%s: %s: %s; %s", s.file, c, wrong, why)
			default:
				t.Errorf("%s: %s: %s", s.file, c, wrong)
			}
		}
		t.Logf("evaluator: %d/%d of %s, %d differ for known reasons", right, len(cases), s.file, used)
	}
}

var differentPyspf = map[string]string{
	"default-modifier":       "default= was in drafts only; RFC 7208 has receivers ignore it",
	"default-modifier-harsh": "default= was in drafts only; RFC 7208 has receivers ignore it",
}

// unknowable are cases of the suite in which the walk cannot tell the result.
var unknowable = map[string]string{}

// The walk knows no client. It is right about a case with the result permerror
// where it reports a reason for permerror. It is right about a case with another
// result where each reason that it reports lies at a place that the evaluation
// of that very client does not reach: behind a match, or in the other family.
// That the walk reports such places is its purpose: other clients reach them.
func TestWalkerAgainstSuite(t *testing.T) {
	cases := suite(t, "rfc7208-tests.yml")
	right, behind := 0, 0
	for _, c := range cases {
		tree := Lookup(context.Background(), c.world, c.domain())
		wrong := ""
		permerror := slices.Contains(c.want, string(ResultPermError))
		switch {
		case permerror && len(c.want) == 1:
			if len(tree.PermErrors) == 0 {
				wrong = "no reason for permerror found"
			}
		case !permerror:
			if len(tree.PermErrors) > 0 {
				behind++
			}
			if slices.Contains(c.want, string(ResultTempError)) && len(tree.TempErrors) == 0 {
				wrong = "no failed lookup found"
			}
			if slices.Contains(c.want, string(ResultNone)) != (len(tree.Root.Records) == 0 && len(tree.TempErrors) == 0) {
				wrong = "wrong about whether there is a record"
			}
			for _, f := range tree.PermErrors {
				if reached(c.check(), f, c.ip) {
					wrong = fmt.Sprintf("%s at %q was evaluated and gave %v: %s", f.Code, f.At, c.want, f.Text)
				}
			}
		}
		if wrong == "" {
			right++
		} else if why, ok := unknowable[c.name]; ok {
			t.Logf("%s: %s; %s", c, wrong, why)
		} else {
			t.Errorf("%s: %s", c, wrong)
		}
	}
	t.Logf("walker: %d/%d, of which %d have reasons for permerror behind a match", right, len(cases), behind)
	if right+len(unknowable) < len(cases) {
		t.Errorf("the walker agrees with %d of %d cases", right, len(cases))
	}
}

// reached reports whether an evaluation came to the place of a failure.
func reached(r CheckResult, f Failure, ip netip.Addr) bool {
	if client := 4; f.Family != 0 {
		if ip.Unmap().Is6() {
			client = 6
		}
		if f.Family != client {
			return false
		}
	}
	return slices.ContainsFunc(r.Trace, func(s TraceStep) bool {
		if f.Step < 0 {
			return s.At == f.At && s.Outcome == "record"
		}
		return s.At == f.At && s.Term != ""
	})
}

// Where the tree has nothing open and no fault, the set of passing addresses must
// tell the result of every case.
func TestNetworksAgainstSuite(t *testing.T) {
	compared := 0
	for _, file := range []string{"rfc7208-tests.yml", "rfc4408-tests.yml", "pyspf-tests.yml", "blitirispf-tests.yml"} {
		for _, c := range suite(t, file) {
			tree := Lookup(context.Background(), c.world, c.domain())
			if len(tree.Open) > 0 || tree.AtLeast || len(tree.PermErrors) > 0 || tree.Root.Record == nil {
				continue
			}
			compared++
			set := tree.Pass4
			if c.ip.Unmap().Is6() {
				set = tree.Pass6
			}
			if got := c.check(); set.Contains(c.ip) != (got.Result == ResultPass) {
				t.Errorf("%s: %s: the evaluation gives %s, the set of passing addresses %v", file, c, got.Result, set)
			}
		}
	}
	t.Logf("compared %d cases", compared)
	if compared < 100 {
		t.Errorf("only %d cases could be compared", compared)
	}
}
