package gather

import "fmt"

// roleOf finds out what the domain does with mail. The operator's own word wins.
// A domain whose SPF lets nobody send and that has no MX (or a null MX) does no
// mail; one that authorises nobody but has an MX only receives; one that
// authorises somebody but cannot receive only sends; everything else counts as
// full, also what could not be found out.
func roleOf(e *Evidence) Role {
	if p := e.Options.Profile; p != "" && p != "auto" {
		return Role{Name: p, Stated: true, Why: "stated by the user"}
	}
	if !e.MX.Answer.OK() {
		return Role{Name: Full, Unproven: true, Why: "the MX lookup gave no answer: " + e.MX.Answer.Fail.String()}
	}
	if txt := e.SPF.Root.TXT; txt.Answer.Fail != nil {
		return Role{Name: Full, Unproven: true, Why: "the SPF lookup gave no answer: " + txt.Answer.Fail.String()}
	}
	noMX := len(e.MX.Records) == 0
	hasSPF := len(e.SPF.Root.Records) > 0
	sends, known := e.SPF.Authorises()
	if hasSPF && !known {
		return Role{Name: Full, Unproven: true, Why: "whether the SPF record lets anybody send could not be found out"}
	}
	switch {
	case hasSPF && !sends && (e.MX.Null || noMX), e.MX.Null && !hasSPF:
		return Role{Name: NoMail, Why: describe(e, "nobody may send")}
	case hasSPF && !sends:
		return Role{Name: ReceiveOnly, Why: describe(e, "SPF lets nobody send")}
	case hasSPF && sends && (e.MX.Null || noMX && !e.MX.Implicit):
		return Role{Name: SendOnly, Why: describe(e, "SPF lets somebody send")}
	}
	return Role{Name: Full, Why: describe(e, "SPF does not rule out sending")}
}

func describe(e *Evidence, spf string) string {
	switch {
	case e.MX.Null:
		return spf + ", and the MX is null"
	case e.MX.Implicit:
		return spf + ", no MX, but an address"
	case len(e.MX.Records) == 0:
		return spf + ", and there is no MX"
	}
	return fmt.Sprintf("%s, %d MX", spf, len(e.MX.Records))
}
