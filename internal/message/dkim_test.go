package message

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"mxvet/internal/simulate"
)

// raw signs a message with a DKIM-Signature field as it is written, in which {bh} and
// {b} stand for the two values; fields are signed that its tag h names.
func (s signer) raw(m *Message, field string) Field {
	tags := readTagList(Field{Raw: field})
	header, relaxed, _ := tags.forms()
	body := canonicalBody(m.Body, relaxed)
	if n := number(tags.get("l")); n != nil && *n <= uint64(len(body)) {
		body = body[:*n]
	}
	sum := sha256.Sum256(body)
	field = strings.Replace(field, "{bh}", base64.StdEncoding.EncodeToString(sum[:]), 1)
	h := sha256.New()
	newPicker(m.Fields).pick(readTagList(Field{Raw: field}).list("h"), -1, func(f Field) { h.Write([]byte(canonicalField(f.Raw, header))) })
	before, after, _ := strings.Cut(field, "{b}")
	before = strings.TrimRight(before, " \t\r\n")
	if next, rest, ok := strings.Cut(after, ";"); ok && strings.TrimSpace(next) == "" {
		after = ";" + rest // the blanks around the value go with it
	} else if strings.TrimSpace(after) == "" {
		after = ""
	}
	h.Write([]byte(strings.TrimSuffix(canonicalField(before+after+"\r\n", header), "\r\n")))
	name, _, _ := strings.Cut(field, ":")
	return Field{Name: name, Raw: strings.Replace(field, "{b}", s.signature(h), 1) + "\r\n"}
}

// rawSigned gives a message with such a signature, as its receiver has it.
func rawSigned(t *testing.T, selector, field, footer string) string {
	t.Helper()
	m := parsed(t, crlfText(plain))
	s := signer{Selector: selector}
	if strings.Contains(field, "a=rsa-sha256") || strings.Contains(field, "A=rsa-sha256") {
		s.Algorithm = "rsa-sha256"
	}
	m.prepend(s.raw(m, "DKIM-Signature: "+field))
	return received(string(m.text())+footer, "x@example.org", "mx.example.org", "203.0.113.5")
}

