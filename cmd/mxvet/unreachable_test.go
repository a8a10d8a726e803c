package main

import (
	"net"
	"strings"
	"testing"
)

// A resolver that nobody runs is told as that: neither as one that refuses, nor as
// block lists that do.
func TestResolverNobodyRuns(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := socket.LocalAddr().String()
	socket.Close()
	out, stderr, code := here(t, "audit", "example.com", "--resolver", address)
	told := "the resolver cannot be reached: udp:" + address + ": connection refused; --resolver names another"
	if code != exitUnknown || !strings.HasPrefix(stderr, "mxvet: exit 3: no usable answer in mx, spf and dmarc: "+told) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(strings.Join(strings.Fields(out), " "), "NO SCORE "+told) || strings.Contains(out, "REFUSED") || strings.Contains(out, "refuse to answer") {
		t.Error(out)
	}
	for _, area := range []string{"dmarc", "spf", "dkim", "smtp-tls", "transport", "mx", "reputation", "information"} {
		if _, stderr, code := here(t, "audit", "example.com", "--resolver", address, "--require", area); code != exitUnknown || !strings.Contains(stderr, "no usable answer in "+area+", which --require asks for") {
			t.Errorf("%s: exit %d: %s", area, code, stderr)
		}
	}
}
