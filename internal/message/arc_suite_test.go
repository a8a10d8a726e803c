package message

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// An arcSealer adds sets to a message out of the text of their fields, in which {bh} and
// {b} stand for what is computed. It signs whatever is written there.
type arcSealer struct {
	m    *Message
	sets [][3]Field // results, message signature, seal
}

func (z *arcSealer) seal(results, message, seal string, ams, as signer) {
	set := [3]Field{{Name: "ARC-Authentication-Results", Raw: results + "\r\n"}}
	z.m.prepend(set[0])
	set[1] = ams.raw(z.m, message)
	z.m.prepend(set[1])
	h := sha256.New()
	for _, s := range append(z.sets, set) {
		for _, f := range s {
			if f.Raw != "" {
				h.Write([]byte(canonicalField(f.Raw, true)))
			}
		}
	}
	h.Write([]byte(strings.TrimSuffix(canonicalField(strings.Replace(seal, "{b}", "", 1), true), "\r\n")))
	set[2] = Field{Name: "ARC-Seal", Raw: strings.Replace(seal, "{b}", as.signature(h), 1) + "\r\n"}
	z.m.prepend(set[2])
	z.sets = append(z.sets, set)
}

// The fields of a set as they are where a case changes nothing.
const (
	suiteResults = "ARC-Authentication-Results: i=#; lists.example.org; spf=pass smtp.mailfrom=jqd@d1.example; dkim=pass (1024-bit key) header.i=@d1.example; dmarc=pass"
	suiteMessage = "ARC-Message-Signature: i=#; a=ed25519-sha256; c=relaxed/relaxed; d=list.example; h=from:to:date:subject:mime-version; s=l1; t=12345; bh={bh}; b={b}"
	suiteSeal    = "ARC-Seal: i=#; a=ed25519-sha256; cv=@; d=list.example; s=l1; t=12345; b={b}"
)

// An arcCase is a message with sets. Edits are pairs of what stands in the fields of the
// last set and what stands there instead when it is sealed; after changes the message
// once it is sealed.
type arcCase struct {
	sets         int
	aar, ams, as [2]string
	after        func(m *Message)
	rsa          bool // the last set is signed with RSA
	result       string
	why          string // part of the reason of a failure
	section      string // where the public suite expects another result: which section decides
}

// fieldAt gives the field of that name of a set: sets are added on top.
func fieldAt(m *Message, name string, set int) *Field {
	n := 0
	for i := len(m.Fields) - 1; i >= 0; i-- {
		if m.Fields[i].Is(name) {
			if n++; n == set {
				return &m.Fields[i]
			}
		}
	}
	panic("no field " + name)
}

func edited(name string, set int, old, with string) func(*Message) {
	return func(m *Message) {
		f := fieldAt(m, name, set)
		if !strings.Contains(f.Raw, old) {
			panic(old + " is not in " + f.Raw)
		}
		f.Raw = strings.Replace(f.Raw, old, with, 1)
	}
}

func removed(name string, set int) func(*Message) {
	return func(m *Message) {
		f := fieldAt(m, name, set)
		for i := range m.Fields {
			if &m.Fields[i] == f {
				m.Fields = append(m.Fields[:i:i], m.Fields[i+1:]...)
				return
			}
		}
	}
}

func repeated(name string, set int) func(*Message) {
	return func(m *Message) { m.prepend(*fieldAt(m, name, set)) }
}

// corrupt exchanges the first letter of a signature.
func corrupt(name string, set int) func(*Message) {
	return func(m *Message) {
		f := fieldAt(m, name, set)
		at := strings.LastIndex(f.Raw, " b=") + 3
		letter := byte('A')
		if f.Raw[at] == 'A' {
			letter = 'B'
		}
		f.Raw = f.Raw[:at] + string(letter) + f.Raw[at+1:]
	}
}

const (
	results = "ARC-Authentication-Results"
	message = "ARC-Message-Signature"
	seal    = "ARC-Seal"
)

