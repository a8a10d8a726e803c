package audit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"mxvet/internal/gather"
)

// WorldOptions reads the options of a made-up world: the keys of gather.Options,
// beside domain and domains, which the world itself reads. A world talks to
// addresses of documentation, and asks the same questions at every run.
func WorldOptions(text []byte) (gather.Options, error) {
	fields := map[string]any{}
	if err := yaml.Unmarshal(text, &fields); err != nil {
		return gather.Options{}, fmt.Errorf("options: %w", err)
	}
	delete(fields, "domain")
	delete(fields, "domains")
	raw, err := json.Marshal(fields)
	if err != nil {
		return gather.Options{}, fmt.Errorf("options: %w", err)
	}
	o := gather.Options{AllowPrivate: true, Control: "mx.control.test", Seed: "world"}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		return gather.Options{}, fmt.Errorf("options: %w", err)
	}
	return o, nil
}
