package message

import (
	"strings"
	"testing"

	"mxvet/internal/simulate"
)

const dinner = `From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
`

// The signed message of RFC 6376 appendix A.2. It is signed in simple form (sections
// 3.4.1 and 3.4.3), which changes no blank: it verifies with its lines indented by six
// blanks and one blank between the sentences, and not with the five and two that the
// page of the RFC shows.
var signedByRSA = `DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
        KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
        4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
` + strings.Replace(dinner, "game.  Are", "game. Are", 1)

// The signed message of RFC 8463 appendix A.3.
const signedTwice = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
` + dinner

func TestSamplesOfTheStandards(t *testing.T) {
	src := zones(t, `
brisbane._domainkey.example.com. 3600 IN TXT "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
brisbane._domainkey.football.example.com. 3600 IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
test._domainkey.football.example.com. 3600 IN TXT "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR" "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC" "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3" "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
`)
	for name, c := range map[string]struct {
		text    string
		results string
	}{
		"RFC 6376 appendix A":                          {signedByRSA, "pass"},
		"RFC 6376 appendix A, indented by five":        {strings.ReplaceAll(signedByRSA, "\n      ", "\n     "), "fail"},
		"RFC 6376 appendix A, two blanks":              {strings.Replace(signedByRSA, "game. Are", "game.  Are", 1), "fail"},
		"RFC 6376 appendix A.3, with a field above it": {"Received: from mout23.football.example.com (192.168.1.1)\n  by shopping.example.net with SMTP;\n  Fri, 11 Jul 2003 21:01:59 -0700 (PDT)\n" + signedByRSA, "pass"},
		"RFC 8463 appendix A":                          {signedTwice, "pass pass"},
		"RFC 8463 appendix A, blanks changed":          {strings.ReplaceAll(signedTwice, "Is dinner", "Is   dinner"), "pass pass"},
		"RFC 8463 appendix A, subject changed":         {strings.ReplaceAll(signedTwice, "Is dinner", "Is Dinner"), "fail fail"},
		"RFC 8463 appendix A, second subject":          {strings.Replace(signedTwice, "To: Suzie", "Subject: Buy!\nTo: Suzie", 1), "fail fail"},
	} {
		r := check(t, src, c.text)
		var got []string
		for _, s := range r.Signatures {
			got = append(got, s.Result)
			if s.Second != s.Result {
				t.Errorf("%s: here %s (%s), by the other program %s (%s): %s", name, s.Result, s.Why, s.Second, s.SecondWhy, s.Differ)
			}
		}
		if strings.Join(got, " ") != c.results {
			t.Errorf("%s: %v (%s), want %s", name, got, r.Signatures[0].Why, c.results)
		}
		// The first sample is of example.com, and its author of another organization by
		// the tree walk: nothing says that the two belong together.
		if aligned := c.results == "pass pass"; aligned != (r.Verdict == simulate.Pass) {
			t.Errorf("%s: %s", name, r.Verdict)
		}
	}
}