// The cases of the public ARC validation test suite by their names there, made here and
// sealed by the sealer above. Most fail; where the final standard decides otherwise than
// the suite, which follows a draft, the section is named.
var arcSuite = map[string]arcCase{
	// Chain validation.
	"cv_base1":                  {result: "none"},
	"cv_base2":                  {after: func(m *Message) { m.Body = nil }, result: "none"},
	"cv_no_body":                {after: func(m *Message) { m.Body = nil }, result: "none"},
	"cv_pass_i1_1":              {sets: 1, result: "pass"},
	"cv_pass_i1_2":              {sets: 1, rsa: true, result: "pass"},
	"cv_pass_i2_1":              {sets: 2, result: "pass"},
	"cv_pass_i2_2":              {sets: 2, rsa: true, result: "pass"},
	"cv_pass_i2_1_ams1_invalid": {sets: 2, after: nil, result: "pass"}, // the message changes between the sets: see below
	"cv_pass_i3_1":              {sets: 3, result: "pass"},
	"cv_pass_i4_1":              {sets: 4, result: "pass"},
	"cv_pass_i5_1":              {sets: 5, result: "pass"},
	"cv_fail_i1_ams_na":         {sets: 1, after: removed(message, 1), result: "fail", why: "must have one of each"},
	"cv_fail_i1_ams_invalid":    {sets: 1, after: corrupt(message, 1), result: "fail", why: "message signature of set 1"},
	"cv_fail_i1_as_na":          {sets: 1, after: removed(seal, 1), result: "fail", why: "must have one of each"},
	"cv_fail_i1_as_pass":        {sets: 1, as: [2]string{"cv=@", "cv=pass"}, result: "fail", why: "must say cv=none"},
	"cv_fail_i1_as_fail":        {sets: 1, as: [2]string{"cv=@", "cv=fail"}, result: "fail", why: "found the chain broken"},
	"cv_fail_i1_as_invalid":     {sets: 1, after: corrupt(seal, 1), result: "fail", why: "seal of set 1"},
	"cv_fail_i2_ams_na":         {sets: 2, after: removed(message, 2), result: "fail", why: "must have one of each"},
	"cv_fail_i2_ams_invalid":    {sets: 2, after: corrupt(message, 2), result: "fail", why: "message signature of set 2"},
	"cv_fail_i2_as1_na":         {sets: 2, after: removed(seal, 1), result: "fail", why: "must have one of each"},
	"cv_fail_i2_as1_invalid":    {sets: 2, after: corrupt(seal, 1), result: "fail", why: "seal of set"},
	"cv_fail_i2_as1_pass":       {sets: 2, after: edited(seal, 1, "cv=none", "cv=pass"), result: "fail", why: "must say cv=none"},
	"cv_fail_i2_as1_fail":       {sets: 2, after: edited(seal, 1, "cv=none", "cv=fail"), result: "fail", why: "found the chain broken"},
	"cv_fail_i2_as2_na":         {sets: 2, after: removed(seal, 2), result: "fail", why: "must have one of each"},
	"cv_fail_i2_as2_invalid":    {sets: 2, after: corrupt(seal, 2), result: "fail", why: "seal of set 2"},
	"cv_fail_i2_as2_none":       {sets: 2, as: [2]string{"cv=@", "cv=none"}, result: "fail", why: "must say cv=pass"},
	"cv_fail_i2_as2_fail":       {sets: 2, as: [2]string{"cv=@", "cv=fail"}, result: "fail", why: "found the chain broken"},

	// What a set is made of.
	"as_struct_i_na":       {sets: 1, as: [2]string{"i=#; ", ""}, result: "fail", why: "no instance number"},
	"as_struct_i_empty":    {sets: 1, as: [2]string{"i=#", "i="}, result: "fail", why: "no instance number"},
	"as_struct_i_zero":     {sets: 1, as: [2]string{"i=#", "i=0"}, result: "fail", why: "no instance number"},
	"as_struct_i_invalid":  {sets: 1, as: [2]string{"i=#", "i=a"}, result: "fail", why: "no instance number"},
	"as_struct_dup":        {sets: 1, after: repeated(seal, 1), result: "fail", why: "must have one of each"},
	"as_struct_missing":    {sets: 1, after: removed(seal, 1), result: "fail", why: "must have one of each"},
	"ams_struct_i_na":      {sets: 1, ams: [2]string{"i=#; ", ""}, result: "fail", why: "no instance number"},
	"ams_struct_i_empty":   {sets: 1, ams: [2]string{"i=#", "i="}, result: "fail", why: "no instance number"},
	"ams_struct_i_zero":    {sets: 1, ams: [2]string{"i=#", "i=0"}, result: "fail", why: "no instance number"},
	"ams_struct_i_invalid": {sets: 1, ams: [2]string{"i=#", "i=a"}, result: "fail", why: "no instance number"},
	"ams_struct_dup":       {sets: 1, after: repeated(message, 1), result: "fail", why: "must have one of each"},
	"ams_struct_missing":   {sets: 1, after: removed(message, 1), result: "fail", why: "must have one of each"},
	"aar_struct_i_na":      {sets: 1, aar: [2]string{"i=#; ", ""}, result: "fail", why: "no instance number"},
	"aar_struct_i_empty":   {sets: 1, aar: [2]string{"i=#", "i="}, result: "fail", why: "no instance number"},
	"aar_struct_i_zero":    {sets: 1, aar: [2]string{"i=#", "i=0"}, result: "fail", why: "no instance number"},
	"aar_struct_i_invalid": {sets: 1, aar: [2]string{"i=#", "i=a"}, result: "fail", why: "no instance number"},
	"aar_struct_dup":       {sets: 1, after: repeated(results, 1), result: "fail", why: "must have one of each"},
	"aar_struct_missing":   {sets: 1, after: removed(results, 1), result: "fail", why: "must have one of each"},

	// The seal: its form.
	"as_format_sc_wsp":        {sets: 1, as: [2]string{"; a=", "\t;  \r\n a="}, result: "pass"},
	"as_format_eq_wsp":        {sets: 1, as: [2]string{"a=ed", "a = ed"}, result: "pass"},
	"as_format_tags_trail_sc": {sets: 1, as: [2]string{"b={b}", "b={b};"}, result: "pass"},
	"as_format_tags_unknown":  {sets: 1, as: [2]string{"t=12345", "t=12345; w=catparty"}, result: "pass"},
	"as_format_inv_tag_key":   {sets: 1, as: [2]string{"t=12345", "t=12345; _=x"}, result: "fail", why: "is no tag name"},
	"as_format_tags_dup":      {sets: 1, as: [2]string{"s=l1", "s=l1; s=l1"}, result: "fail", why: "stands twice"},
	"as_format_tags_key_case": {sets: 1, as: [2]string{"a=ed", "A=ed"}, result: "fail", why: "no tag a"},
	"as_format_tags_val_case": {sets: 1, as: [2]string{"ed25519-sha256", "Ed25519-SHA256"}, result: "fail", why: "tag a"},
	"as_format_tags_wsp":      {sets: 1, as: [2]string{"list.example", "list. example"}, result: "fail", why: "blanks within"},
	"as_format_tags_sc":       {sets: 1, as: [2]string{"t=12345", "t=12345;"}, result: "fail", why: "a semicolon with nothing before it"},
	"as_fields_i_dup":         {sets: 1, after: repeated(seal, 1), result: "fail", why: "must have one of each"},
	"as_fields_i_dup2":        {sets: 2, after: repeated(seal, 1), result: "fail", why: "must have one of each"},
	"as_fields_i_missing":     {sets: 1, as: [2]string{"i=#; ", ""}, result: "fail", why: "no instance number"},
	"as_fields_i_malformed1":  {sets: 1, as: [2]string{"i=#", "i=0"}, result: "fail", why: "no instance number"},
	"as_fields_i_malformed2":  {sets: 1, as: [2]string{"i=#", "i=a"}, result: "fail", why: "no instance number"},
	"as_fields_a_sha1":        {sets: 1, as: [2]string{"ed25519-sha256", "rsa-sha1"}, result: "fail", why: "SHA-1", section: "RFC 8301 section 3.1"},
	"as_fields_a_na":          {sets: 1, as: [2]string{"a=ed25519-sha256; ", ""}, result: "fail", why: "no tag a"},
	"as_fields_a_empty":       {sets: 1, as: [2]string{"ed25519-sha256", ""}, result: "fail", why: "tag a"},
	"as_fields_a_unknown":     {sets: 1, as: [2]string{"ed25519-sha256", "poodle"}, result: "fail", why: "tag a"},
	"as_fields_b_ignores_wsp": {sets: 1, after: func(m *Message) { spread(fieldAt(m, seal, 1), " b=") }, result: "pass"},
	"as_fields_b_512":         {sets: 1, as: [2]string{"s=l1", "s=rsa512"}, result: "fail", why: "512 bits", section: "RFC 8301 section 3.2"},
	"as_fields_b_1024":        {sets: 1, rsa: true, as: [2]string{"s=r1", "s=r1024"}, result: "pass"},
	"as_fields_b_2048":        {sets: 1, rsa: true, result: "pass"},
	"as_fields_b_head_case":   {sets: 1, after: edited(results, 1, "ARC-Authentication-Results", "arc-AUTHENTICATION-results"), result: "pass"},
	"as_fields_b_head_unfold": {sets: 1, after: edited(results, 1, "; spf", ";\r\n\tspf"), result: "pass"},
	"as_fields_b_eol_wsp":     {sets: 1, after: edited(results, 1, "dmarc=pass\r\n", "dmarc=pass \t \r\n"), result: "pass"},
	"as_fields_b_inl_wsp":     {sets: 1, after: edited(results, 1, "; spf", ";   \t spf"), result: "pass"},
	"as_fields_b_col_wsp":     {sets: 1, after: edited(results, 1, "Results: i", "Results:  \t i"), result: "pass"},
	"as_fields_b_na":          {sets: 1, as: [2]string{"; b={b}", ""}, result: "fail", why: "no tag b"},
	"as_fields_b_empty":       {sets: 1, as: [2]string{"{b}", ""}, result: "fail", why: "tag b"},
	"as_fields_b_base64":      {sets: 1, as: [2]string{"b={b}", "b=^{b}"}, result: "fail", why: "not base64"},
	"as_fields_b_mod_sig":     {sets: 1, after: corrupt(seal, 1), result: "fail", why: "seal of set 1"},
	"as_fields_b_aar1":        {sets: 2, after: edited(results, 1, "dmarc=pass", "dmarc=fail"), result: "fail", why: "seal of set 2"},
	"as_fields_b_aar2":        {sets: 2, after: edited(results, 2, "dmarc=pass", "dmarc=fail"), result: "fail", why: "seal of set 2"},
	"as_fields_b_ams1":        {sets: 2, after: edited(message, 1, "t=12345", "t=12346"), result: "fail", why: "seal of set 2"},
	"as_fields_b_ams2":        {sets: 2, after: edited(message, 2, "t=12345", "t=12346"), result: "fail", why: "message signature of set 2"},
	"as_fields_b_asb1":        {sets: 2, after: edited(seal, 1, "t=12345", "t=12346"), result: "fail", why: "seal of set 2"},
	"as_fields_b_asb2":        {sets: 2, after: edited(seal, 2, "t=12345", "t=12346"), result: "fail", why: "seal of set 2"},
	"as_fields_cv_na":         {sets: 1, as: [2]string{"cv=@; ", ""}, result: "fail", why: "must say cv=none"},
	"as_fields_cv_empty":      {sets: 1, as: [2]string{"cv=@", "cv="}, result: "fail", why: "must say cv=none"},
	"as_fields_cv_invalid":    {sets: 1, as: [2]string{"cv=@", "cv=puppies"}, result: "fail", why: "must say cv=none"},
	"as_fields_d_na":          {sets: 1, as: [2]string{"d=list.example; ", ""}, result: "fail", why: "no tag d"},
	"as_fields_d_empty":       {sets: 1, as: [2]string{"list.example", ""}, result: "fail", why: "tag d"},
	"as_fields_d_invalid":     {sets: 1, as: [2]string{"list.example", "not.a_valid..name"}, result: "fail", why: "is no domain name"},
	"as_fields_h_present":     {sets: 1, as: [2]string{"t=12345", "t=12345; h=from"}, result: "fail", why: "tag h"},
	"as_fields_s_na":          {sets: 1, as: [2]string{"s=l1; ", ""}, result: "fail", why: "no tag s"},
	"as_fields_s_empty":       {sets: 1, as: [2]string{"s=l1", "s="}, result: "fail", why: "tag s"},
	"as_fields_t_na":          {sets: 1, as: [2]string{"t=12345; ", ""}, result: "pass"},
	"as_fields_t_empty":       {sets: 1, as: [2]string{"t=12345", "t="}, result: "fail", why: "tag t"},
	"as_fields_t_invalid":     {sets: 1, as: [2]string{"t=12345", "t=abc"}, result: "fail", why: "tag t"},

	// The message signature: its form.
	"ams_format_sc_wsp":             {sets: 1, ams: [2]string{"; a=", "\t;  \r\n a="}, result: "pass"},
	"ams_format_eq_wsp":             {sets: 1, ams: [2]string{"a=ed", "a = ed"}, result: "pass"},
	"ams_format_tags_trail_sc":      {sets: 1, ams: [2]string{"b={b}", "b={b};"}, result: "pass"},
	"ams_format_tags_unknown":       {sets: 1, ams: [2]string{"t=12345", "t=12345; w=catparty"}, result: "pass"},
	"ams_format_inv_tag_key":        {sets: 1, ams: [2]string{"t=12345", "t=12345; _=x"}, result: "fail", why: "is no tag name"},
	"ams_format_tags_dup":           {sets: 1, ams: [2]string{"s=l1", "s=l1; s=l1"}, result: "fail", why: "stands twice"},
	"ams_format_tags_key_case":      {sets: 1, ams: [2]string{"a=ed", "A=ed"}, result: "fail", why: "no tag a"},
	"ams_format_tags_val_case":      {sets: 1, ams: [2]string{"ed25519-sha256", "Ed25519-SHA256"}, result: "fail", why: "tag a"},
	"ams_format_tags_wsp":           {sets: 1, ams: [2]string{"list.example", "list. example"}, result: "fail", why: "blanks within"},
	"ams_format_tags_sc":            {sets: 1, ams: [2]string{"t=12345", "t=12345;"}, result: "fail", why: "a semicolon with nothing before it"},
	"ams_fields_i_na":               {sets: 1, ams: [2]string{"i=#; ", ""}, result: "fail", why: "no instance number"},
	"ams_fields_i_empty":            {sets: 1, ams: [2]string{"i=#", "i="}, result: "fail", why: "no instance number"},
	"ams_fields_i_zero":             {sets: 1, ams: [2]string{"i=#", "i=0"}, result: "fail", why: "no instance number"},
	"ams_fields_i_invalid":          {sets: 1, ams: [2]string{"i=#", "i=a"}, result: "fail", why: "no instance number"},
	"ams_fields_i_too_large":        {sets: 1, ams: [2]string{"i=#", "i=51"}, result: "fail", why: "no instance number"},
	"ams_fields_i_dup":              {sets: 1, after: repeated(message, 1), result: "fail", why: "must have one of each"},
	"ams_fields_v_ignored":          {sets: 1, ams: [2]string{"t=12345", "t=12345; v=7"}, result: "pass"},
	"ams_fields_a_sha1":             {sets: 1, ams: [2]string{"ed25519-sha256", "rsa-sha1"}, result: "fail", why: "SHA-1", section: "RFC 8301 section 3.1"},
	"ams_fields_a_na":               {sets: 1, ams: [2]string{"a=ed25519-sha256; ", ""}, result: "fail", why: "no tag a"},
	"ams_fields_a_empty":            {sets: 1, ams: [2]string{"ed25519-sha256", ""}, result: "fail", why: "tag a"},
	"ams_fields_a_unknown":          {sets: 1, ams: [2]string{"ed25519-sha256", "poodle"}, result: "fail", why: "tag a"},
	"ams_fields_b_ignores_wsp":      {sets: 1, ams: [2]string{"b={b}", "b=\r\n\t{b}"}, result: "pass"},
	"ams_fields_b_head_case":        {sets: 1, after: edited("Subject", 1, "Subject", "sUBJECT"), result: "pass"},
	"ams_fields_b_head_unfold":      {sets: 1, after: edited("Subject", 1, "A letter", "A\r\n letter"), result: "pass"},
	"ams_fields_b_eol_wsp":          {sets: 1, after: edited("Subject", 1, "letter\r\n", "letter \t\r\n"), result: "pass"},
	"ams_fields_b_inl_wsp":          {sets: 1, after: edited("Subject", 1, "A letter", "A \t  letter"), result: "pass"},
	"ams_fields_b_col_wsp":          {sets: 1, after: edited("Subject", 1, "Subject: A", "Subject:   A"), result: "pass"},
	"ams_fields_b_na":               {sets: 1, ams: [2]string{"; b={b}", ""}, result: "fail", why: "no tag b"},
	"ams_fields_b_empty":            {sets: 1, ams: [2]string{"{b}", ""}, result: "fail", why: "tag b"},
	"ams_fields_b_base64":           {sets: 1, ams: [2]string{"b={b}", "b=^{b}"}, result: "fail", why: "not base64"},
	"ams_fields_b_mod_sig":          {sets: 1, after: corrupt(message, 1), result: "fail", why: "message signature of set 1"},
	"ams_fields_b_mod_headers1":     {sets: 1, after: edited("Subject", 1, "A letter", "Another letter"), result: "fail", why: "message signature of set 1"},
	"ams_fields_b_mod_headers2":     {sets: 1, after: edited("From", 1, "Alice", "Eve"), result: "fail", why: "message signature of set 1"},
	"ams_fields_bh_ignores_wsp":     {sets: 1, ams: [2]string{"bh={bh}", "bh= {bh} "}, result: "pass"},
	"ams_fields_bh_sim_base":        {sets: 1, ams: [2]string{"relaxed/relaxed", "relaxed/simple"}, result: "pass"},
	"ams_fields_bh_sim_inl_wsp":     {sets: 1, ams: [2]string{"relaxed/relaxed", "relaxed/simple"}, after: body("A line.", "A  line."), result: "fail", why: "body hash"},
	"ams_fields_bh_sim_end_lines":   {sets: 1, ams: [2]string{"relaxed/relaxed", "relaxed/simple"}, after: body("Another line.\r\n", "Another line.\r\n\r\n\r\n"), result: "pass"},
	"ams_fields_bh_rel_eol_wsp":     {sets: 1, after: body("A line.\r\n", "A line. \t \r\n"), result: "pass"},
	"ams_fields_bh_rel_inl_wsp":     {sets: 1, after: body("A line.", "A \t line."), result: "pass"},
	"ams_fields_bh_rel_end_lines":   {sets: 1, after: body("Another line.\r\n", "Another line.\r\n\r\n\r\n"), result: "pass"},
	"ams_fields_bh_rel_trail_crlf":  {sets: 1, after: body("Another line.\r\n", "Another line."), result: "pass"},
	"ams_fields_bh_na":              {sets: 1, ams: [2]string{"bh={bh}; ", ""}, result: "fail", why: "no tag bh"},
	"ams_fields_bh_empty":           {sets: 1, ams: [2]string{"{bh}", ""}, result: "fail", why: "tag bh"},
	"ams_fields_bh_base64":          {sets: 1, ams: [2]string{"bh={bh}", "bh=^{bh}"}, result: "fail", why: "tag bh"},
	"ams_fields_bh_mod_sig":         {sets: 1, ams: [2]string{"{bh}", "KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ="}, result: "fail", why: "body hash"},
	"ams_fields_bh_mod_body":        {sets: 1, after: body("A line.", "Some line."), result: "fail", why: "body hash"},
	"ams_fields_c_na":               {sets: 1, ams: [2]string{"c=relaxed/relaxed; ", ""}, result: "pass", section: "RFC 6376 section 3.5: simple/simple is the default"},
	"ams_fields_c_empty":            {sets: 1, ams: [2]string{"relaxed/relaxed", ""}, result: "fail", why: "tag c"},
	"ams_fields_c_ss":               {sets: 1, ams: [2]string{"relaxed/relaxed", "simple/simple"}, result: "pass", section: "RFC 8617 section 4.1.2: as in DKIM"},
	"ams_fields_c_sr":               {sets: 1, ams: [2]string{"relaxed/relaxed", "simple/relaxed"}, result: "pass", section: "RFC 8617 section 4.1.2: as in DKIM"},
	"ams_fields_c_rr":               {sets: 1, result: "pass"},
	"ams_fields_c_rs":               {sets: 1, ams: [2]string{"relaxed/relaxed", "relaxed/simple"}, result: "pass", section: "RFC 8617 section 4.1.2: as in DKIM"},
	"ams_fields_c_invalid":          {sets: 1, ams: [2]string{"relaxed/relaxed", "bogus/relaxed"}, result: "fail", why: "tag c"},
	"ams_fields_d_na":               {sets: 1, ams: [2]string{"d=list.example; ", ""}, result: "fail", why: "no tag d"},
	"ams_fields_d_empty":            {sets: 1, ams: [2]string{"list.example", ""}, result: "fail", why: "tag d"},
	"ams_fields_d_invalid":          {sets: 1, ams: [2]string{"list.example", "not.a_valid..name"}, result: "fail", why: "is no domain name"},
	"ams_fields_h_empty":            {sets: 1, ams: [2]string{"from:to:date:subject:mime-version", ""}, result: "fail", why: "tag h", section: "RFC 6376 section 3.5: at least one name, and section 5.4: From"},
	"ams_fields_h_cws1":             {sets: 1, ams: [2]string{"from:to", "from : to"}, result: "pass"},
	"ams_fields_h_cws2":             {sets: 1, ams: [2]string{"from:to", "from\r\n\t:\r\n to"}, result: "pass"},
	"ams_fields_h_case":             {sets: 1, ams: [2]string{"from:to", "FROM:tO"}, result: "pass"},
	"ams_fields_h_dup1":             {sets: 1, ams: [2]string{"from:to", "from:to:to"}, result: "pass"},
	"ams_fields_h_dup2":             {sets: 1, ams: [2]string{"from:to", "from:to:to"}, after: func(m *Message) { m.prepend(Field{"To", "To: eve@evil.example\r\n"}) }, result: "fail", why: "message signature"},
	"ams_fields_h_non_existant":     {sets: 1, ams: [2]string{"from:to", "from:to:x-none"}, result: "pass"},
	"ams_fields_h_non_existant_dup": {sets: 1, ams: [2]string{"from:to", "from:to:x-none:x-none"}, result: "pass"},
	"ams_fields_h_mis_hdr":          {sets: 1, ams: [2]string{"from:to", "from::to"}, result: "fail", why: "is no name of a field", section: "RFC 6376 section 3.5: each part of h is a name"},
	"ams_fields_h_includes_ams":     {sets: 1, ams: [2]string{"from:to", "from:arc-message-signature:to"}, result: "pass"},
	"ams_fields_h_includes_aar":     {sets: 1, ams: [2]string{"from:to", "from:arc-authentication-results:to"}, result: "pass"},
	"ams_fields_h_includes_as":      {sets: 1, ams: [2]string{"from:to", "from:arc-seal:to"}, result: "fail", why: "names ARC-Seal"},
	"ams_fields_h_na":               {sets: 1, ams: [2]string{"h=from:to:date:subject:mime-version; ", ""}, result: "fail", why: "no tag h"},
	"ams_fields_h_inv_hdr":          {sets: 1, ams: [2]string{"from:to", "from:t o"}, result: "fail", why: "is no name of a field"},
	"ams_fields_h_order":            {sets: 1, after: edited(message, 1, "from:to", "to:from"), result: "fail", why: "message signature"},
	"ams_fields_h_empty_added":      {sets: 1, ams: [2]string{"from:to", "from:x-none:to"}, after: func(m *Message) { m.prepend(Field{"X-None", "X-None: some\r\n"}) }, result: "fail", why: "message signature"},
	"ams_fields_s_na":               {sets: 1, ams: [2]string{"s=l1; ", ""}, result: "fail", why: "no tag s"},
	"ams_fields_s_empty":            {sets: 1, ams: [2]string{"s=l1", "s="}, result: "fail", why: "tag s"},
	"ams_fields_t_na":               {sets: 1, ams: [2]string{"t=12345; ", ""}, result: "pass"},
	"ams_fields_t_empty":            {sets: 1, ams: [2]string{"t=12345", "t="}, result: "fail", why: "tag t"},
	"ams_fields_t_invalid":          {sets: 1, ams: [2]string{"t=12345", "t=abc"}, result: "fail", why: "tag t"},

	// The results.
	"aar_missing":      {sets: 1, after: removed(results, 1), result: "fail", why: "must have one of each"},
	"aar_i_missing":    {sets: 1, aar: [2]string{"i=#; ", ""}, result: "fail", why: "no instance number"},
	"aar_i_wrong":      {sets: 1, aar: [2]string{"i=#", "i=2"}, result: "fail", why: "must have one of each"},
	"aar_i_not_prefix": {sets: 1, aar: [2]string{"i=#; lists.example.org;", "lists.example.org; i=#;"}, result: "fail", why: "no instance number"},
	"aar_i_no_semi":    {sets: 1, aar: [2]string{"i=#;", "i=#"}, result: "fail", why: "no instance number"},
	"aar_i_comments":   {sets: 1, aar: [2]string{"i=#;", "(a) i (b) = (c) # (d);"}, result: "pass"},
	"aar2_missing":     {sets: 2, after: removed(results, 2), result: "fail", why: "must have one of each"},

	// Keys and whole sets.
	"public_key_na":      {sets: 1, as: [2]string{"s=l1", "s=none"}, result: "fail", why: "no key record"},
	"public_key_invalid": {sets: 1, as: [2]string{"s=l1", "s=invalid"}, result: "fail", why: "cannot be used"},
	"ams_as_diff_s_d":    {sets: 1, as: [2]string{"d=list.example; s=l1", "d=second.example; s=l1"}, result: "pass"},
	"header_order1":      {sets: 2, after: func(m *Message) { slices.Reverse(m.Fields) }, result: "pass"},
	"header_order2":      {sets: 2, after: func(m *Message) { m.Fields = append(m.Fields[6:], m.Fields[:6]...) }, result: "pass"},
	"arc_set_duplicate": {sets: 1, after: func(m *Message) {
		for _, name := range []string{results, message, seal} {
			repeated(name, 1)(m)
		}
	}, result: "fail", why: "must have one of each"},
}

