package fakenet

import (
	"cmp"
	"strings"
)

// hostileReply sends the attack; false ends the conversation. The code is the
// one that a client hopes for, so that it reads on.
func (s *smtpSession) hostileReply(h *hostileSpec) bool {
	code := "250"
	switch h.At {
	case "", "banner", "starttls":
		code = "220"
	case "quit":
		code = "221"
	}
	switch h.Kind {
	case "long-line":
		return s.write(code+" "+strings.Repeat("x", cmp.Or(h.Size, 100000))+"\r\n") == nil
	case "many-lines":
		for range cmp.Or(h.Size, 10000) {
			if s.write(code+"-line\r\n") != nil {
				return false
			}
		}
		return s.write(code+" end\r\n") == nil
	case "endless-line":
		if s.write(code+" ") != nil {
			return false
		}
		return s.forever(strings.Repeat("x", 4096))
	case "endless":
		return s.forever(strings.Repeat(code+"-more\r\n", 256))
	case "binary":
		return s.write("\x00\xff\xfe\r\n\x16\x03\x01\x02\x00\x01\r\n\x80\x81\x82\n") == nil
	case "nul":
		return s.write(code+" mx\x00.example\x00\x00 ESMTP\r\n") == nil
	case "escape":
		return s.write(code+" \x1b]0;owned\x07\x1b[2J\x1b[H\x1b[32mSCORE 100 A\x1b[0m \u202egnp.exe \x9b31m\r\n") == nil
	case "bare-lf":
		return s.write(code+"-one\n"+code+" two\n") == nil
	case "bare-cr":
		return s.write(code+" one\r"+code+" two\r\n") == nil
	case "no-code":
		return s.write("hello there\r\n") == nil
	case "mixed-codes":
		return s.write(code+"-one\r\n550-two\r\n"+code+" three\r\n") == nil
	case "unfinished":
		s.write(code + " this line has no e")
		return false
	case "html":
		return s.write(code+" <script>alert(1)</script><img src=x onerror=alert(2)> ]]> & \"' `x` |a|b| =1+1\r\n") == nil
	}
	return false
}

// forever writes until the client has gone.
func (s *smtpSession) forever(text string) bool {
	for s.write(text) == nil {
		select {
		case <-s.net.done:
			return false
		default:
		}
	}
	return false
}
