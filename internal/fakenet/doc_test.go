package fakenet

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestDocumented holds the two descriptions of the format against the structs.
func TestDocumented(t *testing.T) {
	var keys []string
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for f := range typ.Fields() {
				key := f.Tag.Get("yaml")
				if typ == reflect.TypeFor[page]() {
					key = strings.ToLower(f.Name)
				}
				if key != "" {
					keys = append(keys, key)
					walk(f.Type)
				}
			}
		}
	}
	walk(reflect.TypeFor[hostsFile]())
	walk(reflect.TypeFor[dnsFile]())
	if len(keys) < 80 {
		t.Fatalf("only %d keys: %q", len(keys), keys)
	}
	for _, file := range []string{"doc.go", "../../docs/worlds.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		words := strings.FieldsFunc(string(text), func(r rune) bool { return r != '-' && (r < 'a' || 'z' < r) && (r < '0' || '9' < r) })
		for _, key := range slices.Concat(keys, dnsFaults[1:], connectionFaults[1:], hostileKinds, smtpStages[1:]) {
			if !slices.Contains(words, key) {
				t.Errorf("%s does not explain %q", file, key)
			}
		}
	}
}