// A signature that is written in another way than the standard asks is refused (RFC
// 6376 section 6.1.1), and said to be good but for that; what only looks odd passes.
func TestSignatureSyntax(t *testing.T) {
	const head = "v=1; a=ed25519-sha256; d=example.com; s=s1; "
	const rest = "h=from:to:subject:date; bh={bh}; b={b}"
	src := world(t)
	for name, c := range map[string]struct {
		field   string
		result  string
		why     string
		lenient string
	}{
		"plain":                       {head + rest, "pass", "", ""},
		"semicolon at the end":        {head + rest + ";", "pass", "", ""},
		"z with b=":                   {head + "z=Subject:Bob=20Smith; " + rest, "pass", "", ""},
		"z with b= behind b":          {head + rest + "; z=Subject:Bob=20Smith", "pass", "", ""},
		"unknown tag ab":              {head + "ab=1; " + rest + "; ab2=b=3", "pass", "", ""},
		"i with b=":                   {head + "i=bob=2Bx@example.com; " + rest, "pass", "", ""},
		"blanks around b":             {head + "h=from:to; bh={bh}; b =\r\n\t{b} ; t=1", "pass", "", ""},
		"blanks in h":                 {head + "h=from : to :\r\n\tsubject; bh={bh}; b={b}", "pass", "", ""},
		"i of another case":           {head + "i=joe@Example.COM; " + rest, "pass", "", ""},
		"d of another case":           {"v=1; a=ed25519-sha256; d=EXAMPLE.com; s=S1; i=joe@example.com; " + rest, "pass", "", ""},
		"i of a subdomain":            {head + "i=@mail.example.com; " + rest, "pass", "", ""},
		"q with a second method":      {head + "q=http:dns/txt; " + rest, "pass", "", ""},
		"x behind the year 9999":      {head + "x=999999999999; " + rest, "pass", "", ""},
		"own field named in h":        {head + "h=from:dkim-signature; bh={bh}; b={b}", "pass", "", ""},
		"unknown key tag, key folded": {"v=1; a=ed25519-sha256; d=example.com; s=odd; " + rest, "pass", "", ""},

		"x is 0":                     {head + "x=0; " + rest, "permerror", "expired on 1970", "pass"},
		"x below 0":                  {head + "x=-1; " + rest, "permerror", "tag x: \"-1\" is no number", "pass"},
		"x not after t":              {head + "t=2000000000; x=2000000000; " + rest, "permerror", "ends when it begins", "pass"},
		"x before t":                 {head + "t=2000000000; x=1900000000; " + rest, "permerror", "ends when it begins", "pass"},
		"x of 13 digits":             {head + "x=9999999999999; " + rest, "permerror", "1 to 12 digits", "pass"},
		"t below 0":                  {head + "t=-1; " + rest, "permerror", "tag t", "pass"},
		"t with a sign":              {head + "t=+1; " + rest, "permerror", "tag t", "pass"},
		"q=http":                     {head + "q=http; " + rest, "permerror", "tag q", "pass"},
		"q=dns":                      {head + "q=dns; " + rest, "permerror", "tag q", "pass"},
		"two semicolons":             {"v=1; a=ed25519-sha256;; d=example.com; s=s1; " + rest, "permerror", "a semicolon with nothing before it", "pass"},
		"two semicolons at the end":  {head + rest + ";;", "permerror", "a semicolon with nothing before it", "pass"},
		"tag _":                      {head + "_=1; " + rest, "permerror", "\"_\" is no tag name", "pass"},
		"tag with a hyphen":          {head + "x-y=1; " + rest, "permerror", "is no tag name", "pass"},
		"word without =":             {head + "word; " + rest, "permerror", "\"word\" is no tag", "pass"},
		"tag twice":                  {head + "d=example.org; " + rest, "permerror", "tag d stands twice", "pass"},
		"colon at the end of h":      {head + "h=from:to:; bh={bh}; b={b}", "permerror", "is no name of a field", "pass"},
		"h is empty":                 {head + "h=; bh={bh}; b={b}", "permerror", "is no name of a field", "pass"},
		"h without From":             {head + "h=to:subject; bh={bh}; b={b}", "permerror", "From field is not signed", "pass"},
		"blanks in d":                {"v=1; a=ed25519-sha256; d=example. com; s=s1; " + rest, "permerror", "tag d: blanks within the value", "pass"},
		"blanks in s":                {"v=1; a=ed25519-sha256; d=example.com; s=s 1; " + rest, "permerror", "tag s: blanks within the value", "pass"},
		"final dot in d":             {"v=1; a=ed25519-sha256; d=example.com.; s=s1; " + rest, "permerror", "is no domain name", "pass"},
		"d is no name":               {"v=1; a=ed25519-sha256; d=example/com; s=s1; " + rest, "permerror", "is no domain name", ""},
		"l=abc":                      {head + "l=abc; " + rest, "permerror", "tag l", ""},
		"l=-1":                       {head + "l=-1; " + rest, "permerror", "tag l", ""},
		"i without @":                {head + "i=example.com; " + rest, "permerror", "has no @", "pass"},
		"i of another domain":        {head + "i=@example.org; " + rest, "permerror", "is not of the domain", "pass"},
		"i of a name that ends so":   {head + "i=@evilexample.com; " + rest, "permerror", "is not of the domain", "pass"},
		"i of the domain above":      {"v=1; a=ed25519-sha256; d=mail.example.com; s=sub; i=@example.com; " + rest, "permerror", "is not of the domain", "pass"},
		"v missing":                  {"a=ed25519-sha256; d=example.com; s=s1; " + rest, "permerror", "no tag v", "pass"},
		"v=2":                        {"v=2; a=ed25519-sha256; d=example.com; s=s1; " + rest, "permerror", "tag v", "pass"},
		"v=1.0":                      {"v=1.0; a=ed25519-sha256; d=example.com; s=s1; " + rest, "permerror", "tag v", "pass"},
		"a in capitals":              {"v=1; a=ED25519-SHA256; d=example.com; s=s1; " + rest, "permerror", "tag a", ""},
		"a is not known":             {"v=1; a=ed25519-sha512; d=example.com; s=s1; " + rest, "permerror", "tag a", ""},
		"a does not fit the key":     {"v=1; a=rsa-sha256; d=example.com; s=s1; " + rest, "permerror", "another type", ""},
		"a missing":                  {"v=1; d=example.com; s=s1; " + rest, "permerror", "no tag a", ""},
		"c is not known":             {"v=1; a=ed25519-sha256; c=nowsp; d=example.com; s=s1; " + rest, "permerror", "unknown canonical form", ""},
		"c in capitals":              {"v=1; a=ed25519-sha256; c=Relaxed; d=example.com; s=s1; " + rest, "permerror", "unknown canonical form", ""},
		"c is empty":                 {"v=1; a=ed25519-sha256; c=; d=example.com; s=s1; " + rest, "permerror", "tag c: there is no value", "pass"},
		"tag names in capitals":      {"V=1; A=rsa-sha256; D=example.com; S=r1; " + rest, "permerror", "no tag v", ""},
		"bh is not base64":           {head + "h=from; bh=!!!; b={b}", "permerror", "tag bh: the value is not base64", ""},
		"bh is empty":                {head + "h=from; bh=; b={b}", "permerror", "tag bh", ""},
		"b is not base64":            {head + "h=from; bh={bh}; b=!{b}", "permerror", "tag b: the value is not base64", ""},
		"control character":          {head + "z=a\x07; " + rest, "permerror", "octet 0x07", "pass"},
		"octet that is no UTF-8":     {head + "z=a\xff; " + rest, "permerror", "octet 0xff", "pass"},
		"text in UTF-8":              {head + "z=a\u00e9; " + rest, "pass", "", ""},
		"l is more than the body":    {head + "l=5000; " + rest, "fail", "more than the body has", ""},
		"l covers all":               {"v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=s1; l=26; " + rest, "policy", "tag l", "pass"},
		"l is 0":                     {head + "l=0; " + rest, "policy", "tag l", "pass"},
		"key with v at the end":      {"v=1; a=ed25519-sha256; d=example.com; s=late; " + rest, "permerror", "v is not the first tag", "pass"},
		"key of another service":     {"v=1; a=ed25519-sha256; d=example.com; s=tlsrpt; " + rest, "permerror", "does not include e-mail", "pass"},
		"key for SHA-1 only":         {"v=1; a=ed25519-sha256; d=example.com; s=sha1; " + rest, "permerror", "does not permit sha256", "pass"},
		"key with flag s, other i":   {"v=1; a=ed25519-sha256; d=example.com; s=strict1; i=@mail.example.com; " + rest, "permerror", "flag s", "pass"},
		"key with flag s, same i":    {"v=1; a=ed25519-sha256; d=example.com; s=strict1; i=joe@EXAMPLE.com; " + rest, "pass", "", ""},
		"several keys":               {"v=1; a=ed25519-sha256; d=example.com; s=two; " + rest, "permerror", "several records", "pass"},
		"no name for the key":        {"v=1; a=ed25519-sha256; d=example.com; s=" + strings.Repeat("a", 64) + "; " + rest, "permerror", "is no domain name", ""},
		"key that is a revoked one":  {"v=1; a=ed25519-sha256; d=example.com; s=gone; " + rest, "permerror", "withdrawn", ""},
		"key with the flag y passes": {"v=1; a=ed25519-sha256; d=example.com; s=test; " + rest, "pass", "", ""},
	} {
		selector := squeeze(readTagList(Field{Raw: "X:" + c.field}).get("s"))
		r := check(t, src, rawSigned(t, strings.ToLower(selector), c.field, ""))
		s := r.Signatures[0]
		if s.Result != c.result || !strings.Contains(s.Why, c.why) || (c.result == "pass") != (s.Why == "") || s.Lenient != c.lenient {
			t.Errorf("%s: %s (%s), lenient %q; want %s (%s), %q", name, s.Result, s.Why, s.Lenient, c.result, c.why, c.lenient)
		}
		if told := strings.Contains(strings.Join(r.Decision.Differ, "\n"), "DKIM: the signature of"); told != (c.lenient != "") {
			t.Errorf("%s: that receivers differ: %q", name, r.Decision.Differ)
		}
		if (c.result == "pass" && selector != "test") != (r.Verdict == simulate.Pass) {
			t.Errorf("%s: %s", name, r.Verdict)
		}
		if s.Second == "" || (s.Second != s.Result) != (s.Differ != "") {
			t.Errorf("%s: here %s, by the other program %s (%s): %s", name, s.Result, s.Second, s.SecondWhy, s.Differ)
		}
		if s.Differ != "" && !strings.Contains(s.Differ, "section ") {
			t.Errorf("%s: the difference from %s (%s) is not explained by a section: %s", name, s.Second, s.SecondWhy, s.Differ)
		}
	}
}

