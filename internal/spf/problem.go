package spf

// A Code names a kind of problem. Codes are stable.
type Code string

// Syntax errors: a record that has one evaluates to permerror (RFC 7208
// section 4.6).
const (
	CodeVersion          Code = "no-version"              // the text is no SPF record (section 4.5)
	CodeCharacter        Code = "bad-character"           // a control or non-ASCII character (section 12)
	CodeUnknownMechanism Code = "unknown-mechanism"       // section 4.6.1
	CodeModifierName     Code = "bad-modifier-name"       // empty, or not starting with a letter
	CodeQualifier        Code = "qualifier-on-modifier"   // "+redirect=..."
	CodeDuplicate        Code = "duplicate-modifier"      // redirect or exp twice (section 6)
	CodeMissingTarget    Code = "missing-target"          // include, exists, ip4, ip6 without ":"
	CodeEmptyTarget      Code = "empty-target"            // nothing after ":" or "="
	CodeUnexpected       Code = "unexpected-argument"     // "all:x", "all/8"
	CodeNoPrefixLength   Code = "prefix-length-forbidden" // "include:x/24", "ptr/24"
	CodePrefixLength     Code = "bad-prefix-length"       // not a number, or a form such as "/24/64"
	CodePrefixRange      Code = "prefix-length-range"     // over 32 or 128
	CodePrefixZero       Code = "prefix-length-zero"      // a leading zero
	CodeIP4              Code = "bad-ip4"
	CodeIP4Partial       Code = "partial-ip4"  // "192.0.2"
	CodeIP4Zero          Code = "ip4-zero"     // an octet with a leading zero
	CodeIP6InIP4         Code = "ip6-in-ip4"   // an IPv6 address in ip4
	CodeIP4InIP6         Code = "ip4-in-ip6"   // an IPv4 address in ip6
	CodeIP6              Code = "bad-ip6"      //
	CodeMacro            Code = "bad-macro"    // "%" without "{ % _ -", unclosed, bad delimiter (section 7.1)
	CodeMacroLetter      Code = "macro-letter" // unknown letter
	CodeMacroZero        Code = "macro-zero"   // digit transformer 0
	CodeMacroExpOnly     Code = "macro-exp-only"
	CodeAddressTarget    Code = "address-target" // an IP address where a domain name belongs
	CodeSingleLabel      Code = "single-label"   // a target without a dot
	CodeTopLabel         Code = "bad-top-label"  // the last label is no top label (section 7.1)
)

// Facts about a record that is valid nonetheless.
const (
	CodeVersionCase     Code = "version-case"          // "v=SPF1"
	CodeVersionAgain    Code = "version-again"         // a second "v=spf1": an unknown modifier
	CodeAfterAll        Code = "after-all"             // a mechanism that is never reached (section 5.1)
	CodeRedirectAll     Code = "redirect-with-all"     // a redirect without effect (section 6.1)
	CodeAsModifier      Code = "mechanism-as-modifier" // "include=x": ignored
	CodeUnknownModifier Code = "unknown-modifier"      // ignored
	CodeHostBits        Code = "host-bits"             // bits set behind the prefix
	CodeMappedIP6       Code = "mapped-ip6"            // ::ffff:0:0/96 in ip6 never matches (section 5)
	CodePtr             Code = "ptr"                   // section 5.5 advises against it
	CodeMacroP          Code = "macro-p"               // section 7.3 advises against it
	CodeMacroSender     Code = "macro-sender"          // s, l, o or h in a directive: one lookup per sender
	CodeTrailingDot     Code = "trailing-dot"          // section 7.3 advises against it
	CodeLongLabel       Code = "long-label"            // over 63 octets: undefined (section 4.8)
	CodeEmptyLabel      Code = "empty-label"           // undefined (section 4.8)
	CodeLongName        Code = "long-name"             // over 253 octets
	CodeNegatedInclude  Code = "negated-include"       // "-include:" or "~include:"
	CodeRepeated        Code = "repeated-term"         // the same directive again
	CodeGlued           Code = "glued-term"            // two terms joined where two strings meet (section 3.3)
	CodeSeamBlank       Code = "seam-blank"            // two blanks where two strings meet
	CodeLongString      Code = "long-string"           // one string over 255 octets
	CodeTooLong         Code = "too-many-terms"        // the rest of the record was not read
	CodeCutOff          Code = "cut-off"               // the text seems to end at a limit of 255 octets
)

// Facts about the text that exp points at (section 6.2). They never change a
// result: the explanation is left out.
const (
	CodeExpMissing  Code = "exp-missing"
	CodeExpMultiple Code = "exp-multiple"
	CodeExpASCII    Code = "exp-not-ascii"
)

// Reasons for a permerror that show only over the whole tree.
const (
	CodeMultiple    Code = "multiple-records" // section 4.5
	CodeSyntax      Code = "syntax"           // section 4.6
	CodeNoRecord    Code = "no-record"        // behind include or redirect (sections 5.2, 6.1)
	CodeBadTarget   Code = "bad-target"       // include or redirect to what is no domain name
	CodeLookups     Code = "lookup-limit"     // section 4.6.4
	CodeVoid        Code = "void-limit"       // section 4.6.4
	CodeMXLimit     Code = "mx-limit"         // section 4.6.4
	CodeLoop        Code = "loop"             // include or redirect of a domain under evaluation
	CodeUnreachable Code = "lookup-failed"    // a temperror (section 4.4): the DNS gave no answer
)

// A Problem is one thing to be said about a record. It states a fact; how bad
// that is others decide.
type Problem struct {
	Code    Code
	Term    int    // index of the term, -1 for the record as a whole
	Pos     int    // byte offset in the record
	End     int    // byte offset of what follows
	Text    string // what is wrong, in words
	Instead string // the term that was probably meant, where that can be told
}

// Fatal reports whether the problem is a syntax error, so that the record
// evaluates to permerror.
func (p Problem) Fatal() bool {
	switch p.Code {
	case CodeVersion, CodeCharacter, CodeUnknownMechanism, CodeModifierName, CodeQualifier,
		CodeDuplicate, CodeMissingTarget, CodeEmptyTarget, CodeUnexpected, CodeNoPrefixLength,
		CodePrefixLength, CodePrefixRange, CodePrefixZero, CodeIP4, CodeIP4Partial, CodeIP4Zero,
		CodeIP6InIP4, CodeIP4InIP6, CodeIP6, CodeMacro, CodeMacroLetter, CodeMacroZero,
		CodeMacroExpOnly, CodeAddressTarget, CodeSingleLabel, CodeTopLabel:
		return true
	}
	return false
}
