package gather

import (
	"cmp"
	"fmt"
	"slices"

	"mxvet/internal/dkim"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// The role follows from what the owner says, in so many records, and never from
// what happens to fail today: a mail host that is down, a name that lost its
// address, or a lookup without an answer takes nothing away. Whatever is not said,
// or not known, counts as full.

// receiving is what the MX records, or want of them, say about incoming mail.
type receiving int

const (
	takesUnknown  receiving = iota // a lookup failed
	takesMail                      // MX records
	takesImplicit                  // no MX, but an address: a mail host, or just a web server
	takesNone                      // a null MX
	takesNowhere                   // neither MX nor address
	takesGone                      // the name does not exist, or is an alias of one that does not
)

func receives(e *Evidence) receiving {
	switch a, four, six := e.MX.Answer, e.Apex.A, e.Apex.AAAA; {
	case e.MX.Null:
		return takesNone
	case len(e.MX.Records) > 0:
		return takesMail
	case e.MX.Implicit:
		return takesImplicit
	case a.NXDomain(), e.Gone():
		return takesGone
	case a.Missing("MX") && four.Missing("A") && six.Missing("AAAA"):
		return takesNowhere
	}
	return takesUnknown
}

// Gone reports that the domain's name does not exist: a question about it was answered
// so, whatever type it asked for (RFC 8020), and none otherwise.
func (e *Evidence) Gone() bool {
	gone := false
	for _, a := range []wire.Answer{e.MX.Answer, e.Apex.A, e.Apex.AAAA, e.Apex.TXT} {
		switch {
		case a.NXDomain() && len(a.Chain(e.Domain)) == 0:
			gone = true
		case a.OK():
			return false
		}
	}
	return gone
}

// sending is what the texts of the owner say about outgoing mail.
type sending int

const (
	sendsUnknown sending = iota // the record was not seen whole
	sendsSilent                 // there is no record
	sendsVoid                   // there is a text, but it voids itself or says nothing
	sendsNobody                 // the record lets nobody send
	sendsBroken                 // a text that names senders and voids itself
	sendsMail                   // the record names senders, or somebody else speaks for them
)

// sends reads the SPF texts of the domain. Only their words count: an include
// that leads nowhere still says that somebody sends.
func sends(e *Evidence) sending {
	root := e.SPF.Root
	if len(root.Records) == 0 {
		switch {
		case !root.TXT.Usable():
			return sendsUnknown
		case e.SPF.SPF99.Answer.Has("SPF"):
			return sendsVoid
		}
		said := sendsSilent
		for _, m := range root.Near {
			if m.Why == spf.NearSenderID {
				continue
			}
			said = max(said, sendsVoid)
			if names(spf.Parse("v=spf1 " + m.Rest)) {
				said = sendsBroken
			}
		}
		return said
	}
	return meaning(root)
}

// meaning reads the records of a node, and those that they redirect to.
func meaning(n *spf.Node) sending {
	named := slices.ContainsFunc(n.Records, names)
	void := len(n.Records) != 1 || n.Records[0].Fatal()
	switch {
	case len(n.Loop) > 0:
		return sendsVoid
	case len(n.Records) == 0 && !n.TXT.Usable():
		return sendsUnknown
	case void && named:
		return sendsBroken
	case void:
		return sendsVoid
	case named:
		return sendsMail
	}
	r := n.Records[0]
	if i := r.All(); i >= 0 {
		if q := r.Terms[i].Qualifier; q == spf.Fail || q == spf.Softfail {
			return sendsNobody
		}
		return sendsVoid
	}
	if i := r.Redirect(); i >= 0 && i < len(n.Steps) && n.Steps[i].Child != nil {
		return meaning(n.Steps[i].Child)
	}
	return sendsVoid
}

// names reports whether a text names somebody who may send, rightly written or
// not. What is only excluded is not named.
func names(r spf.Record) bool {
	return slices.ContainsFunc(r.Terms, func(t spf.Term) bool {
		switch t.Kind {
		case spf.KindAll:
			return t.Qualifier == spf.Pass
		case spf.KindExp, spf.KindRedirect:
			return false
		case spf.KindModifier:
			return slices.ContainsFunc(t.Problems, func(p spf.Problem) bool { return p.Code == spf.CodeAsModifier })
		}
		return t.Qualifier != spf.Fail
	})
}

// What the DKIM keys tell about sending.
type keyHint int

const (
	keyUnknown keyHint = iota // some question without an answer could bring one
	keyHidden                 // none was found, but something lies below _domainkey
	keyNone                   // nothing hints at one
	keyUsed                   // one is published, for a name that somebody chose
)

func keys(r *dkim.Result) keyHint {
	answered := r.Base.Answer.OK() && r.Control.Answer.OK()
	exists := false
	for _, s := range r.Selectors {
		if s.Invalid != "" {
			continue
		}
		usable := slices.ContainsFunc(s.Records, func(rec dkim.Record) bool { return rec.Key.Usable() })
		if s.Found && usable && !s.Wildcard {
			return keyUsed
		}
		answered = answered && s.Answer.OK()
		exists = exists || s.Answer.OK() && !s.Answer.NXDomain()
	}
	switch {
	case !answered:
		return keyUnknown
	case !exists && !r.Base.Answer.NXDomain() && r.Control.Answer.NXDomain(): // the server tells the two apart
		return keyHidden
	}
	return keyNone
}

// roleOf finds out what the domain does with mail. The operator's own word wins.
func roleOf(e *Evidence) Role {
	o := e.Options
	if p := o.Profile; p != "" && p != "auto" {
		return Role{Name: p, Stated: true, Why: "stated by the user"}
	}
	if v := e.Vantage; v.Resolver != "" && !v.Corroborated {
		return unproven("%s", v.Resolver)
	}
	in, out, key := receives(e), sends(e), keys(e.DKIM)
	if (in == takesNone || in == takesUnknown) && out == sendsNobody {
		key = keyNone // two plain words weigh more than a key left behind
	}
	who := ""
	switch {
	case len(o.Selectors) > 0:
		who = "a DKIM selector is named"
	case len(o.SendIPs) > 0:
		who = "a sending address was given"
	case out == sendsMail:
		who = "SPF names senders"
	case key == keyUsed && out != sendsUnknown:
		who = "a DKIM key is published"
	}
	if who != "" {
		out = sendsMail
	}
	return decide(e, in, out, key, who)
}

// unproven is the role of a domain of which too little is known or said.
func unproven(format string, args ...any) Role {
	return Role{Name: Full, Unproven: true, Why: fmt.Sprintf(format, args...)}
}

// decide puts both ways together; who says what speaks for sending.
func decide(e *Evidence, in receiving, out sending, key keyHint, who string) Role {
	mx, txt := e.MX.Answer, e.SPF.Root.TXT
	where := map[receiving]string{
		takesMail: fmt.Sprintf("%d MX", len(e.MX.Records)), takesImplicit: "no MX, but an address", takesNone: "the MX is null",
		takesNowhere: "there is neither MX nor address",
	}[in]
	full := (in == takesMail || in == takesImplicit) && out != sendsNobody
	open := func(format string, args ...any) Role {
		r := unproven(format, args...)
		r.Could = could(in, out)
		return r
	}
	switch {
	case e.Gone():
		return unproven("the name does not exist")
	case in == takesUnknown && mx.Fail != nil:
		return open("the MX lookup gave no answer: %s", mx.Fail)
	case in == takesUnknown && mx.TCPFailed:
		return open("the answer to the MX lookup was cut short")
	case in == takesUnknown:
		return open("there is no MX, and the lookup of an address gave no answer")
	case out == sendsUnknown && txt.Answer.Fail != nil:
		return open("the SPF lookup gave no answer: %s", txt.Answer.Fail)
	case out == sendsUnknown:
		return open("the SPF record could not be looked up whole")

	case in == takesGone: // an alias of a name that does not exist
		return unproven("the name does not exist")
	case key == keyUnknown && who == "" && !full && out != sendsBroken:
		return open("nothing says that mail is sent, but the lookup of DKIM keys gave no answer")
	case in == takesMail && out == sendsNobody:
		return Role{Name: ReceiveOnly, Why: "SPF lets nobody send, " + where}
	case full:
		return Role{Name: Full, Why: cmp.Or(who, "SPF does not rule out sending") + ", " + where}
	case out == sendsNobody:
		return Role{Name: NoMail, Why: "SPF lets nobody send, " + where}
	case out == sendsMail:
		return Role{Name: SendOnly, Why: who + ", " + where}

	case out == sendsBroken:
		return unproven("the SPF text names senders, but is broken; %s", where)
	case in == takesNone:
		return Role{Name: NoMail, Why: "nothing names a sender, and the MX is null"}
	case out == sendsVoid:
		return unproven("the SPF text does not say whether anybody sends; %s", where)
	case in == takesNowhere && key == keyNone:
		return Role{Name: NoMail, Unproven: true, Absent: true, Why: "nothing here receives or sends mail; if it should: --profile full"}
	}
	return unproven("there is neither MX nor address nor SPF record, but something lies below _domainkey")
}

// could gives the roles other than full that failed lookups leave open.
func could(in receiving, out sending) []string {
	switch {
	case in == takesMail:
		return []string{ReceiveOnly}
	case in == takesImplicit:
		return []string{NoMail}
	case in == takesUnknown && out == sendsMail:
		return []string{SendOnly}
	case in == takesUnknown:
		return []string{ReceiveOnly, SendOnly, NoMail}
	}
	return []string{SendOnly, NoMail}
}
