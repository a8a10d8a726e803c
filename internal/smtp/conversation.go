package smtp

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"mxvet/internal/together"
)

// farewell bounds the writing of QUIT. A socket takes it at once.
const farewell = time.Second

// Run holds one conversation on conn, on which nothing has been read yet, and
// closes it: banner, EHLO (HELO where EHLO is unknown), STARTTLS if offered and
// wanted, EHLO again, the envelopes, QUIT. The reply to QUIT is not waited for.
// The conversation ends at once when the context does.
func Run(ctx context.Context, conn net.Conn, c Config) Result {
	t := &talk{c: c, conn: conn, in: newReader(conn, MaxBytes)}
	if c.Timeouts.Total > 0 {
		t.end = time.Now().Add(c.Timeouts.Total)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	left := false
	defer func() {
		if !left {
			_ = conn.Close()
		}
		t.writing.Wait()
	}()
	err := t.run(ctx)
	if t.polite {
		t.quit()
		// Closing TLS writes once more. A peer that has stopped reading must
		// not hold the result.
		left = true
		leave := func() { _ = t.conn.Close() }
		if c.Beside != nil {
			c.Beside(leave)
		} else {
			leave()
		}
	}
	return Result{t.log, err}
}

type talk struct {
	c      Config
	conn   net.Conn
	in     *reader
	end    time.Time // zero = none
	log    []Exchange
	polite bool // both sides are in step, so QUIT can be sent

	writing together.Group
	trip    time.Duration // the quickest reply to a command; 0 = none came yet
}

func (t *talk) run(ctx context.Context) error {
	first := StageEHLO
	if t.c.Secure {
		first = StageEHLOTLS
	}
	began := t.wait(t.c.Timeouts.Greeting)
	t.log = append(t.log, Exchange{Stage: StageBanner})
	banner, err := t.receive(0, began)
	if err != nil {
		return err
	}
	if t.c.Heard != nil {
		t.c.Heard()
	}
	if banner.Code != 220 {
		return refused(StageBanner, banner)
	}
	if t.c.Greet {
		return nil
	}
	offer, err := t.greet(first)
	if err != nil {
		return err
	}
	if t.c.Upgrade != nil && offer.StartTLS {
		upgraded, err := t.startTLS(ctx)
		if err != nil {
			return err
		}
		if upgraded {
			if offer, err = t.greet(StageEHLOTLS); err != nil {
				return err
			}
		}
	}
	return t.envelopes(offer.Pipelining)
}

// greet says EHLO. In clear text HELO follows where the server does not know
// EHLO or its argument (RFC 5321 section 3.2); it offers nothing.
func (t *talk) greet(stage string) (Features, error) {
	r, err := t.ask(Exchange{Stage: stage, Command: "EHLO " + t.c.EHLO})
	if err != nil {
		return Features{}, err
	}
	if r.Code/100 == 2 {
		return ReadFeatures(r), nil
	}
	if stage == StageEHLO {
		switch r.Code {
		case 500, 501, 502, 504:
			if r, err = t.ask(Exchange{Stage: StageHELO, Command: "HELO " + t.c.EHLO}); err != nil {
				return Features{}, err
			}
			if r.Code/100 == 2 {
				return Features{}, nil
			}
			stage = StageHELO
		}
	}
	return Features{}, refused(stage, r)
}

// startTLS reports whether the connection is TLS now. A server that refuses the
// command is asked on in clear text, as a sender without a policy would.
func (t *talk) startTLS(ctx context.Context) (bool, error) {
	r, err := t.ask(Exchange{Stage: StageSTARTTLS, Command: "STARTTLS"})
	if err != nil || r.Code != 220 {
		return false, err
	}
	t.setAside()
	t.polite = false // in the middle of a handshake there is nobody to say QUIT to
	began := t.wait(t.c.Timeouts.Handshake)
	conn, err := t.c.Upgrade(ctx, t.conn)
	t.log = append(t.log, Exchange{Stage: StageTLS, Millis: t.since(began)})
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	t.conn, t.in, t.polite = conn, newReader(conn, t.in.left), true
	return true, nil
}

// envelopes tries each envelope: as one group where the server takes that, else
// command by command. Alone, a recipient whose sender was refused is not asked. A
// reply that takes longer than Pause ends them: what a group has sent already is
// then left without an answer, and the connection closed on it.
func (t *talk) envelopes(pipelining bool) error {
	var group []Exchange
	for _, e := range t.c.Envelopes {
		three := []Exchange{
			{Stage: StageMail, Form: e.Form, Command: "MAIL FROM:<" + e.From + ">"},
			{Stage: StageRcpt, Form: e.Form, Command: "RCPT TO:<" + e.To + ">"},
			{Stage: StageRset, Form: e.Form, Command: "RSET"},
		}
		if sendable(three[0].Command) && sendable(three[1].Command) {
			group = append(group, three...)
		}
	}
	if len(group) == 0 {
		return nil
	}
	if limit := t.c.Timeouts.Envelopes; limit > 0 {
		t.end = earlier(t.end, time.Now().Add(limit))
	}
	if pipelining {
		return t.send(group, 0)
	}
	for i := 0; i < len(group); {
		began := time.Now()
		if err := t.send(group[i:i+1], t.c.Timeouts.Command); err != nil {
			return err
		}
		if i+1 < len(group) && t.paused(began, true) {
			return fmt.Errorf("%s: %w", group[i].Stage, ErrPause)
		}
		if group[i].Stage == StageMail && t.log[len(t.log)-1].Reply.Code/100 != 2 {
			i += 3
			continue
		}
		i++
	}
	return nil
}

func (t *talk) ask(e Exchange) (Reply, error) {
	if !sendable(e.Command) {
		return Reply{}, fmt.Errorf("%s: %w: %q", e.Stage, ErrCommand, short([]byte(e.Command)))
	}
	began := time.Now()
	if err := t.send([]Exchange{e}, t.c.Timeouts.Command); err != nil {
		return Reply{}, err
	}
	if took := time.Since(began); t.trip == 0 || took < t.trip {
		t.trip = took
	}
	return *t.log[len(t.log)-1].Reply, nil
}

// send writes the commands at once and reads their replies. It stops at the
// first that does not come, and at 421. Commands without a reply stay in the
// transcript: they were sent.
func (t *talk) send(commands []Exchange, wait time.Duration) error {
	t.setAside()
	began := t.wait(wait)
	at := len(t.log)
	t.log = append(t.log, commands...)
	var text strings.Builder
	for _, e := range commands {
		text.WriteString(e.Command + "\r\n")
	}
	// Replies may come while we still write: reading beside it cannot block
	// both sides (RFC 2920 section 3.1). When the write fails the replies are
	// read all the same, since a 421 may be waiting there.
	written := make(chan error, 1)
	conn := t.conn
	t.writing.Go(func() {
		defer close(written)
		_, err := conn.Write([]byte(text.String()))
		written <- err
	})
	last := began
	for i, e := range commands {
		if _, err := t.receive(at+i, began); err != nil {
			return err
		}
		if i+1 < len(commands) && t.paused(last, i == 0) {
			t.polite = false
			return fmt.Errorf("%s: %w", e.Stage, ErrPause)
		}
		last = time.Now()
	}
	if err := <-written; err != nil {
		t.polite = false
		return fmt.Errorf("%s: %w", commands[0].Stage, err)
	}
	return nil
}

// paused reports that the reply that has just come was waited for since then for
// longer than Pause; a round trip, of up to another Pause, is no part of the wait.
func (t *talk) paused(since time.Time, trip bool) bool {
	limit := Pause
	if trip {
		limit += min(t.trip, Pause)
	}
	return time.Since(since) >= limit
}

// receive reads the reply that belongs to one exchange of the transcript.
func (t *talk) receive(at int, began time.Time) (Reply, error) {
	t.polite = false
	e := &t.log[at]
	r, notes, raw, err := t.in.reply()
	e.Millis, e.Raw = t.since(began), raw
	add(&e.Notes, notes...)
	if err != nil {
		return Reply{}, fmt.Errorf("%s: %w", e.Stage, err)
	}
	e.Reply = &r
	if r.Code == 421 {
		return r, refused(e.Stage, r)
	}
	t.polite = true
	return r, nil
}

// setAside notes what the server sent beyond its last reply. It is no answer to
// the next command, and after STARTTLS it must not be taken for part of what TLS
// protects (RFC 3207 section 4.2; CVE-2011-0411 is the server's side of it).
func (t *talk) setAside() {
	if b := t.in.buffered(); len(b) > 0 {
		e := &t.log[len(t.log)-1]
		e.Raw = rawText(b)
		add(&e.Notes, NoteUnasked)
	}
}

// quit says goodbye and waits for nothing.
func (t *talk) quit() {
	_ = t.conn.SetDeadline(earlier(t.end, time.Now().Add(farewell)))
	if _, err := t.conn.Write([]byte("QUIT\r\n")); err == nil {
		t.log = append(t.log, Exchange{Stage: StageQuit, Command: "QUIT"})
	}
}

// wait sets the deadline of the next step; zero leaves the conversation's own.
func (t *talk) wait(d time.Duration) (began time.Time) {
	began = time.Now()
	end := t.end
	if d > 0 {
		end = earlier(end, began.Add(d))
	}
	_ = t.conn.SetDeadline(end)
	return began
}

func (t *talk) since(began time.Time) int { return int(time.Since(began).Milliseconds()) }

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// refused is the error of a reply that ends the conversation.
func refused(stage string, r Reply) error {
	return fmt.Errorf("%s: %w: %d %s", stage, ErrRefused, r.Code, short([]byte(r.Text())))
}

// sendable keeps a name or path from becoming a second command.
func sendable(command string) bool {
	return len(command) <= maxSend && !strings.ContainsFunc(command, func(r rune) bool { return r < ' ' || r == 0x7f })
}
