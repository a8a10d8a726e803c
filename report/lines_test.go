package report

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	p := Lines{Width: 40}
	p.Head("RESULT", "pass: %s", strings.Repeat("word ", 10))
	p.Say(2, "from \x1b[31m%s", "a\nb")
	p.Row(2, []int{6, 4}, "pass", "spf", "a text that does not fit into what is left of the line")
	p.Verbatim(4, "v=spf1 "+strings.Repeat("include:example.net ", 4)+"-all")
	p.Blank()
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := `RESULT      pass: word word word word
            word word word word word
            word
  from \x1b[31ma\x0ab
  pass    spf   a text that does not fit
                  into what is left of
                  the line
    v=spf1 include:example.net include:example.net include:example.net include:example.net -all

`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
