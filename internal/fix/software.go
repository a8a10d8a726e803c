package fix

import (
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
)

// Server software whose settings the steps know.
var softwareNames = map[string]string{
	"postfix": "Postfix", "exim": "Exim", "exchange": "Exchange", "opensmtpd": "OpenSMTPD", "sendmail": "Sendmail",
}

// softwareOf gives the software that a host names in its greeting or shows by
// what it offers; "" where it does not tell.
func softwareOf(h *gather.Host) string {
	for _, a := range h.Addrs {
		if s := softwareIn(a.Session.Exchanges); s != "" {
			return s
		}
	}
	return ""
}

func softwareIn(exchanges []smtp.Exchange) string {
	if r := smtp.Banner(exchanges); r != nil {
		text := strings.ToLower(r.Text())
		for _, mark := range []struct{ text, software string }{
			{"postfix", "postfix"},
			{"opensmtpd", "opensmtpd"},
			{"exim", "exim"},
			{"microsoft esmtp mail service", "exchange"},
			{"sendmail", "sendmail"},
		} {
			if strings.Contains(text, mark.text) {
				return mark.software
			}
		}
	}
	for _, stage := range []string{smtp.StageEHLO, smtp.StageEHLOTLS} {
		if f := smtp.Offered(exchanges, stage); f != nil {
			for _, k := range f.Keywords {
				if strings.HasPrefix(k.Name, "X-ANONYMOUSTLS") || strings.HasPrefix(k.Name, "X-EXPS") || k.Name == "XEXCH50" {
					return "exchange"
				}
			}
		}
	}
	return ""
}
