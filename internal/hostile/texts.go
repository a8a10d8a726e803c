package hostile

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed texts.txt
var textFile string

// Texts gives texts that hurt a reader who takes them for more than text.
func Texts() (out []string) {
	for line := range strings.Lines(textFile) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		s, err := strconv.Unquote(line)
		if err != nil {
			panic("hostile: " + line + ": " + err.Error())
		}
		out = append(out, s)
	}
	return out
}