// body changes the body of a message.
func body(old, with string) func(*Message) {
	return func(m *Message) { m.Body = []byte(strings.Replace(string(m.Body), old, with, 1)) }
}

// spread puts folding white space into a value.
func spread(f *Field, tag string) {
	at := strings.LastIndex(f.Raw, tag) + len(tag)
	f.Raw = f.Raw[:at+5] + "\r\n\t " + f.Raw[at+5:]
}

func TestARCSuite(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(short.Public())
	if err != nil {
		t.Fatal(err)
	}
	src := zones(t, `
l1._domainkey.list.example. 3600 IN TXT "`+edRecord("l1")+`"
l1._domainkey.second.example. 3600 IN TXT "`+edRecord("l1")+`"
r1._domainkey.list.example. 3600 IN TXT `+quoted(rsaRecord())+`
r1024._domainkey.list.example. 3600 IN TXT `+quoted("v=DKIM1; p="+base64.StdEncoding.EncodeToString(der))+`
rsa512._domainkey.list.example. 3600 IN TXT "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAPGdvb0qxR/ORYC7KJ88YoPIyWMXi71zSy1E9hI2MpM33flUYEKSTNleVYLbDXxbhGcbZJ+WN5l+ccWuayVrA90CAwEAAQ=="
invalid._domainkey.list.example. 3600 IN TXT "v=DKIM1; k=rsa; p=abcd"
`)
	for name, c := range arcSuite {
		m := parsed(t, crlfText(strings.Replace(plain, "Message-ID", "MIME-Version: 1.0\nMessage-ID", 1)))
		z := &arcSealer{m: m}
		for n := 1; n <= c.sets; n++ {
			fields := []string{suiteResults, suiteMessage, suiteSeal}
			by := signer{Selector: "l1"}
			if c.rsa && n == c.sets {
				by = signer{Algorithm: "rsa-sha256"}
				for i := range fields {
					fields[i] = strings.NewReplacer("ed25519-sha256", "rsa-sha256", "s=l1", "s=r1").Replace(fields[i])
				}
			}
			if n == c.sets {
				for i, edit := range [][2]string{c.aar, c.ams, c.as} {
					if !strings.Contains(fields[i], edit[0]) {
						t.Fatalf("%s: %q is not in %s", name, edit[0], fields[i])
					}
					fields[i] = strings.Replace(fields[i], edit[0], edit[1], 1)
				}
			}
			cv := "pass"
			if n == 1 {
				cv = "none"
			}
			for i := range fields {
				fields[i] = strings.NewReplacer("i=#", "i="+string(rune('0'+n)), "= (c) #", "= (c) "+string(rune('0'+n)), "cv=@", "cv="+cv).Replace(fields[i])
			}
			if name == "cv_pass_i2_1_ams1_invalid" && n == 2 {
				edited("From", 1, "Alice", "Gene")(m)
			}
			seals := by
			if strings.Contains(fields[2], "s=r1024") {
				seals.Key = short
			}
			z.seal(fields[0], fields[1], fields[2], by, seals)
		}
		if c.after != nil {
			c.after(m)
		}
		r := check(t, src, string(m.text()))
		if r.ARC.Result != c.result || !strings.Contains(r.ARC.Why, c.why) || (c.result == "fail") != (r.ARC.Why != "") {
			t.Errorf("%s: %s (%s), want %s (%s)", name, r.ARC.Result, r.ARC.Why, c.result, c.why)
		}
	}
	// Files that hold no message are refused before any chain is looked for.
	for name, text := range map[string]string{"cv_empty": "", "cv_no_headers": "\nHey gang,\nThis is a test message.\n--J.\n"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: taken for a message", name)
		}
	}
}
