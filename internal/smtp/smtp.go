// Package smtp holds one conversation with a mail server over a connection
// that the caller opened, and keeps its exact transcript.
//
// SMTP (RFC 5321) is a dialogue of lines. The server speaks first: a greeting
// (the banner) with code 220. The client names itself with EHLO, and the reply
// lists, a line each, the extensions that the server offers; a server so old
// that it does not know EHLO is greeted again with HELO and offers none. Each
// command gets one reply: three digits and text, over several lines where a
// hyphen instead of a blank follows the digits. Codes that begin with 2 mean
// done, 4 not now, 5 never. 421 may come at any time and means that the server
// closes the connection. Where the server offers PIPELINING (RFC 2920), several
// commands may go out at once, and their replies come back in the same order.
//
// A conversation on port 25 begins in clear text. STARTTLS (RFC 3207) turns it
// into TLS: the client sends the command, the server says 220, and from the
// next byte on both speak TLS. What the server said before is worth nothing
// then, so the client greets with EHLO again and reads the list once more.
// Nothing that came in clear text may be taken for part of the encrypted
// conversation: bytes that follow the 220 are kept as evidence, never used.
//
// MAIL, RCPT and RSET ask whether a message would be taken, and take it back.
// This package never sends a message.
package smtp

import (
	"context"
	"errors"
	"net"
	"time"
)

// Bounds on what a server can make us keep and read.
const (
	// Pause is how long a reply to an envelope may keep us waiting, beyond the
	// round trip where there is one. Servers that have had enough of a client
	// make it wait that long for each further reply, which is the time to stop.
	Pause = time.Second

	MaxLine  = 4 << 10   // bytes kept of one line; RFC 5321 section 4.5.3.1.5 allows 512
	MaxLines = 128       // lines of one reply
	MaxBytes = 256 << 10 // of a whole conversation, as sent inside TLS
	maxRaw   = 512       // bytes kept of what is no reply
	maxSend  = 510       // bytes of one command, without its line end (RFC 5321 section 4.5.3.1.4)
)

// What ends a conversation early, for errors.Is on Result.Err. Errors of the
// connection itself are wrapped as they came.
var (
	ErrRefused  = errors.New("refused by the server")       // a reply that ends the conversation: 421, no 220 at the start, no EHLO
	ErrProtocol = errors.New("not SMTP")                    // something that is no reply
	ErrLimit    = errors.New("too much sent")               // MaxLines or MaxBytes
	ErrTLS      = errors.New("TLS handshake failed")        // wraps what Upgrade returned too
	ErrCommand  = errors.New("command that cannot be sent") // control characters, or too long
	ErrPause    = errors.New("the server began to pause")   // among the envelopes; the rest of them is not asked
)

// Config says how to hold a conversation.
type Config struct {
	EHLO      string    // the client's name: a host name, or an address literal in brackets
	Envelopes Envelopes // tried after the last EHLO; none = no MAIL at all

	// Upgrade makes TLS of the connection after a 220 to STARTTLS. On failure
	// it leaves the connection for Run to close. nil = STARTTLS is not sent.
	Upgrade func(context.Context, net.Conn) (net.Conn, error)
	Heard   func() // called once the greeting is complete; nil = nobody wants to know
	Secure  bool   // TLS stands already: the one EHLO is of StageEHLOTLS
	Greet   bool   // only hear the greeting, then QUIT

	// Beside runs the closing of a connection on which both sides are in step, which a
	// peer that has stopped reading can hold up. nil = it is waited for.
	Beside func(func())

	Timeouts Timeouts
}

// Timeouts bound the steps of a conversation. Zero bounds nothing, so that only
// Total, or the context, ends the wait.
type Timeouts struct {
	Greeting  time.Duration // until the banner is complete
	Command   time.Duration // one command and its reply as a whole, however slowly it drips
	Handshake time.Duration // the whole TLS handshake
	Envelopes time.Duration // all envelopes together; a single reply may use all of it
	Total     time.Duration // the conversation
}

// A Result is what a conversation gave. Exchanges that came before an error
// stay valid.
type Result struct {
	Exchanges []Exchange
	Err       error // what ended the conversation early; nil when it ended as planned
}
