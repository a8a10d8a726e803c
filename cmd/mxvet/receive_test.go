package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// nameServer answers TXT questions on a port of this machine, and NXDOMAIN to
// everything else.
func nameServer(t *testing.T, texts map[string]string) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	server := &dns.Server{
		PacketConn: conn, NotifyStartedFunc: func() { close(ready) },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			text, ok := texts[strings.ToLower(q.Question[0].Name)]
			if ok && q.Question[0].Qtype == dns.TypeTXT {
				m.Answer = append(m.Answer, &dns.TXT{
					Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{text},
				})
			} else if !ok {
				m.Rcode = dns.RcodeNameError
			}
			if err := w.WriteMsg(m); err != nil {
				t.Error(err)
			}
		}),
	}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	<-ready
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return conn.LocalAddr().String()
}

// What a run over the network recorded is replayed to the same result, byte for
// byte.
func TestReceiveRecordReplay(t *testing.T) {
	resolver := nameServer(t, map[string]string{
		"example.com.":        "v=spf1 ip4:192.0.2.1 -all",
		"_dmarc.example.com.": "v=DMARC1; p=reject",
	})
	eml := filepath.Join(t.TempDir(), "mail.eml")
	text := "Return-Path: <a@example.com>\nReceived: from mx.example.com (mx.example.com [192.0.2.1]) by mx.example.net with ESMTPS\n" +
		"From: a@example.com\nDate: Mon, 02 Nov 2026 08:00:00 +0000\nMessage-ID: <1@example.com>\n\ntext\n"
	if err := os.WriteFile(eml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"message", eml},
		{"simulate", "example.com", "--ip", "192.0.2.1"},
	} {
		tape := filepath.Join(t.TempDir(), "tape")
		for _, format := range []string{"text", "json"} {
			args := append(args, "-o", format)
			first, stderr, code := here(t, append(args, "--resolver", resolver, "--record", tape)...)
			if code != exitOK || stderr != "" {
				t.Fatalf("%v: exit %d: %s\n%s", args, code, stderr, first)
			}
			again, stderr, code := here(t, append(args, "--replay", tape)...)
			if code != exitOK || stderr != "" || again != first {
				t.Errorf("%v: replay: exit %d: %s\n%s\nafter\n%s", args, code, stderr, again, first)
			}
		}
	}
}
