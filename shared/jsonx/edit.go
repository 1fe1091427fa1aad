package jsonx

// Edit replaces the bytes of a span; an empty span inserts.
type Edit struct {
	At  Span
	New []byte
}

// Cut appends to dst the segments that data becomes under edits, which must be
// sorted and must not overlap. Unchanged parts alias data, so that a long body
// is edited without being copied.
func Cut(dst [][]byte, data []byte, edits ...Edit) [][]byte {
	pos := 0
	for _, e := range edits {
		if e.At.Start > pos {
			dst = append(dst, data[pos:e.At.Start])
		}
		if len(e.New) > 0 {
			dst = append(dst, e.New)
		}
		pos = e.At.End
	}
	if pos < len(data) {
		dst = append(dst, data[pos:])
	}
	return dst
}
