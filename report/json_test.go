package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchema holds the stored schema against the structs.
func TestSchema(t *testing.T) {
	r := invopop.Reflector{
		Anonymous: true, AllowAdditionalProperties: true, // a minor version may add
		Mapper: func(typ reflect.Type) *invopop.Schema {
			if typ == reflect.TypeFor[Points]() {
				return &invopop.Schema{Type: "number"} // score points in decimal
			}
			return nil
		},
	}
	if err := r.AddGoComments("mxvet/report", "./"); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&Report{})
	s.Title = SchemaID
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile("schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(got), string(Schema())); diff != "" {
		t.Errorf("schema.json is not what the structs say (go test ./report -update writes it):\n%s", diff)
	}
}

func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestJSON holds that every sample fits the schema, says null for no list, gives
// the same bytes each time, and reads back as it was.
func TestJSON(t *testing.T) {
	schema := validator(t)
	for name, r := range stored(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := JSON(&out, r); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", out.Bytes())
			if plain := strings.ReplaceAll(out.String(), "\n", ""); Sanitize(plain) != plain {
				t.Error("the file holds control characters")
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Error(err)
			}
			back, err := Parse(out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if err := JSON(&again, back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(out.String(), again.String()); diff != "" {
				t.Errorf("the report changes when read back:\n%s", diff)
			}
			var text, textAgain bytes.Buffer
			if err := Text(&text, r, TextOptions{Verbose: true}); err != nil {
				t.Fatal(err)
			}
			if err := Text(&textAgain, back, TextOptions{Verbose: true}); err != nil {
				t.Fatal(err)
			}
			if text.String() != textAgain.String() {
				t.Errorf("the stored report looks different:\n%s", cmp.Diff(text.String(), textAgain.String()))
			}
		})
	}
}

// TestStoredReports holds that every report stored so far still fits the schema
// and renders.
func TestStoredReports(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(reports, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stored reports: %v", err)
	}
	schema := validator(t)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		r, err := Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if err := Text(&bytes.Buffer{}, r, TextOptions{Wide: true, Verbose: true}); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := validator(t)
	var out bytes.Buffer
	if err := JSON(&out, sampleClean(t)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"other schema":   {SchemaID, "mxvet.report/2"},
		"list is null":   {`"fixes": []`, `"fixes": null`},
		"missing field":  {`"queries": 41,`, ""},
		"score too high": {`"score": 100`, `"score": 101`},
		"other answer":   {`"answer": "YES"`, `"answer": "MAYBE"`},
	} {
		bad := strings.Replace(out.String(), change[0], change[1], 1)
		if bad == out.String() {
			t.Errorf("%s: %s is not in the report", name, change[0])
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", "{}", "[]", `{"schema": "mxvet.report/9"}`, `{"schema": "mxvet.report/1", "domains": 3}`} {
		if _, err := Parse([]byte(in)); err == nil {
			t.Errorf("Parse(%q) reads it", in)
		}
	}
}

func TestPointsJSON(t *testing.T) {
	for p, want := range map[Points]string{0: "0", 5: "0.05", 375: "3.75", 2500: "25", 9990: "99.9", -40: "-0.4"} {
		b, err := json.Marshal(p)
		if err != nil || string(b) != want {
			t.Errorf("%d is written %s, want %s (%v)", int(p), b, want, err)
		}
		var back Points
		if err := json.Unmarshal(b, &back); err != nil || back != p {
			t.Errorf("%s is read as %d, want %d (%v)", b, int(back), int(p), err)
		}
	}
}
