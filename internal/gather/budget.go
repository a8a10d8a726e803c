package gather

import (
	"time"

	"mxvet/internal/wire"
)

// What one domain may cost. No standard sets such bounds; real domains stay far
// below, and a hostile one must not turn an audit into a flood, fill memory, or
// hold up the report. Where a list is cut, the evidence says how much was left out,
// and what that could have changed is unknown.
//
// The walk of SPF, the readers of records and of SMTP replies, and the proofs of
// fixes have bounds of their own, which hold whoever uses them.
const (
	maxHosts     = 10              // MX hosts that are talked to
	maxLookedUp  = 40              // MX hosts whose addresses are looked up
	maxNamed     = maxLookedUp + 1 // MX hosts that are kept: the last one stands for the rest
	maxAddresses = 8               // addresses of one family of a host that are talked to
	maxKept      = 24              // addresses of one family of a host that are kept

	maxSelectors = 60 // DKIM selectors that are asked

	// MaxSenders is how many senders of one domain are looked at.
	MaxSenders = 20
	// MaxEvaluated is how many known addresses are evaluated by SPF.
	MaxEvaluated    = 20
	maxCited        = 60 // questions kept of one evaluation
	maxReverseNames = 5  // PTR names of one address that are looked up

	maxServers     = 8  // authoritative addresses asked, of parent and of the domain
	maxNameservers = 13 // names looked up; more do not fit into the answers of the root

	// What is asked of block lists, which are a gift.
	maxListedSenders = 16
	maxListedInbound = 16
	maxListedRange   = 4 // bits: a range of 16 addresses is asked about one by one
	maxNamedLists    = 50

	// MaxSubdomains is how many names below one domain are asked about.
	MaxSubdomains = 30
	// MaxRegistrations is how many names of others, of which it is in doubt whether
	// they exist, are asked for one domain.
	MaxRegistrations = 30
	maxLeft          = 100 // further ones that are remembered
	maxDotless       = 10  // names that look as if their final dot was forgotten
	maxPointers      = 5   // keys that are host names in place of an alias

	// MaxRecipients bounds the recipients that one address of a mail host is asked
	// about, and MaxRecipientsAgain those at each further address of the same host.
	MaxRecipients      = 10
	MaxRecipientsAgain = 6
)

// Waits for what may not hold up an audit.
const (
	// Direct questions to name servers. Many networks let no DNS out but to their
	// resolver, and an audit there must not wait long for servers that cannot answer.
	directWait = 3 * time.Second
	// What macros of SPF can make us wait: all other questions are asked already.
	evaluationWait = 10 * time.Second
	// The brand indicator is for information only.
	indicatorWait = 8 * time.Second
	// Where mail for the recipient of the relay test goes: no conversation begins before.
	relayWait = 5 * time.Second
	// Silence of mail servers, before the control host is asked.
	silence = time.Second
)

// NewBudget gives what all requests for one domain together may use, the proofs of
// its fixes included. An audit of a large domain asks some 400 questions, holds 40
// conversations and keeps half a megabyte.
func NewBudget() *wire.Budget {
	return &wire.Budget{Questions: 4000, Connections: 300, Ordinary: 4 << 10, Bytes: 4 << 20}
}
