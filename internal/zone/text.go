package zone

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode gives the text of a file: UTF-8 with or without byte order mark, or
// UTF-16, which some shells and editors write. Encoding names what is not UTF-8.
// Lines may end in CR LF, LF, or CR alone.
func decode(raw string) (text, encoding, why string) {
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(raw, "\xff\xfe\x00\x00"), strings.HasPrefix(raw, "\x00\x00\xfe\xff"):
		return "", "", "the text is UTF-32, which is not read: save it as UTF-8"
	case strings.HasPrefix(raw, "\xff\xfe"):
		order, raw = binary.LittleEndian, raw[2:]
	case strings.HasPrefix(raw, "\xfe\xff"):
		order, raw = binary.BigEndian, raw[2:]
	case len(raw) >= 4 && raw[0] != 0 && raw[1] == 0 && raw[2] != 0 && raw[3] == 0:
		order = binary.LittleEndian
	case len(raw) >= 4 && raw[0] == 0 && raw[1] != 0 && raw[2] == 0 && raw[3] != 0:
		order = binary.BigEndian
	}
	text = raw
	if order != nil {
		if len(raw)%2 != 0 {
			return "", "", "the text is UTF-16 and ends in the middle of a character: save it as UTF-8"
		}
		text, encoding = fromUTF16(raw, order), "UTF-16"
	}
	text = strings.TrimPrefix(text, "\ufeff")
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, encoding, ""
}

func fromUTF16(raw string, order binary.ByteOrder) string {
	var b strings.Builder
	b.Grow(len(raw) / 2)
	unit := func(i int) rune { return rune(order.Uint16([]byte{raw[i], raw[i+1]})) }
	for i := 0; i < len(raw); i += 2 {
		c := unit(i)
		if utf16.IsSurrogate(c) {
			pair := rune(utf8.RuneError)
			if i+2 < len(raw) {
				pair = utf16.DecodeRune(c, unit(i+2))
			}
			if c = pair; pair != utf8.RuneError {
				i += 2
			}
		}
		b.WriteRune(c)
	}
	return b.String()
}
