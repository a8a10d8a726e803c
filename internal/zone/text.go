package zone

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// decode gives the text of a file: UTF-8 with or without byte order mark, or
// UTF-16, which some shells and editors write. Encoding names what is not UTF-8.
// Lines may end in CR LF, LF, or CR alone.
func decode(raw []byte) (text, encoding, why string) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(raw, []byte{0, 0, 0xfe, 0xff}):
		return "", "", "the text is UTF-32, which is not read: save it as UTF-8"
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		order, raw = binary.LittleEndian, raw[2:]
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		order, raw = binary.BigEndian, raw[2:]
	case len(raw) >= 4 && raw[0] != 0 && raw[1] == 0 && raw[2] != 0 && raw[3] == 0:
		order = binary.LittleEndian
	case len(raw) >= 4 && raw[0] == 0 && raw[1] != 0 && raw[2] == 0 && raw[3] != 0:
		order = binary.BigEndian
	}
	text = string(raw)
	if order != nil {
		if len(raw)%2 != 0 {
			return "", "", "the text is UTF-16 and ends in the middle of a character: save it as UTF-8"
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = order.Uint16(raw[2*i:])
		}
		text, encoding = string(utf16.Decode(units)), "UTF-16"
	}
	text = strings.TrimPrefix(text, "\ufeff")
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, encoding, ""
}
