package checks

import (
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Guards that rules of several areas share: when one cannot be asked, and why.

// needsSMTP guards rules that judge conversations with the MX hosts.
func needsSMTP(e *gather.Evidence) (Status, string) {
	switch {
	case !e.Role.Receives():
		return NotApplicable, "the domain is not expected to receive mail: " + e.Role.Why
	case e.Options.Offline:
		return NotAsked, "the network is switched off"
	case e.Options.NoSMTP:
		return NotAsked, "SMTP is switched off"
	case e.MX.Answer.Fail != nil:
		return Unknown, "the MX lookup gave no answer: " + e.MX.Answer.Fail.String()
	case len(e.MX.Hosts) == 0:
		return noMailHost(e)
	case len(conversations(e)) > 0:
		return "", ""
	}
	for _, h := range e.MX.Hosts {
		for _, a := range []wire.Answer{h.A, h.AAAA} {
			if a.Fail != nil {
				return Unknown, "no address of a mail host is known: " + h.Name + ": " + a.Fail.String()
			}
		}
	}
	return NotApplicable, "no mail host has an address"
}

// noMailHost says what it means that none is known: without MX records the
// domain's own address may be one, if only it could be looked up.
func noMailHost(e *gather.Evidence) (Status, string) {
	if e.MX.Answer.Missing("MX") && !nowhereToGo(e) {
		v, _ := mxSilentAddress(gather.Host{Name: e.Domain, A: e.Apex.A, AAAA: e.Apex.AAAA})
		return Unknown, "there is no MX record, and whether the domain itself is a mail host is not known: " + v.Message
	}
	return NotApplicable, "the domain names no mail host"
}

// receivesMail guards rules about mail that comes in.
func receivesMail(e *gather.Evidence) (Status, string) {
	if !e.Role.Receives() {
		return NotApplicable, "the domain is not expected to receive mail: " + e.Role.Why
	}
	return "", ""
}

// nowhereToGo reports proof that the domain has no mail host: another rule says
// so, and there is nothing whose way could be protected.
func nowhereToGo(e *gather.Evidence) bool {
	if e.Gone() {
		return true
	}
	if !e.MX.Answer.OK() || e.MX.Answer.TCPFailed || len(e.MX.Hosts) > 0 {
		return false
	}
	return e.MX.Null || e.MX.Answer.NXDomain() || e.Apex.A.Missing("A") && e.Apex.AAAA.Missing("AAAA")
}
