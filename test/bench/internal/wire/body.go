package wire

import (
	"errors"
	"fmt"
)

// ErrBody says that a body breaks its framing.
var ErrBody = errors.New("malformed body")

// maxSizeDigits bounds the length line of a chunk: 15 hexadecimal digits never
// overflow an int64.
const maxSizeDigits = 15

type state uint8

const (
	inData state = iota // also a body with a Content-Length
	afterData
	inSize
	inExtension
	atSizeLF
	inTrailer
	inTrailerLine
	ended
)

// Body follows a body to its end without keeping any of it.
type Body struct {
	state   state
	chunked bool
	digits  int
	left    int64
}

// Begin starts with the body that follows h.
func (b *Body) Begin(h Head) error {
	*b = Body{chunked: h.Chunked, left: h.Length}
	switch {
	case h.Chunked:
		b.state, b.left = inSize, 0
	case h.Length == 0, h.Length < 0 && h.Status == 0:
		b.state = ended
	case h.Length < 0:
		return fmt.Errorf("%w: neither length nor chunks", ErrBody)
	}
	return nil
}

// Done reports whether the body has ended.
func (b *Body) Done() bool { return b.state == ended }

// Feed takes the next bytes and returns how many of them belong to the body.
func (b *Body) Feed(p []byte) (int, error) {
	n := 0
	for n < len(p) && b.state != ended {
		if b.state == inData {
			take := min(int64(len(p)-n), b.left)
			n += int(take)
			if b.left -= take; b.left == 0 {
				b.state = ended
				if b.chunked {
					b.state = afterData
				}
			}
			continue
		}
		if err := b.frame(p[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// frame takes one byte between the data of chunks.
func (b *Body) frame(c byte) error {
	switch b.state {
	case afterData:
		if c == '\n' {
			b.state, b.digits, b.left = inSize, 0, 0
		} else if c != '\r' {
			return fmt.Errorf("%w: a chunk is longer than it says", ErrBody)
		}
	case inSize:
		return b.size(c)
	case inExtension:
		if c == '\r' {
			b.state = atSizeLF
		}
	case atSizeLF:
		if c != '\n' {
			return fmt.Errorf("%w: no line end after a chunk size", ErrBody)
		}
		b.state = inData
		if b.left == 0 {
			b.state = inTrailer
		}
	default:
		b.trailer(c)
	}
	return nil
}

func (b *Body) size(c byte) error {
	digit, ok := hexDigit(c)
	switch {
	case ok && b.digits < maxSizeDigits:
		b.digits++
		b.left = b.left<<4 | digit
	case b.digits == 0 || ok:
		return fmt.Errorf("%w: chunk size", ErrBody)
	case c == '\r':
		b.state = atSizeLF
	default:
		b.state = inExtension
	}
	return nil
}

// trailer skips lines until an empty one.
func (b *Body) trailer(c byte) {
	switch {
	case c == '\n' && b.state == inTrailer:
		b.state = ended
	case c == '\n':
		b.state = inTrailer
	case c != '\r':
		b.state = inTrailerLine
	}
}

func hexDigit(c byte) (int64, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int64(c - '0'), true
	case c >= 'a' && c <= 'f':
		return int64(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}
