//go:build integration

package main

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Which server has which zones. Their texts lie in testdata/lab/zones; the
// reverse zones are made from the table of hosts.
var (
	rootZones    = []string{"."}
	tldZones     = []string{"example", "test", "arpa", "com", "net", "org"}
	hostingZones = []string{
		"good.test", "broken.test", "bogus.test", "inside.test", "quiet.test", "open.test", "catchall.test",
		"psbl.surriel.com", reverse4, reverse6,
	}
)

const (
	reverse4 = "53.185.in-addr.arpa"
	reverse6 = "3.5.0.0.f.0.a.2.ip6.arpa"
)

// The block list that rbldnsd serves, under the name of a real one, so that the
// program asks it without being told to.
const labList = "zen.spamhaus.org"

// startDNS signs the zones and starts BIND, rbldnsd and Unbound.
func (l *lab) startDNS() {
	signed := l.signZones()
	starts := []func(){
		func() { l.awaitLog(l.startUnbound(), "start of service") },
		func() { l.awaitLog(l.startList(), " started (") },
	}
	for host, zones := range map[string][]string{
		"root": rootZones, "tld": tldZones, "dns1": hostingZones, "dns2": hostingZones, "refuser": nil,
	} {
		starts = append(starts, func() { l.awaitLog(l.startBIND(host, zones, signed), " running\n") })
	}
	l.together(starts...)
}

func (l *lab) startBIND(host string, zones []string, files map[string]string) *daemon {
	type zone struct{ Name, File string }
	dir := l.folder(host)
	data := struct {
		Dir, V4, V6 string
		Zones       []zone
	}{Dir: dir, V4: l.addrs(host)[0], V6: l.addrs(host)[1]}
	for _, z := range zones {
		data.Zones = append(data.Zones, zone{z, files[z]})
	}
	conf := filepath.Join(dir, "named.conf")
	l.fill(conf, "named.conf", data)
	return l.start(host, l.program("named"), "-g", "-n", "1", "-c", conf)
}

func (l *lab) startUnbound() *daemon {
	dir := l.folder("resolver")
	hints, anchor := filepath.Join(dir, "hints"), filepath.Join(dir, "anchor")
	l.write(hints, fmt.Appendf(nil, ". 86400 IN NS a.root.example.\na.root.example. 86400 IN A %s\na.root.example. 86400 IN AAAA %s\n",
		l.addrs("root")[0], l.addrs("root")[1]))
	ds, err := os.ReadFile(l.anchor())
	if err != nil {
		l.t.Fatal(err)
	}
	l.write(anchor, ds)
	conf := filepath.Join(dir, "unbound.conf")
	l.fill(conf, "unbound.conf", map[string]string{
		"Dir": dir, "V4": l.addrs("resolver")[0], "V6": l.addrs("resolver")[1], "Hints": hints, "Anchor": anchor,
	})
	return l.start("resolver", l.program("unbound"), "-d", "-c", conf)
}

// startList starts rbldnsd; it refuses to run as root and changes to the user of
// its package.
func (l *lab) startList() *daemon {
	dir := l.folder("rbl")
	command := []string{"rbldnsd", "-n", "-w", dir}
	for _, a := range l.addrs("rbl") {
		command = append(command, "-b", a+"/53")
	}
	for file, kind := range map[string]string{"ip4": "ip4set", "ip6": "ip6trie"} {
		l.fill(filepath.Join(dir, file), "lists/"+file, nil)
		command = append(command, labList+":"+kind+":"+file)
	}
	return l.start("rbl", command...)
}

// anchor names the file with the DS records of the lab's root.
func (l *lab) anchor() string { return filepath.Join(l.dir, "zones", "dsset-.") }

func (l *lab) addrs(host string) []string {
	i := slices.IndexFunc(labHosts(), func(h labHost) bool { return h.name == host })
	if i < 0 {
		l.t.Fatalf("no host %s in the lab", host)
	}
	return labHosts()[i].addrs
}

// signZones writes all zones, signed where they are to be, and gives their
// files. Children come before parents, which publish their digests.
func (l *lab) signZones() map[string]string {
	dir := l.folder("zones")
	files := map[string]string{}
	for _, zone := range slices.Concat(rootZones, tldZones, hostingZones) {
		files[zone] = filepath.Join(dir, zone)
		switch zone {
		case reverse4, reverse6:
			l.write(files[zone], reverseZone(l.t, zone))
		case ".":
			files[zone] = filepath.Join(dir, "root")
			l.fill(files[zone], "zones/root", nil)
		default:
			l.fill(files[zone], "zones/"+zone, nil)
		}
	}
	for _, level := range [][]string{{"good.test", "bogus.test"}, {"test", "example"}, {"."}} {
		var signing []func()
		for _, zone := range level {
			file := files[zone]
			files[zone] += ".signed"
			signing = append(signing, func() { l.signZone(dir, zone, file) })
		}
		l.together(signing...)
		if level[0] == "good.test" {
			l.spoilDigest(filepath.Join(dir, "dsset-bogus.test."))
		}
	}
	return files
}

// signZone signs with one new ECDSA P-256 key for everything. It writes
// FILE.signed, and the digests for the parent.
func (l *lab) signZone(dir, zone, file string) {
	key := strings.TrimSpace(l.run(dir, "dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone))
	l.run(dir, "dnssec-signzone", "-q", "-z", "-g", "-d", dir, "-o", zone, "-S", "-K", dir, "-k", key, "-f", file+".signed", file)
}

// spoilDigest changes the last hexadecimal digit of each DS record.
func (l *lab) spoilDigest(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		last := "0"
		if strings.HasSuffix(line, "0") {
			last = "1"
		}
		lines[i] = line[:len(line)-1] + last
	}
	l.write(file, []byte(strings.Join(lines, "\n")+"\n"))
}

// reverseZone gives the reverse zone of all hosts that have a name.
func reverseZone(t *testing.T, zone string) []byte {
	text := []byte("$TTL 3600\n@ IN SOA ns1.dns.example. hostmaster.dns.example. 2026010101 7200 3600 1209600 3600\n" +
		"@ IN NS ns1.dns.example.\n@ IN NS ns2.dns.example.\n")
	records := 0
	for _, h := range labHosts() {
		for _, a := range h.addrs {
			if name := reverseName(netip.MustParseAddr(a)); h.dns != "" && strings.HasSuffix(name, "."+zone) {
				text = fmt.Appendf(text, "%s. IN PTR %s.\n", name, h.dns)
				records++
			}
		}
	}
	if records == 0 {
		t.Fatalf("no host of the lab has an address in %s", zone)
	}
	return text
}

func reverseName(addr netip.Addr) string {
	var labels []string
	suffix := "in-addr.arpa"
	if addr.Is4() {
		for _, b := range addr.AsSlice() {
			labels = append(labels, fmt.Sprint(b))
		}
	} else {
		labels, suffix = strings.Split(hex.EncodeToString(addr.AsSlice()), ""), "ip6.arpa"
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "." + suffix
}