// A key in another letter case, folded, or in another form is the same key for audit
// and message, and the other program gets it in the form that it reads.
func TestOneKeyReader(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 16399), big.NewInt(1)), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	r1 := strings.TrimPrefix(rsaRecord(), "v=DKIM1; k=rsa; p=")
	for name, c := range map[string]struct{ key, result string }{
		"tab in p":          {`v=DKIM1; k=rsa; p=` + r1[:50] + "\t" + r1[50:], "pass"},
		"k=RSA":             {`v=DKIM1; k=RSA; p=` + r1, "pass"},
		"h=SHA256":          {`v=DKIM1; k=rsa; h=SHA256; p=` + r1, "pass"},
		"s=Email":           {`v=DKIM1; k=rsa; s=Email; p=` + r1, "pass"},
		"blanks everywhere": {` v = DKIM1 ; k = rsa ; p = ` + r1[:9] + ` ` + r1[9:] + ` ; `, "pass"},
		"no k, no v":        {`p=` + r1, "pass"},
		"semicolons":        {`v=DKIM1;; k=rsa; p=` + r1 + `;;`, "pass"},
		"unknown tags":      {`v=DKIM1; g=*; x=y; p=` + r1, "pass"},
		"v not first":       {`k=rsa; v=DKIM1; p=` + r1, "permerror"},
		"v=DKIM2":           {`v=DKIM2; p=` + r1, "permerror"},
		"tag twice":         {`v=DKIM1; p=` + r1 + `; p=` + r1, "permerror"},
		"URL-safe alphabet": {`v=DKIM1; p=` + strings.NewReplacer("+", "-", "/", "_").Replace(r1), "permerror"},
		"cut off":           {`v=DKIM1; p=` + r1[:200], "permerror"},
		"16,400 bits":       {`v=DKIM1; p=` + base64.StdEncoding.EncodeToString(der), "permerror"},
	} {
		src := zones(t, "example.com. 3600 IN TXT \"v=spf1 -all\"\n_dmarc.example.com. 3600 IN TXT \"v=DMARC1; p=reject\"\nr1._domainkey.example.com. 3600 IN TXT "+quoted(c.key)+"\n")
		r := check(t, src, rawSigned(t, "r1", "v=1; a=rsa-sha256; c=relaxed; d=example.com; s=r1; h=from; bh={bh}; b={b}", ""))
		s := r.Signatures[0]
		if s.Result != c.result || name == "16,400 bits" && !strings.Contains(s.Why, "is not used") {
			t.Errorf("%s: %s (%s), want %s", name, s.Result, s.Why, c.result)
		}
		if c.result == "pass" && s.Second != "pass" {
			t.Errorf("%s: the other program gives %s (%s)", name, s.Second, s.SecondWhy)
		}
	}
}

