package zone

import (
	"fmt"
	"strconv"
	"strings"
)

// A few octets of $GENERATE stand for many: one may make maxSteps records, all
// of a text together maxMade octets and MaxRecords records.
const (
	maxSteps = 65536
	maxMade  = 4 << 20
)

// generate makes the records of "$GENERATE start-stop[/step] owner [ttl] [class]
// type data", a directive of BIND: a $ stands for the counter, ${offset,width,base}
// for the counter in another form, and \$ for itself.
func (p *parser) generate(e entry) {
	if len(e.words) < 5 {
		p.fail(e.line, "$GENERATE takes a range, an owner name, a type and data")
		return
	}
	start, stop, step, ok := parseRange(e.words[1].text)
	if !ok {
		p.fail(e.line, "$GENERATE: %q is not a range of at most %d steps", clip(e.words[1].text), maxSteps)
		return
	}
	for n := start; n <= stop && !p.late() && !p.stopped; n += step {
		made := entry{line: e.line}
		for _, w := range e.words[2:] {
			text, why := count(w.text, n)
			if why != "" {
				p.fail(e.line, "$GENERATE: %s", why)
				return
			}
			made.words = append(made.words, word{text, w.quoted, w.col})
			p.made += len(text)
		}
		if p.made > maxMade {
			p.fail(e.line, "$GENERATE: more than %d octets of text in all", maxMade)
			p.stopped = true
			return
		}
		faults := len(p.errs)
		p.record(made, false)
		if len(p.errs) > faults {
			return // the steps after it would only say the same
		}
	}
}

func parseRange(s string) (start, stop, step int, ok bool) {
	span, by, stepped := strings.Cut(s, "/")
	from, to, _ := strings.Cut(span, "-")
	start, err1 := number(from)
	stop, err2 := number(to)
	step = 1
	var err3 error
	if stepped {
		step, err3 = number(by)
	}
	ok = err1 == nil && err2 == nil && err3 == nil && step > 0 && start <= stop && (stop-start)/step < maxSteps
	return start, stop, step, ok
}

func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// count puts counter n into s.
func count(s string, n int) (out, why string) {
	if !strings.Contains(s, "$") {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] != '$' {
				b.WriteByte(s[i])
			}
			i++
			b.WriteByte(s[i])
		case s[i] != '$':
			b.WriteByte(s[i])
		case strings.HasPrefix(s[i:], "$$"):
			b.WriteByte('$')
			i++
		case strings.HasPrefix(s[i:], "${"):
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return "", "a ${ that is never closed"
			}
			form, why := modify(s[i+2:i+end], n)
			if why != "" {
				return "", why
			}
			b.WriteString(form)
			i += end
		default:
			b.WriteString(strconv.Itoa(n))
		}
	}
	return b.String(), ""
}

// modify writes the counter in the form "offset[,width[,base]]".
func modify(form string, n int) (out, why string) {
	bad := fmt.Sprintf("${%s} is not offset,width,base with a width up to 63 and a base of d, o, x or X", clip(form))
	f := strings.Split(form, ",")
	offset, err := strconv.ParseInt(f[0], 10, 32)
	if err != nil || len(f) > 3 {
		return "", bad
	}
	n += int(offset)
	width := 0
	if len(f) > 1 {
		if width, err = number(f[1]); err != nil || width > 63 {
			return "", bad
		}
	}
	verb := "d"
	if len(f) > 2 {
		verb = f[2]
	}
	if n < 0 || len(verb) != 1 || !strings.Contains("doxX", verb) {
		return "", bad
	}
	return fmt.Sprintf("%0*"+verb, width, n), ""
}
