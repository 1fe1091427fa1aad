package jsonx

// nesting remembers for each open bracket whether it is an object.
type nesting struct {
	object [MaxDepth / 64]uint64
	depth  int
}

func (n *nesting) push(object bool) bool {
	if n.depth == MaxDepth {
		return false
	}
	word, bit := n.depth/64, uint(n.depth%64)
	n.object[word] &^= 1 << bit
	if object {
		n.object[word] |= 1 << bit
	}
	n.depth++
	return true
}

func (n *nesting) inObject() bool {
	d := n.depth - 1
	return n.object[d/64]&(1<<uint(d%64)) != 0
}

// skipValue returns the position behind the value that starts at i. It loops
// instead of recursing, so hostile nesting costs no stack.
//
//nolint:gocognit // one loop over the grammar reads better than its pieces
func skipValue(b []byte, i int) (end int, ok bool) {
	var open nesting
	for {
		// A value starts at i.
		if i >= len(b) {
			return i, false
		}
		switch c := b[i]; c {
		case '{', '[':
			if !open.push(c == '{') {
				return i, false
			}
			i = skipSpace(b, i+1)
			if i < len(b) && b[i] == c+2 { // '}' and ']' stand two behind their openers
				open.depth--
				i++
				break
			}
			if c == '{' {
				if i, ok = skipName(b, i); !ok {
					return i, false
				}
			}
			continue
		case '"':
			if i, _, ok = skipString(b, i+1); !ok {
				return i, false
			}
		default:
			if i, ok = skipScalar(b, i); !ok {
				return i, false
			}
		}
		if i, ok = afterValue(b, i, &open); !ok || open.depth == 0 {
			return i, ok
		}
	}
}

// afterValue consumes closing brackets and, where another value follows, the
// comma and the name in front of it.
func afterValue(b []byte, i int, open *nesting) (next int, ok bool) {
	for open.depth > 0 {
		i = skipSpace(b, i)
		if i >= len(b) {
			return i, false
		}
		object := open.inObject()
		switch c := b[i]; {
		case c == ',':
			i = skipSpace(b, i+1)
			if object {
				return skipName(b, i)
			}
			return i, true
		case c == '}' && object, c == ']' && !object:
			open.depth--
			i++
		default:
			return i, false
		}
	}
	return i, true
}

// skipName skips a member name, its colon and the space around them.
func skipName(b []byte, i int) (next int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	if i, _, ok = skipString(b, i+1); !ok {
		return i, false
	}
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != ':' {
		return i, false
	}
	return skipSpace(b, i+1), true
}

func skipScalar(b []byte, i int) (end int, ok bool) {
	switch b[i] {
	case 't':
		return skipLiteral(b, i, "true")
	case 'f':
		return skipLiteral(b, i, "false")
	case 'n':
		return skipLiteral(b, i, "null")
	}
	return skipNumber(b, i)
}

func skipLiteral(b []byte, i int, lit string) (end int, ok bool) {
	if len(b)-i < len(lit) || string(b[i:i+len(lit)]) != lit {
		return i, false
	}
	return i + len(lit), true
}

// skipNumber follows the grammar of RFC 8259 §6.
func skipNumber(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && b[i] >= '1' && b[i] <= '9':
		i = skipDigits(b, i)
	default:
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		frac := skipDigits(b, i+1)
		if frac == i+1 {
			return frac, false
		}
		i = frac
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exp := skipDigits(b, i)
		if exp == i {
			return i, false
		}
		i = exp
	}
	return i, true
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}
