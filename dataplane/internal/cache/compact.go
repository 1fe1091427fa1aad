package cache

import "bytes"

// The functions here read JSON that has been checked already, by
// jsonx.Members: they do not fail, and on anything else they are only harmless.

// appendCompact appends JSON without the white space between its tokens.
func appendCompact(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		switch src[i] {
		case ' ', '\t', '\n', '\r':
			i++
		case '"':
			end := stringEnd(src, i+1)
			dst = append(dst, src[i:end]...)
			i = end
		default:
			end := i + 1
			for end < len(src) && src[end] > ' ' && src[end] != '"' {
				end++
			}
			dst = append(dst, src[i:end]...)
			i = end
		}
	}
	return dst
}

// stringEnd returns the position behind the closing quote of a string whose
// first character is at i.
func stringEnd(b []byte, i int) int {
	for from := i; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return len(b)
		}
		quote := from + n
		slashes := 0
		for slashes < quote-i && b[quote-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote + 1
		}
		from = quote + 1
	}
}

// elements returns the values in an array, at most limit of them. It is not ok
// for anything but an array, and for a longer one.
func elements(array []byte, limit int) (values [][]byte, ok bool) {
	array = bytes.TrimSpace(array)
	n := len(array)
	if n < 2 || array[0] != '[' || array[n-1] != ']' {
		return nil, false
	}
	depth, start := 0, 1
	take := func(end int) bool {
		value := bytes.TrimSpace(array[start:end])
		start = end + 1
		if len(value) > 0 {
			values = append(values, value)
		}
		return len(values) <= limit
	}
	for i := 1; i < n-1; {
		switch array[i] {
		case '"':
			i = stringEnd(array, i+1)
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 && !take(i) {
				return nil, false
			}
		}
		i++
	}
	ok = take(n - 1)
	return values, ok
}
