//go:build integration

package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// A mailHost is one Postfix with a configuration and a queue of its own.
type mailHost struct {
	host, name string   // namespace; name in banner and certificate
	noTLS      bool     // no STARTTLS
	age        int      // of the certificate, in days: see labCA.issue
	settings   []string // lines for main.cf
}

func mailHosts() []mailHost {
	takes := func(domains ...string) []string {
		return []string{"virtual_mailbox_domains = " + strings.Join(domains, " "), recipients(domains)}
	}
	return []mailHost{
		{host: "mx1", name: "mx1.good.test", settings: takes("good.test", "bogus.test")},
		{host: "mx2", name: "mx2.good.test", settings: takes("good.test")},
		{host: "old", name: "old.broken.test", age: 200, settings: takes("broken.test")},
		{host: "plain", name: "plain.broken.test", noTLS: true, settings: takes("broken.test")},
		{host: "open", name: "mx.open.test", settings: append(takes("open.test"),
			"mynetworks = 0.0.0.0/0 [::]/0", "smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination",
			"smtpd_recipient_restrictions = reject_non_fqdn_recipient reject_unknown_recipient_domain")},
		{host: "catchall", name: "mx.catchall.test", settings: []string{"virtual_mailbox_domains = catchall.test", "virtual_mailbox_maps = static:x"}},
		{host: "control", name: "mx.control.example", settings: takes("control.example", "isp.example")},
	}
}

// recipients: postmaster and abuse exist, and nobody else.
func recipients(domains []string) string {
	var list []string
	for _, d := range domains {
		list = append(list, "postmaster@"+d+"=x", "abuse@"+d+"=x")
	}
	return "virtual_mailbox_maps = inline:{" + strings.Join(list, ", ") + "}"
}

// startMail starts every Postfix.
func (l *lab) startMail() {
	daemons := strings.TrimSpace(l.run("", "postconf", "-dh", "daemon_directory"))
	owner, group := l.owner()
	var starts []func()
	for _, m := range mailHosts() {
		starts = append(starts, func() { l.awaitPort(l.startPostfix(m, daemons, owner, group), 25) })
	}
	l.together(starts...)
}

func (l *lab) startPostfix(m mailHost, daemons string, owner, group int) *daemon {
	dir := l.folder(m.host)
	data := struct {
		Dir, DaemonDir, Name, Cert string
		Settings                   []string
	}{Dir: dir, DaemonDir: daemons, Name: m.name, Settings: m.settings}
	if !m.noTLS {
		data.Cert = l.ca.issue(m.name, m.age)
	}
	l.fill(filepath.Join(dir, "main.cf"), "main.cf", data)
	l.fill(filepath.Join(dir, "master.cf"), "master.cf", nil)
	// What the package's post-install script makes for the one system queue.
	for _, name := range []string{"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"} {
		l.own(l.folder(m.host, "queue", name), owner, -1, 0o700)
	}
	l.folder(m.host, "queue", "pid")
	l.own(l.folder(m.host, "queue", "public"), owner, group, 0o710)
	l.own(l.folder(m.host, "queue", "maildrop"), owner, group, 0o730)
	l.own(l.folder(m.host, "data"), owner, -1, 0o700)
	return l.start(m.host, filepath.Join(daemons, "master"), "-s", "-c", dir)
}

// owner gives the user and the group that the package of Postfix has made.
func (l *lab) owner() (uid, gid int) {
	u, err := user.Lookup("postfix")
	if err != nil {
		l.t.Fatal(err)
	}
	g, err := user.LookupGroup("postdrop")
	if err != nil {
		l.t.Fatal(err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(g.Gid)
	return uid, gid
}

func (l *lab) own(dir string, uid, gid int, mode os.FileMode) {
	if err := os.Chown(dir, uid, gid); err != nil {
		l.t.Fatal(err)
	}
	if err := os.Chmod(dir, mode); err != nil {
		l.t.Fatal(err)
	}
}

// startWeb starts nginx with the MTA-STS policies of testdata/lab/www.
func (l *lab) startWeb() {
	type site struct{ Name, Cert, Root string }
	dir := l.folder("web")
	data := struct {
		Dir   string
		Sites []site
	}{Dir: dir}
	sites, err := os.ReadDir(labData("www"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, s := range sites {
		root, err := filepath.Abs(labData("www", s.Name()))
		if err != nil {
			l.t.Fatal(err)
		}
		data.Sites = append(data.Sites, site{s.Name(), l.ca.issue(s.Name(), 0), root})
	}
	conf := filepath.Join(dir, "nginx.conf")
	l.fill(conf, "nginx.conf", data)
	l.awaitPort(l.start("web", "nginx", "-p", dir, "-e", "stderr", "-c", conf), 443)
}
