package upstream

// Reading tells whether a Read of r is waiting.
func (r *Response) Reading() bool { return r.state.Load() == respReading }

// Fuzzing reaches the parsers without a network.

// ParsedHead is what the head parser makes of a head.
type ParsedHead struct {
	Status int
	Header Header
	Length int64
	Kind   string
}

// ScanHead parses b as rawHead and parseHead do when it arrives in one piece,
// and returns what is left of it; ok is false when the head is not complete.
func ScanHead(b []byte, method string) (head ParsedHead, rest []byte, ok bool, err error) {
	end, _ := headEnd(b, 0)
	if end == 0 {
		return head, nil, false, nil
	}
	st, fields, err := parseHead(string(b[:end]), nil)
	if err != nil {
		return head, nil, true, err
	}
	fr, err := frame(st, fields, method)
	kind := map[bodyKind]string{bodyNone: "none", bodyLength: "length", bodyChunked: "chunked", bodyUntilClose: "close"}[fr.kind]
	return ParsedHead{Status: st.code, Header: fields, Length: fr.length, Kind: kind}, b[end:], true, err
}

// ScanHeadEnd finds the end of a head that arrives in pieces of n bytes.
func ScanHeadEnd(b []byte, n int) int {
	from := 0
	for have := 0; ; {
		have = min(have+n, len(b))
		end, next := headEnd(b[:have], from)
		if end > 0 || have == len(b) {
			return end
		}
		from = next
	}
}

// DecodeChunked decodes b, handing it over in pieces of n bytes and taking data
// in pieces of m. used is how much of b it took, done whether the body ended.
func DecodeChunked(b []byte, n, m int) (data []byte, used int, done bool, err error) {
	var d chunked
	dst := make([]byte, m)
	for have := 0; ; {
		k, took, err := d.decode(dst, b[used:have])
		data = append(data, dst[:k]...)
		used += took
		switch {
		case err != nil || d.state == chunkDone:
			return data, used, d.state == chunkDone, err
		case k == m: // there may be more
		case have == len(b):
			return data, used, false, nil
		default:
			have = min(have+n, len(b))
		}
	}
}
