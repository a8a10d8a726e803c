package fakenet

import "testing"

func TestWorlds(t *testing.T) {
	names := Worlds()
	if len(names) < 6 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		w, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if w.Name != name || w.Comment == "" || len(w.Domains) == 0 || len(w.Options) == 0 {
			t.Errorf("%s is thin: %q %q", name, w.Comment, w.Domains)
		}
		n := w.Start()
		c := newClient(t, dial(t, n, "tcp", "203.0.113.250:25"))
		if got := c.reply(); got != "220 mx.control.test ESMTP" {
			t.Errorf("%s: control host: %s", name, got)
		}
		n.Close()
	}
	if _, err := Load("none"); err == nil {
		t.Error("a world that does not exist was loaded")
	}
}
