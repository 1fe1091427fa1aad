package jsonx

import "unicode/utf8"

// AppendQuote appends s as a JSON string. It never fails: invalid UTF-8 is
// replaced. Only what JSON demands is escaped, so that texts stay short.
func AppendQuote(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf:
			i++
			continue
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			b = append(append(b, s[from:i]...), "\ufffd"...)
		default:
			b = append(append(b, s[from:i]...), escape(c)...)
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// escape returns the escape of a byte that can not stand in a JSON string.
func escape(c byte) string {
	switch c {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	const hex = "0123456789abcdef"
	return `\u00` + string([]byte{hex[c>>4], hex[c&0xf]})
}
