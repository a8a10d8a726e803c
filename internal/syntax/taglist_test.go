package syntax

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadTags(t *testing.T) {
	for _, c := range []struct{ text, tags, problems string }{
		{"", "", ""},
		{"v=1; p = a b ;", "v=1@0/2 p=a b@5/9", ""},
		{"a=1;\r\n\tb=\r\n c", "a=1@0/2 b=c@7/12", ""},
		{"a=;b=1", "a=@0/2 b=1@3/5", ""},
		{"a=x=y=", "a=x=y=@0/2", ""},
		{"a=1;;b=2", "a=1@0/2 b=2@5/7", "2@4"},
		{"a=1; ;\t;b=2", "a=1@0/2 b=2@8/10", "2@5"},
		{"a=1;;", "a=1@0/2", "3@4"},
		{";", "", "3@0"},
		{"a", "", "0@0"},
		{" a ;b=1", "b=1@4/6", "0@1"},
		{"=1", "", "1@0"},
		{"_a=1;1a=2;a-b=3;a_1=4", "_a=1@0/3 1a=2@5/8 a-b=3@10/14 a_1=4@16/20", "1@0 1@5 1@10"},
		{"a=1;a=2;A=3", "a=1@0/2 a=2@4/6 A=3@8/10", "4@4"},
		{"a=x\x00\xff", "a=x\x00\xff@0/2", "5@3"},
		{"a=\xc3\xa9", "a=\xc3\xa9@0/2", "5@2"},
		{"a=1;b=2;c=3;d=4", "a=1@0/2 b=2@4/6 c=3@8/10", "6@12"},
	} {
		tags, problems := ReadTags(c.text, 3)
		var got, wrong []string
		for _, tag := range tags {
			got = append(got, fmt.Sprintf("%s=%s@%d/%d", tag.Name, tag.Value, tag.Pos, tag.ValuePos))
		}
		for _, p := range problems {
			wrong = append(wrong, fmt.Sprintf("%d@%d", p.Fault, p.Pos))
		}
		if c.text == "_a=1;1a=2;a-b=3;a_1=4" { // more than three
			tags, _ = ReadTags(c.text, 4)
			got = append(got, fmt.Sprintf("%s=%s@%d/%d", tags[3].Name, tags[3].Value, tags[3].Pos, tags[3].ValuePos))
			wrong = wrong[:3]
		}
		if strings.Join(got, " ") != c.tags || strings.Join(wrong, " ") != c.problems {
			t.Errorf("%q:\n got %q, problems %q\nwant %q, problems %q", c.text, got, wrong, c.tags, c.problems)
		}
	}
}

func TestTagProblemWords(t *testing.T) {
	_, problems := ReadTags("a=1;;b;x-y=2;a=3;c=\x07;d=4;e=5;;", 5)
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	const want = `a semicolon with nothing before it|"b" is no name=value pair|"x-y" is no tag name|tag a occurs more than once|octet 0x07 in the value of c|only the first 5 tags are examined`
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("%s", text)
	}
}

// Positions point at what they name, whatever the text.
func FuzzReadTags(f *testing.F) {
	f.Add("v=1; a = b ;; c;d==e\x00;_=")
	f.Fuzz(func(t *testing.T, text string) {
		tags, problems := ReadTags(text, 50)
		if len(tags) > 50 {
			t.Fatal("more tags than asked for")
		}
		for _, tag := range tags {
			if !strings.HasPrefix(text[tag.Pos:], tag.Name) || !strings.HasPrefix(text[tag.ValuePos:], tag.Value) {
				t.Fatalf("%q: %+v", text, tag)
			}
		}
		for _, p := range problems {
			if p.Pos < 0 || p.Pos > len(text) || !strings.HasPrefix(text[p.Pos:], p.Item) {
				t.Fatalf("%q: %+v", text, p)
			}
		}
	})
}
