package fakenet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// maxCommand bounds a command line; RFC 5321 section 4.5.3.1.4 asks for 512.
const maxCommand = 2048

// An smtpSession is one conversation with a scripted mail server.
type smtpSession struct {
	net   *Net
	spec  *smtpSpec
	svc   *service
	host  string
	where *visit

	conn   net.Conn
	rd     *bufio.Reader
	tls    bool
	helo   string
	from   *string
	rcpts  int
	asked  int // RCPT commands so far
	failed int // commands that were not understood
}

// errQuit ends a conversation.
var errQuit = errors.New("the conversation is over")

func (n *Net) serveSMTP(c net.Conn, svc *service, host string, v *visit) {
	s := &smtpSession{net: n, spec: svc.smtp, svc: svc, host: host, where: v, conn: c, rd: bufio.NewReaderSize(c, maxCommand)}
	if svc.kind == "submissions" {
		if !s.handshake("tls") {
			return
		}
	}
	if !n.sleep(time.Duration(s.spec.Greet)) || s.banner() != nil {
		return
	}
	for {
		line, err := s.readLine()
		if err != nil {
			return
		}
		if !n.sleep(time.Duration(s.spec.Tarpit)) || s.command(line) != nil {
			return
		}
	}
}

// readLine gives one line without its end; one that is too long is "\x00".
func (s *smtpSession) readLine() (string, error) {
	line, err := s.rd.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = s.rd.ReadSlice('\n')
		}
		return "\x00", err
	}
	return strings.TrimRight(string(line), "\r\n"), err
}

// handshake does TLS; false ends the conversation.
func (s *smtpSession) handshake(stage string) bool {
	if s.misbehave(stage) != nil {
		return false
	}
	early, _ := s.rd.Peek(s.rd.Buffered())
	early = slices.Clone(early)
	t, err := s.net.upgrade(s.conn, s.svc.tls, s.host, []string{s.host}, s.where.sni)
	if err != nil {
		return false
	}
	s.conn, s.tls, s.helo, s.from, s.rcpts = t, true, "", nil, 0
	var src io.Reader = t
	if s.spec.Injection { // what was sent too early is run as if it came inside TLS
		src = io.MultiReader(strings.NewReader(string(early)), t)
	}
	s.rd = bufio.NewReaderSize(src, maxCommand)
	return true
}

func (s *smtpSession) banner() error {
	code := s.spec.Code
	if code == 0 {
		code = 220
	}
	if s.spec.MaxConns > 0 && s.where.open() > s.spec.MaxConns {
		s.write("421 4.7.0 " + s.spec.Name + " too many connections from your address\r\n")
		return errQuit
	}
	text := s.spec.Banner
	if len(text) == 0 {
		text = list{s.spec.Name + " ESMTP"}
	}
	lines := make(list, len(text))
	for i, t := range text {
		lines[i] = fmt.Sprintf("%03d %s", code, t)
	}
	if raw, ok := strings.CutPrefix(text[0], "raw:"); ok {
		lines = list{"raw:" + raw}
	}
	return s.reply("banner", lines...)
}

// misbehave does what the spec wants instead of a reply at this stage.
func (s *smtpSession) misbehave(stage string) error {
	if stage == "" {
		return nil
	}
	switch stage {
	case s.spec.CloseAt:
		return errQuit
	case s.spec.ResetAt:
		abort(s.conn)
		return errQuit
	case s.spec.SilentAt:
		io.Copy(io.Discard, s.rd)
		return errQuit
	}
	if h := s.spec.Hostile; h != nil && (h.At == stage || h.At == "" && stage == "banner") {
		if !s.hostileReply(h) {
			return errQuit
		}
		return errReplied
	}
	return nil
}

// errReplied says that the reply has been sent already.
var errReplied = errors.New("replied")

func (s *smtpSession) reply(stage string, lines ...string) error {
	switch err := s.misbehave(stage); {
	case errors.Is(err, errReplied):
	case err != nil:
		return err
	default:
		if err := s.write(formatReply(lines)); err != nil {
			return err
		}
	}
	if stage != "" && s.spec.CloseAfter == stage {
		return errQuit
	}
	return nil
}

func (s *smtpSession) write(text string) error {
	_, err := io.WriteString(s.conn, text)
	return err
}

// scripted gives the reply that the author wrote for the verb.
func (s *smtpSession) scripted(verb string) list {
	if s.tls {
		if l := s.spec.Replies[verb+" after-tls"]; len(l) > 0 {
			return l
		}
	}
	return s.spec.Replies[verb]
}

func (s *smtpSession) command(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	verb = strings.ToLower(verb)
	s.net.countCommand(verb)
	stage := verb
	if s.tls && verb == "ehlo" {
		stage = "ehlo-tls"
	}
	if l := s.scripted(verb); len(l) > 0 {
		if err := s.reply(stage, l...); err != nil {
			return err
		}
		if strings.HasPrefix(l[0], "421") || verb == "quit" {
			return errQuit
		}
		if l[0][0] == '2' && verb == "starttls" {
			return s.startTLS()
		}
		return nil
	}
	switch verb {
	case "ehlo", "helo":
		if arg == "" {
			return s.reply(stage, "501 5.5.4 a name is wanted")
		}
		s.helo, s.from, s.rcpts = arg, nil, 0
		if verb == "helo" {
			return s.reply(stage, "250 "+s.spec.Name)
		}
		return s.reply(stage, s.features()...)
	case "starttls":
		return s.starttls(stage, arg)
	case "mail":
		return s.reply(stage, s.mail(arg))
	case "rcpt":
		return s.rcpt(arg)
	case "data":
		return s.data(stage)
	case "rset":
		s.from, s.rcpts = nil, 0
		return s.reply(stage, "250 2.0.0 Ok")
	case "noop":
		return s.reply(stage, "250 2.0.0 Ok")
	case "vrfy":
		return s.reply(stage, "252 2.0.0 send some mail, I will try my best")
	case "auth":
		if len(s.mechanisms()) == 0 {
			return s.reply(stage, "503 5.5.1 authentication is not offered")
		}
		return s.reply(stage, "535 5.7.8 authentication failed")
	case "quit":
		s.reply(stage, "221 2.0.0 Bye")
		return errQuit
	}
	s.failed++
	if l := s.spec.Replies["unknown"]; len(l) > 0 {
		return s.reply("", l...)
	}
	if s.failed > 20 {
		s.reply("", "421 4.7.0 "+s.spec.Name+" too many errors")
		return errQuit
	}
	return s.reply("", "500 5.5.2 command not recognised")
}

