package message

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadReport(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{
			"mx.example.net; spf=pass smtp.mailfrom=a@example.com; dkim=pass header.d=example.com header.s=s1; dmarc=pass header.from=example.com",
			"mx.example.net spf=pass a@example.com, dkim=pass example.com, dmarc=pass example.com",
		},
		{"mx.example.net 1; none", "mx.example.net "},
		{
			`mx.example.net; dkim=pass (good; really (nested)) header.i=@example.com; spf=softfail (a "b; c) smtp.helo=mx.example.org`,
			"mx.example.net dkim=pass example.com, spf=softfail mx.example.org",
		},
		{`mx.example.net; dkim=fail reason="body; changed = yes" header.d=example.com; x-test=ok`, "mx.example.net dkim=fail example.com, x-test=ok "},
		{"mx.example.net 2; dkim=pass", "mx.example.net  broken"},
		{"mx.example.net; nonsense", "mx.example.net  broken"},
		{"", "  broken"},
		// RFC 8601 section 2.2: comments and folding stand anywhere between the parts.
		{
			"mx.example.net;\tdkim=pass (2048-bit key; unprotected) header.d=example.com header.i=@example.com header.a=rsa-sha256 header.s=s1 header.b=AbCdEf12;\tdkim-atps=neutral",
			"mx.example.net dkim=pass example.com, dkim-atps=neutral",
		},
		{
			"mx.example.net (filter v1; beta) 1 ; spf = pass\t(sender ip is 192.0.2.17; listed) smtp . mailfrom = jane@example.com",
			"mx.example.net spf=pass jane@example.com",
		},
		{"mx.example.net; dkim = pass header.d = x.example", "mx.example.net dkim=pass x.example"},
		{"mx.example.net; dkim/1=pass header.d=x.example", "mx.example.net dkim=pass x.example"},
		{"mx.example.net; dkim / 01 (c) = (d) pass (e) header(f).(g)d(h)=(i)x.example(j)", "mx.example.net dkim=pass x.example"},
		{"mx.example.net; dkim/2=pass header.d=x.example; spf=fail", "mx.example.net dkim/2=pass x.example, spf=fail"},
		{"mx.example.net 1 (c); none", "mx.example.net"},
		{"mx.example.net (c); none (nothing was done)", "mx.example.net"},
		{`"mx.example.net"; spf=pass smtp.mailfrom="john doe"@example.com`, `mx.example.net spf=pass "john doe"@example.com`},
		{`mx.example.net; spf=pass smtp.mailfrom="jane@example.com"`, "mx.example.net spf=pass jane@example.com"},
		{"mx.example.net; dkim=pass reason=good header.d=x.example;", "mx.example.net dkim=pass x.example"},
		{"mx.example.net; dkim=fail (body; hash) reason = \"a; b=c\" header.i=@x.example; dmarc=fail header.from=x.example", "mx.example.net dkim=fail x.example, dmarc=fail x.example"},
		{"mx.example.net; iprev=pass policy.iprev=2001:db8::1; dkim=pass header.d=x.example header.b=ab/c+d==", "mx.example.net iprev=pass 2001:db8::1, dkim=pass x.example"},
		{"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dmarc=bestguesspass action=none header.from=example.com;compauth=pass reason=109", " spf=pass example.com, dmarc=bestguesspass example.com, compauth=pass  broken"},
		{"mx.example.net; b\u00fccher=pass; spf=pass", "mx.example.net spf=pass  broken"},
		{"mx.example.net; spf=; dkim=pass header.d=x.example", "mx.example.net dkim=pass x.example broken"},
		{"mx.example.net; spf=pass stray words; dkim=pass header.d=x.example", "mx.example.net spf=pass , dkim=pass x.example broken"},
		{"mx.example.net; spf=pass (never ends; dkim=pass", "mx.example.net spf=pass  broken"},
		{"(a) mx.example.net", "mx.example.net"},
		{"MX.Example.Net; arc=pass; iprev=pass policy.iprev=192.0.2.1; auth=pass smtp.auth=x", "mx.example.net arc=pass , iprev=pass 192.0.2.1, auth=pass x"},
	} {
		r := readReport(c.value)
		var claims []string
		for _, cl := range r.Claims {
			claims = append(claims, fmt.Sprintf("%s=%s %s", cl.Method, cl.Result, cl.About))
		}
		got := r.ID + " " + strings.Join(claims, ", ")
		if r.Broken != "" {
			got += " broken"
		}
		if strings.TrimSpace(got) != strings.TrimSpace(c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.value, got, c.want)
		}
	}
}

// Only the user's own server above the border is believed.
func TestTrust(t *testing.T) {
	const results = "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=a@example.com; dmarc=pass header.from=example.com\n"
	own := func(o *Options) { o.Authserv = []string{"MX.example.net"} }
	for name, c := range map[string]struct {
		text    string
		options []func(*Options)
		trusted bool
		why     string
	}{
		"not named":                      {results + received(plain, "a@example.com", "mx", "192.0.2.1"), nil, false, "--authserv-id"},
		"named":                          {results + received(plain, "a@example.com", "mx", "192.0.2.1"), []func(*Options){own}, true, ""},
		"between border and older field": {received(results+"Received: from pc by out.example.com with ESMTP\n"+plain, "a@example.com", "mx", "192.0.2.1"), []func(*Options){own}, false, "sender may have written it"},
		"below the only field":           {received(results+plain, "a@example.com", "mx", "192.0.2.1"), []func(*Options){own}, false, "sender may have written it"},
		"without any Received field":     {results + plain, []func(*Options){own}, false, "no Received field"},
		"border not known":               {results + "Received: from unknown (HELO [192.0.2.1]) by mx.example.net with SMTP\n" + plain, []func(*Options){own}, false, "not known where"},
		"brought along by the sender":    {received("Received: from pc by out.example.com with ESMTP\n"+results+plain, "a@example.com", "mx", "192.0.2.1"), []func(*Options){own}, false, "sender may have written"},
		"another server's":               {strings.Replace(results, "mx.example.net", "mx.evil.example", 1) + received(plain, "a@example.com", "mx", "192.0.2.1"), []func(*Options){own}, false, "anybody"},
	} {
		r := check(t, world(t), c.text, c.options...)
		if len(r.Reports) != 1 || r.Reports[0].Trusted != c.trusted || !strings.Contains(r.Reports[0].Why, c.why) {
			t.Errorf("%s: %+v", name, r.Reports)
		}
	}
	r := check(t, world(t), results+received(plain, "a@example.com", "mx", "203.0.113.9"), own)
	if c := r.Reports[0].Claims[0]; c.Ours != "fail" || c.Agrees {
		t.Errorf("SPF: %+v", c)
	}
}
