// Package fakenet is an internet in one process: DNS servers, mail servers, web
// servers and a certificate authority behind one Dial func. What is audited in
// the demo and in tests runs the same code as on the real internet; only the
// dialler differs. Everything runs over connections in memory, waits on channels
// and timers only, and so runs under the virtual time of testing/synctest.
//
// A world is a text in the txtar form: a comment, then sections, each under a
// line "-- name --". Unknown sections and keys are errors, with the line.
//
//	Two hosts, one of them with an expired certificate.
//
//	-- options --
//	domain: example.com
//	-- now --
//	2026-11-02T09:00:00Z
//	-- zone/example.com --
//	@      IN MX  10 mx1
//	@      IN MX  20 mx2
//	@      IN TXT "v=spf1 mx -all"
//	-- hosts.yaml --
//	latency: 20ms
//	hosts:
//	- {name: mx1.example.com, addrs: [192.0.2.1, "2001:db8::1"], smtp: {}}
//	- {name: mx2.example.com, addrs: [192.0.2.2], smtp: {tls: {not-after: -5d}}}
//	-- dns.yaml --
//	faults:
//	- {name: _dmarc.example.com, type: TXT, fault: servfail}
//	-- want --
//	cert-expired
//
// # Sections
//
//	options       YAML, kept as it stands for others. Read here: domain, domains.
//	              Without them the domain is that of the first zone section.
//	base          an embedded world; the other sections say what is different:
//	              they replace its sections, but options by key, hosts by name.
//	patch         changes to the base's zones: "- OWNER TYPE" or "- OWNER" takes
//	              records out, "-host NAME" a host, other lines come in.
//	now           RFC 3339 or a date; default 2026-11-02T09:00:00Z.
//	want, never   lines; blank ones and those that begin with # are left out.
//	zone/NAME     zone text, origin NAME, default TTL 3600.
//	zone/NAME@HOST  the same zone as the server HOST has it.
//	hosts.yaml    machines and what they do.
//	dns.yaml      faults of the DNS.
//	pages/HOST/PATH, pages/NAME   bodies of web pages.
//	keys/NAME     PEM for certificates.
//	data/NAME     for others, see World.File.
//
// # What need not be written
//
// Each host gets A and AAAA records at its name, unless the zone's text has A,
// AAAA or CNAME at that name, and a PTR, unless the text has the reverse zone. A name
// that is in no zone gets one. SOA and NS are added where missing (the servers
// ns1.dns.test and ns2.dns.test answer then), and so are the parents, up to a
// root, with delegations, glue and DS (a DS at a zone's apex moves to the
// parent). What the parent's text says about a delegation stays as it is.
// A zone is served at the addresses of its NS hosts, and at those that the DNS
// gives for them; other questions get REFUSED. The resolver, 192.0.2.53 unless
// told otherwise, answers from all zones over UDP, TCP, TLS and HTTPS.
//
// Every world has the DNS block lists that mxvet asks unless told otherwise, in
// good order and without entries.
//
// Every world has a control host, mx.control.test (203.0.113.250 and
// 2001:db8:ffff::250), a mail server that is up, unless a host of that name
// is described. Other built-in addresses: 203.0.113.251, 203.0.113.253,
// 198.51.100.252, 2001:db8:ffff::251, 2001:db8:ffff::253, 2001:db8:fffe::252.
//
// # hosts.yaml
//
//	latency   round trip of hosts without their own, default 0. Connecting costs
//	          one, each way of data a half.
//	vantage   {name, ipv4, ipv6, blocked}: where one looks from. Addresses
//	          default 198.51.100.7 and 2001:db8:7::7; "none": no route to that
//	          family. blocked: ports that stay silent from here (not at the
//	          resolver). name is published, forward and reverse.
//	resolver  {name, addrs, latency, tls}; name is for DoT and DoH,
//	          default resolver.test.
//	hosts     a list of
//	  name     of the machine; two entries may share one and differ in addresses
//	  addrs    IPv4 and IPv6
//	  unpublished   true: no A and AAAA records
//	  ptr      one or more names, or none; default the name
//	  latency  round trip
//	  fault    silent (connecting never completes), unreachable, refuse, or of an
//	           accepted connection: reset, close, mute (accepted, then no byte)
//	  tls      certificate of all services that have none of their own
//	  smtp, submission, submissions   mail servers on 25, 587, 465
//	  https, http                     web servers on 443, 80
//	dnsbl     DNS block lists, a list of {zone, listed, names, test, ipv4-only,
//	          everything, absent}. listed: by address, or by name where names is
//	          true, a list of answers (127.0.0.2) and reasons (texts). test: the
//	          same for the test entries of RFC 5782, or none. everything: the
//	          same, to every question. An entry for one of the lists that every
//	          world has says what is different about it.
//
// A port without service refuses; an address without host has no route.
//
// # smtp, submission, submissions
//
// An empty mapping is a sane server: STARTTLS, PIPELINING, 8BITMIME, SIZE,
// ENHANCEDSTATUSCODES, a valid certificate for the host's name; it takes mail
// for the usual users (postmaster, abuse, hostmaster, webmaster, info, contact,
// dmarc, dmarc-reports, tlsrpt, tls-reports) of the world's domains and of those
// whose MX it is; others get 550 5.1.1, other domains 550 5.7.1. submission and
// submissions answer MAIL with 530.
//
//	name           in banner and EHLO
//	banner         text after the code, or a list of lines; "raw:..." is sent as it is
//	banner-code    default 220
//	greet-delay    before the banner
//	tarpit         before each later reply
//	starttls       on; off; hidden (works, not announced); refused (554);
//	               unavailable (454); broken, close, hang (after the 220)
//	keywords       instead of the usual four; add, without: more, fewer
//	keywords-after-tls   all keywords after TLS
//	size           default 52428800; 0: SIZE without a number
//	auth           mechanisms after TLS; auth-before-tls: before it, too
//	require-tls    MAIL before TLS gets 530
//	replies        by verb in lower case, "VERB after-tls", or "unknown": a reply
//	               "550 5.7.1 text", a list of such lines, or "raw:..."; a 421 ends
//	rcpt           {policy: local, open (relays; refuses bad syntax and domains
//	               that do not exist), all (takes anything); domains; users;
//	               catch-all; greylist (450); limit (421 after so many RCPT);
//	               rules: list of {from, to, reply}, regular expressions over the
//	               paths, the first that fits answers}
//	close-after    a stage: the connection ends after its reply
//	close-at, silent-at, reset-at   instead of the reply of that stage. Stages:
//	               banner ehlo helo starttls tls ehlo-tls mail rcpt rset data quit
//	max-connections  more at once get 421
//	injection      commands sent before the handshake are run inside TLS
//	hostile        {at: a stage, default banner; kind; size}. Kinds: long-line
//	               many-lines endless-line endless binary nul escape bare-lf
//	               bare-cr no-code mixed-codes unfinished html
//	fault, tls     as of the host
//
// # tls
//
//	names        default the host's name and the hosts of its pages
//	cn, cn-only  common name; no alternative names
//	issuer       public (CA gives its root), private, self
//	chain        full, leaf, root (with the root), disorder, stranger (a wrong intermediate)
//	not-before, not-after   -10d, +12h, or absolute; default -10d and +80d
//	key          p256, p384, ed25519, rsa1024, rsa2048, rsa4096 (one of each size in all worlds)
//	key-name     services with one name share a key
//	sig          sha1
//	usage        server, client, none
//	file         section keys/FILE: a key, and certificates if they are not to be made
//	min, max     "1.0" to "1.3"; default from "1.2"
//	ciphers, groups   names as in crypto/tls; X25519MLKEM768 X25519 P256 P384 P521
//	sni          other certificates by server name
//	no-sni       abort
//	client-cert  asks for one
//	client-cert-needed  and refuses who has none
//	fault        abort (alert), close, hang, garbage, reset
//
// Keys and certificates are derived from the world, the same in each run.
//
// # https, http
//
//	pages   by "host/path", or "/path" for all hosts: a body, or "pages/NAME", or
//	        {body, status, type ("none": no such field), redirect, headers,
//	        delay, drip (after each 16 bytes), fill (bytes more), stop (ends in
//	        the middle), raw (body is the whole response)}
//	fault, tls   as of the host
//
// Sections pages/HOST/PATH are served without being listed.
//
// # dns.yaml
//
//	secure   zones for which the resolver sets AD
//	faults   a list; the first that fits is taken:
//	  name, zone   this name; this name and all below. Neither: all
//	  type, over   types; udp tcp dot doh
//	  at           resolver, or name or address of a server. Default everywhere:
//	               then what makes an authority unusable is SERVFAIL at the resolver
//	  when         the true answer is nxdomain, nodata, ent (an empty non-terminal), data
//	  edns         only questions with EDNS
//	  checked      only questions without the bit CD, as a validating resolver
//	               fails them
//	  times        only the first so many
//	  fault        servfail refused formerr notimp nxdomain nodata timeout
//	               truncated truncated-no-tcp truncated-reset wrong-id garbage
//	               only-garbage wrong-question no-aa lame
//	  answer       records instead of the true ones; owner @ is the asked name
//	  ede          "CODE TEXT", an extended error (RFC 8914)
//	  delay        before the reply
package fakenet