func (s *smtpSession) mechanisms() []string {
	if s.tls {
		return append(slices.Clone(s.spec.AuthEarly), s.spec.Auth...)
	}
	return s.spec.AuthEarly
}

// features gives the reply to EHLO.
func (s *smtpSession) features() []string {
	words := s.spec.Keywords
	if words == nil {
		words = []string{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}
		size := int64(52428800)
		if s.spec.Size != nil {
			size = *s.spec.Size
		}
		if size == 0 {
			words = append(words, "SIZE")
		} else {
			words = append(words, fmt.Sprintf("SIZE %d", size))
		}
	}
	words = append(slices.Clone(words), s.spec.Add...)
	if m := s.mechanisms(); len(m) > 0 {
		words = append(words, "AUTH "+strings.Join(m, " "))
	}
	if !s.tls && s.spec.STARTTLS != "off" && s.spec.STARTTLS != "hidden" {
		words = append(words, "STARTTLS")
	}
	if s.tls && s.spec.AfterTLS != nil {
		words = s.spec.AfterTLS
	}
	lines := []string{"250 " + s.spec.Name}
	for _, w := range words {
		first, _, _ := strings.Cut(w, " ")
		if !slices.ContainsFunc(s.spec.Without, func(x string) bool { return strings.EqualFold(x, first) }) {
			lines = append(lines, "250 "+w)
		}
	}
	return lines
}

func (s *smtpSession) starttls(stage, arg string) error {
	switch {
	case s.tls:
		return s.reply(stage, "503 5.5.1 TLS is already active")
	case arg != "":
		return s.reply(stage, "501 5.5.4 no argument is allowed")
	case s.spec.STARTTLS == "off":
		return s.reply(stage, "502 5.5.1 command not implemented")
	case s.spec.STARTTLS == "refused":
		return s.reply(stage, "554 5.7.3 unable to start TLS")
	case s.spec.STARTTLS == "unavailable":
		return s.reply(stage, "454 4.7.0 TLS not available due to local problem")
	}
	if err := s.reply(stage, "220 2.0.0 Ready to start TLS"); err != nil {
		return err
	}
	return s.startTLS()
}

// startTLS goes on after the 220.
func (s *smtpSession) startTLS() error {
	switch s.spec.STARTTLS {
	case "broken":
		// Only once the handshake has begun: sent at once, the line would reach the
		// peer together with the 220, or not, by chance.
		if head, err := s.rd.Peek(5); err == nil {
			io.CopyN(io.Discard, s.rd, 5+int64(head[3])<<8+int64(head[4]))
		}
		s.write("500 5.5.1 what was that?\r\n")
		return errQuit
	case "close":
		return errQuit
	case "hang":
		io.Copy(io.Discard, s.rd)
		return errQuit
	}
	if !s.handshake("tls") {
		return errQuit
	}
	return nil
}

func (s *smtpSession) mail(arg string) string {
	path, ok := pathIn(arg, "from:")
	switch {
	case s.spec.RequireTLS && !s.tls:
		return "530 5.7.0 Must issue a STARTTLS command first"
	case (s.svc.kind == "submission" || s.svc.kind == "submissions") && s.spec.Rcpt.Policy != "open":
		return "530 5.7.0 Authentication required"
	case s.helo == "":
		return "503 5.5.1 send HELO or EHLO first"
	case s.from != nil:
		return "503 5.5.1 nested MAIL command"
	case !ok:
		return "501 5.5.4 syntax: MAIL FROM:<address>"
	}
	s.from, s.rcpts = &path, 0
	return "250 2.1.0 Ok"
}

func (s *smtpSession) rcpt(arg string) error {
	s.asked++
	if s.spec.Rcpt.Limit > 0 && s.asked > s.spec.Rcpt.Limit {
		s.reply("rcpt", "421 4.7.0 "+s.spec.Name+" too many recipients")
		return errQuit
	}
	path, ok := pathIn(arg, "to:")
	lines := list{"503 5.5.1 need MAIL command"}
	switch {
	case s.from == nil:
	case !ok:
		lines = list{"501 5.5.4 syntax: RCPT TO:<address>"}
	default:
		lines = s.recipient(*s.from, path)
	}
	if lines[0][0] == '2' {
		s.rcpts++
	}
	return s.reply("rcpt", lines...)
}

// data takes a message and throws it away.
func (s *smtpSession) data(stage string) error {
	if s.rcpts == 0 {
		return s.reply(stage, "503 5.5.1 need RCPT command")
	}
	if err := s.reply(stage, "354 end data with <CR><LF>.<CR><LF>"); err != nil {
		return err
	}
	for {
		line, err := s.readLine()
		if err != nil {
			return err
		}
		if line == "." {
			s.from, s.rcpts = nil, 0
			return s.reply("", "250 2.0.0 Ok: queued")
		}
	}
}
