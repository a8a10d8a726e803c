package dkim

import (
	"fmt"
	"slices"
	"strings"
)

// interpret judges each tag by RFC 6376 section 3.6.1. Where a tag occurs twice
// the first one counts, although the whole record is invalid then.
func (k *Key) interpret(text string) {
	for _, t := range k.Tags {
		switch t.Name {
		case "v", "k", "h", "s", "t", "n", "p":
		case "g":
			k.problem(UnknownTag, "g", t.Pos, "tag g (granularity) went with RFC 6376 and is ignored")
		default:
			k.problem(UnknownTag, t.Name, t.Pos, fmt.Sprintf("tag %s is unknown and ignored", short(t.Name)))
		}
	}
	k.version()
	k.keyType()
	k.hashes()
	k.services()
	k.flags()
	if t := k.tag("n"); t != nil {
		k.Notes = t.Value
	}
	switch t := k.tag("p"); {
	case t == nil:
		k.problem(KeyMissing, "p", len(text), "there is no p tag")
	case compact(t.Value) == "":
		k.problem(KeyRevoked, "p", t.Pos, "p is empty: the key is revoked")
	default:
		k.material(*t, text)
	}
}

func (k *Key) version() {
	t := k.tag("v")
	if t == nil {
		k.problem(VersionMissing, "v", 0, "there is no v tag; DKIM1 is assumed")
		return
	}
	k.Version = t.Value
	if k.Tags[0].Name != "v" {
		k.problem(VersionLate, "v", t.Pos, "v is not the first tag")
	}
	if t.Value != "DKIM1" {
		k.problem(VersionUnknown, "v", t.ValuePos, fmt.Sprintf("version %q is not DKIM1", short(t.Value)))
	}
}

func (k *Key) keyType() {
	t := k.tag("k")
	if t == nil {
		return
	}
	k.Type = t.Value
	lower := strings.ToLower(t.Value)
	if lower != RSA && lower != Ed25519 {
		k.problem(TypeUnknown, "k", t.ValuePos, fmt.Sprintf("key type %q is neither rsa nor ed25519", short(t.Value)))
		return
	}
	k.Type = lower
	if t.Value != lower {
		k.problem(LetterCase, "k", t.ValuePos, fmt.Sprintf("key type %q should be in lower case", t.Value))
	}
}

func (k *Key) hashes() {
	t := k.tag("h")
	if t == nil {
		return
	}
	k.Hashes = k.list(*t)
	sha1, sha256 := slices.Contains(k.Hashes, "sha1"), slices.Contains(k.Hashes, "sha256")
	switch {
	case !sha256:
		k.problem(HashNoSHA256, "h", t.ValuePos, fmt.Sprintf("h=%s does not permit sha256", short(t.Value)))
	case sha1:
		k.problem(HashSHA1, "h", t.ValuePos, "h permits sha1 beside sha256")
	}
	for _, h := range k.Hashes {
		if h != "sha1" && h != "sha256" {
			k.problem(HashUnknown, "h", t.ValuePos, fmt.Sprintf("hash %q is unknown", short(h)))
		}
	}
}

func (k *Key) services() {
	t := k.tag("s")
	if t == nil {
		return
	}
	k.Services = k.list(*t)
	if !slices.Contains(k.Services, "*") && !slices.Contains(k.Services, "email") {
		k.problem(ServiceNotEmail, "s", t.ValuePos, fmt.Sprintf("s=%s does not include e-mail", short(t.Value)))
	}
}

func (k *Key) flags() {
	t := k.tag("t")
	if t != nil {
		k.Flags = k.list(*t)
		for _, f := range k.Flags {
			switch f {
			case "s":
			case "y":
				k.problem(Testing, "t", t.ValuePos, "t=y: the domain is testing DKIM")
			default:
				k.problem(UnknownFlag, "t", t.ValuePos, fmt.Sprintf("flag %q is unknown and ignored", short(f)))
			}
		}
	}
	if !slices.Contains(k.Flags, "s") {
		pos := 0
		if t != nil {
			pos = t.ValuePos
		}
		k.problem(NotStrict, "t", pos, "flag s is absent: subdomains may use the key in i=")
	}
}

// list splits a value at colons, in lower case. Repeated entries count once.
func (k *Key) list(t Tag) []string {
	out := []string{}
	seen := map[string]bool{"": true}
	folded := false
	for part := range strings.SplitSeq(t.Value, ":") {
		part = strings.Trim(part, space)
		lower := strings.ToLower(part)
		folded = folded || lower != part
		if !seen[lower] {
			seen[lower] = true
			out = append(out, lower)
		}
	}
	if len(out) == 0 {
		k.problem(EmptyValue, t.Name, t.ValuePos, "tag "+t.Name+" has no value")
	}
	if folded {
		k.problem(LetterCase, t.Name, t.ValuePos, fmt.Sprintf("%s=%s should be in lower case", t.Name, short(t.Value)))
	}
	return out
}
