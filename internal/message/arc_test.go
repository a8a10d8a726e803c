package message

import (
	"strings"
	"testing"

	"mxvet/internal/simulate"
)

// list is a mailing list: it sees a good message, changes it and seals it.
func listed(t *testing.T) *Message {
	t.Helper()
	m := parsed(t, librarySign(t, plain, ed("example.com", "s1")))
	m.Body = append(m.Body, "-- \r\nthe list\r\n"...)
	m.addSet(1, "none", "list.example; dkim=pass header.d=example.com; dmarc=pass header.from=example.com", signer{Domain: "list.example", Selector: "l1"})
	return m
}

func TestARC(t *testing.T) {
	second := signer{Domain: "second.example", Selector: "l2"}
	for name, c := range map[string]struct {
		change func(*Message)
		result string
		why    string
	}{
		"one set":  {func(*Message) {}, "pass", ""},
		"two sets": {func(m *Message) { m.addSet(2, "pass", "second.example; arc=pass", second) }, "pass", ""},
		"two sets, changed between": {func(m *Message) {
			m.Body = append(m.Body, "again\r\n"...)
			m.addSet(2, "pass", "second.example; arc=pass", second)
		}, "pass", ""},
		"body changed after sealing": {func(m *Message) { m.Body = append(m.Body, "x\r\n"...) }, "fail", "message signature of set 1"},
		"results changed": {func(m *Message) {
			m.Fields[2].Raw = strings.Replace(m.Fields[2].Raw, "dmarc=pass", "dmarc=fail", 1)
		}, "fail", "seal of set 1"},
		"first set changed under a second": {func(m *Message) {
			m.addSet(2, "pass", "second.example; arc=pass", second)
			m.Fields[5].Raw = strings.Replace(m.Fields[5].Raw, "dmarc=pass", "dmarc=fail", 1)
		}, "fail", "seal of set 2"},
		"set missing":                       {func(m *Message) { m.addSet(3, "pass", "second.example; arc=pass", second) }, "fail", "no set with instance 2"},
		"seal missing":                      {func(m *Message) { m.Fields = m.Fields[1:] }, "fail", "0 ARC-Seal"},
		"two seals of a number":             {func(m *Message) { m.prepend(m.Fields[0]) }, "fail", "2 ARC-Seal"},
		"first set says pass":               {func(m *Message) { m.Fields = m.Fields[3:]; m.addSet(1, "pass", "x", second) }, "fail", "must say cv=none"},
		"sealer found it broken":            {func(m *Message) { m.addSet(2, "fail", "x", second) }, "fail", "found the chain broken"},
		"sealer found it broken, and a gap": {func(m *Message) { m.addSet(3, "fail", "x", second) }, "fail", "found the chain broken"},
		"instance is no number":             {func(m *Message) { m.prepend(Field{"ARC-Seal", "ARC-Seal: i=x; b=y\r\n"}) }, "fail", "no instance number"},
		"signatures above that say nothing": {func(m *Message) {
			for range 100 {
				m.prepend(Field{"DKIM-Signature", "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=x.example; s=x; h=from; bh=AAAA; b=AAAA\r\n"})
			}
		}, "pass", ""},
		"key missing":          {func(m *Message) { m.addSet(2, "pass", "x", signer{Domain: "second.example", Selector: "s1"}) }, "fail", "no key record"},
		"everything taken out": {func(m *Message) { m.Fields = m.Fields[3:] }, "none", ""},
		"results alone":        {func(m *Message) { m.Fields = m.Fields[2:] }, "fail", "0 ARC-Message-Signature"},
		"seal names header fields": {func(m *Message) {
			m.Fields[0].Raw = strings.Replace(m.Fields[0].Raw, "cv=none;", "cv=none; h=from;", 1)
		}, "fail", "tag h"},
	} {
		m := listed(t)
		c.change(m)
		r := check(t, world(t), received(string(m.text()), "list-bounces@list.example", "list.example", "198.51.100.9"))
		if r.ARC.Result != c.result || !strings.Contains(r.ARC.Why, c.why) || c.result == "pass" && r.ARC.Why != "" {
			t.Errorf("%s: %s (%s), want %s (%s)", name, r.ARC.Result, r.ARC.Why, c.result, c.why)
		}
		if want := map[string]int{"two sets, changed between": 2}[name]; r.ARC.Oldest != want {
			t.Errorf("%s: unchanged since set %d, want %d", name, r.ARC.Oldest, want)
		}
		want := simulate.Fail
		if r.More > 0 { // nobody knows what the signatures are worth that were not verified
			want = simulate.Unknown
		}
		if r.Verdict != want {
			t.Errorf("%s: seals made the message pass", name)
		}
	}
	m := listed(t)
	r := check(t, silent{world(t), "l1._domainkey.list.example"}, string(m.text()))
	if r.ARC.Result != simulate.ResultTempError || r.ARC.Sets[0].Seal != simulate.ResultTempError {
		t.Errorf("no answer about the key: %+v", r.ARC)
	}
}

// What a forwarder saw is set beside what we see.
func TestARCComparedWithOurs(t *testing.T) {
	m := listed(t)
	r := check(t, world(t), received(string(m.text()), "list-bounces@list.example", "list.example", "198.51.100.9"))
	said := r.ARC.Sets[0].Said
	if said == nil || said.ID != "list.example" || len(said.Claims) != 2 || said.Trusted {
		t.Fatalf("%+v", said)
	}
	if c := said.Claims[0]; c.Method != "dkim" || c.Result != "pass" || c.Ours != "fail" || c.Agrees {
		t.Errorf("%+v", c)
	}
	if c := said.Claims[1]; c.Method != "dmarc" || c.Ours != "fail" || c.Agrees {
		t.Errorf("%+v", c)
	}
}
