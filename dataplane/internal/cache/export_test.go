package cache

// What fuzz tests reach.

// AppendCompact is appendCompact.
func AppendCompact(dst, src []byte) []byte { return appendCompact(dst, src) }

// Elements is elements.
func Elements(array []byte, limit int) ([][]byte, bool) { return elements(array, limit) }

// Encode is what the bucket holds of an entry that expires at a time.
func Encode(e *Entry, expires int64) []byte {
	e.expires = expires
	return e.encode()
}

// Decode undoes Encode.
func Decode(b []byte) (e *Entry, expires int64, err error) {
	if e, err = decodeEntry(b); err != nil {
		return nil, 0, err
	}
	return e, e.expires, nil
}

// Question is the text of a call that is compared by its meaning.
func Question(call *Call) (text, before string, ok bool) {
	q, ok := questionOf(call)
	return q.text, string(q.before), ok
}
