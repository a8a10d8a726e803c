package fakenet

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A dnsReply is one message of a server, and how long it thinks first. No
// replies: the server is silent.
type dnsReply struct {
	after time.Duration
	data  []byte
}

// answerDNS gives what the server sends back for one message. over is "udp",
// "tcp", "dot" or "doh". hangUp asks to close a stream instead of waiting on.
func (n *Net) answerDNS(s *dnsServer, over string, raw []byte) (replies []dnsReply, hangUp bool) {
	q := new(dns.Msg)
	if err := q.Unpack(raw); err != nil || q.Response || len(q.Question) != 1 {
		if len(raw) < 12 {
			return nil, true
		}
		bad := new(dns.Msg)
		bad.Id, bad.Response, bad.Rcode = binary.BigEndian.Uint16(raw), true, dns.RcodeFormatError
		data, _ := bad.Pack()
		return []dnsReply{{data: data}}, false
	}
	question := q.Question[0]
	name := fqdn(question.Name)
	n.countQuery(s, over, name, question.Qtype)

	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = s.resolver
	var r result
	switch {
	case q.Opcode != dns.OpcodeQuery:
		r.rcode = dns.RcodeNotImplemented
	case question.Qclass != dns.ClassINET || question.Qtype == dns.TypeAXFR || question.Qtype == dns.TypeIXFR:
		r.rcode = dns.RcodeRefused
	case s.resolver:
		r = n.world.resolve(name, question.Qtype)
	default:
		r = s.authoritative(name, question.Qtype)
	}
	opt := q.IsEdns0()
	fault, delay := n.dnsFault(s, over, name, question.Qtype, opt != nil, q.CheckingDisabled, &r)
	size := dns.MinMsgSize
	if opt != nil {
		size = max(size, int(opt.UDPSize()))
		m.SetEdns0(1232, opt.Do())
		if r.ede != "" {
			code, text, _ := strings.Cut(r.ede, " ")
			info, _ := strconv.ParseUint(code, 10, 16)
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: uint16(info), ExtraText: text})
		}
	}
	m.Rcode, m.Authoritative = r.rcode, r.aa
	m.Answer, m.Ns = r.answer, r.ns
	m.Extra = append(r.extra, m.Extra...)
	m.AuthenticatedData = s.resolver && n.world.dns.isSecure(name) && r.rcode != dns.RcodeServerFailure &&
		(q.AuthenticatedData || opt != nil && opt.Do())
	m.Compress = true
	if over == "udp" {
		m.Truncate(size)
	}
	return fault.apply(m, over, delay)
}

// serveDNS answers questions on a stream, one after the other (RFC 7766).
func (n *Net) serveDNS(c net.Conn, s *dnsServer, over string) {
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, raw); err != nil {
			return
		}
		replies, hangUp := n.answerDNS(s, over, raw)
		if hangUp {
			return
		}
		for _, r := range replies {
			if !n.sleep(r.after) {
				return
			}
			out := binary.BigEndian.AppendUint16(nil, uint16(len(r.data)))
			if _, err := c.Write(append(out, r.data...)); err != nil {
				return
			}
		}
	}
}

// serveDoH answers DNS over HTTPS at /dns-query, by GET and POST (RFC 8484).
func (n *Net) serveDoH(c net.Conn, s *dnsServer) {
	rd := bufio.NewReaderSize(c, 8<<10)
	for {
		req, err := http.ReadRequest(rd)
		if err != nil {
			return
		}
		status, raw := http.StatusOK, []byte(nil)
		switch {
		case req.URL.Path != "/dns-query":
			status = http.StatusNotFound
		case req.Method == http.MethodGet:
			raw, err = base64.RawURLEncoding.DecodeString(req.URL.Query().Get("dns"))
		case req.Method == http.MethodPost && req.Header.Get("Content-Type") == "application/dns-message":
			raw, err = io.ReadAll(io.LimitReader(req.Body, 65535))
		default:
			status = http.StatusUnsupportedMediaType
		}
		if err != nil || status == http.StatusOK && len(raw) == 0 {
			status = http.StatusBadRequest
		}
		io.Copy(io.Discard, io.LimitReader(req.Body, 1<<20))
		var body []byte
		if status == http.StatusOK {
			replies, hangUp := n.answerDNS(s, "doh", raw)
			if hangUp {
				return
			}
			if len(replies) == 0 {
				<-n.done // silent
				return
			}
			last := replies[len(replies)-1]
			if !n.sleep(last.after) {
				return
			}
			body = last.data
		}
		if _, err := c.Write(response(status, "application/dns-message", nil, body)); err != nil {
			return
		}
		if req.Close {
			return
		}
	}
}