// Departures are told with their place in the field.
func TestRemarks(t *testing.T) {
	field := "v=1; a=ed25519-sha256;; d=example.com; s=test; t=1900000000; h=from; bh={bh}; b={b}"
	text := rawSigned(t, "test", field, "")
	s := check(t, world(t), text).Signatures[0]
	if len(s.Remarks) != 3 || s.Remarks[0].Pos != strings.Index("DKIM-Signature: "+field, ";;")+1 ||
		!strings.Contains(s.Remarks[1].Text, "testing") || !strings.Contains(s.Remarks[2].Text, "future") {
		t.Errorf("%+v", s.Remarks)
	}
}

// Expiry is judged by the clock of the receiver's servers, never by a field that the
// sender may have written.
func TestExpiry(t *testing.T) {
	x := now.Add(-10 * time.Minute).Unix() // received writes 08:30, thirty minutes before now
	text := rawSigned(t, "s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; x="+strconv.FormatInt(x, 10)+"; h=from; bh={bh}; b={b}", "")
	for name, c := range map[string]struct{ text, result, why string }{
		"arrived before": {text, "pass", "it has expired since"},
		"arrived after":  {strings.Replace(text, "08:30:00", "08:55:00", 1), "permerror", "expired on"},
		"arrival below the border is the sender's": {"Received: from mx.example.org (mx.example.org [203.0.113.5]) by mx.example.net (Postfix) with ESMTPS id 2; Mon, 02 Nov 2026 08:55:00 +0000\n" +
			strings.Replace(text, "Return-Path: <x@example.org>\n", "", 1), "permerror", "expired on"},
		"border not known":           {"Received: from unknown (HELO [192.0.2.1]) by mx.example.net with SMTP; Mon, 02 Nov 2026 08:55:00 +0000\n" + text, "permerror", "expired on"},
		"no client but private ones": {strings.Replace(strings.Replace(text, "203.0.113.5", "10.0.0.5", 1), "Return-Path", "X", 1), "pass", "it has expired since"},
		"no Received field":          {text[strings.Index(text, "DKIM-Signature"):], "permerror", "expired on"},
		"no date":                    {strings.Replace(text, "; Mon, 02 Nov 2026 08:30:00 +0000 (UTC)", "", 1), "permerror", "expired on"},
	} {
		if s := check(t, world(t), c.text).Signatures[0]; s.Result != c.result || !strings.Contains(s.Why, c.why) {
			t.Errorf("%s: %s (%s)", name, s.Result, s.Why)
		}
	}
}
