package upstream

import (
	"bytes"
	"fmt"
	"math"
)

// Limits of chunked framing, which is not data and so must not be able to
// keep a reader busy for nothing.
const (
	// maxChunkLine bounds the line of a chunk size with its extensions, and a
	// line of the trailer. It must be less than the read buffer.
	maxChunkLine = 2 << 10
	// maxTrailer bounds the trailer, which is read and dropped.
	maxTrailer = 16 << 10
	// maxExcess bounds how much framing a body may have beyond what its data
	// accounts for: 16 bytes a chunk and twice the data are free.
	maxExcess = 16 << 10
)

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkData
	chunkDataEnd
	chunkTrailer
	chunkDone
)

// chunked decodes chunked transfer coding (RFC 9112, section 7.1), strictly:
// lines end in CRLF, sizes are hexadecimal digits only.
type chunked struct {
	state   chunkState
	left    int64 // data of the current chunk still to come
	excess  int64
	trailer int
}

// decode takes framing and data from src and puts the data in dst. It stops
// when dst is full and the next byte is data, when src ends or holds a line
// only in part, and at the end of the body. used is what it took from src.
func (d *chunked) decode(dst, src []byte) (n, used int, err error) {
	for {
		switch d.state {
		case chunkData:
			m := len(src) - used
			if int64(m) > d.left {
				m = int(d.left)
			}
			m = copy(dst[n:], src[used:used+m])
			n += m
			used += m
			d.took(m)
			if d.left > 0 {
				return n, used, nil
			}
		case chunkDone:
			return n, used, nil
		default:
			m, err := d.framing(src[used:])
			if err != nil || m == 0 {
				return n, used, err
			}
			used += m
		}
	}
}

// took notes that m bytes of data were taken.
func (d *chunked) took(m int) {
	d.left -= int64(m)
	if d.left == 0 {
		d.state = chunkDataEnd
	}
}

// framing takes one piece of framing from the start of src and returns its
// length, 0 when it is not complete.
func (d *chunked) framing(src []byte) (int, error) {
	if d.state == chunkDataEnd {
		if len(src) > 0 && src[0] != '\r' || len(src) > 1 && src[1] != '\n' {
			return 0, malformed("no line end after a chunk")
		}
		if len(src) < 2 {
			return 0, nil
		}
		d.state = chunkSize
		return 2, nil
	}
	i := bytes.IndexByte(src[:min(len(src), maxChunkLine)], '\n')
	if i < 0 {
		if len(src) >= maxChunkLine {
			return 0, malformed("chunk line too long")
		}
		return 0, nil
	}
	if i == 0 || src[i-1] != '\r' {
		return 0, malformed("bare line feed in chunked framing")
	}
	line := src[:i-1]
	if d.state == chunkTrailer {
		return i + 1, d.trailerLine(line)
	}
	return i + 1, d.sizeLine(line)
}

func (d *chunked) sizeLine(line []byte) error {
	size, err := parseChunkSize(line)
	if err != nil {
		return err
	}
	d.left = size
	if size == 0 {
		d.state = chunkTrailer
		return nil
	}
	d.excess += int64(len(line)) + 2 - 16
	if size < math.MaxInt64/4 {
		d.excess -= 2 * size
	} else {
		d.excess = 0
	}
	d.excess = max(d.excess, 0)
	if d.excess > maxExcess {
		return malformed("more framing than data")
	}
	d.state = chunkData
	return nil
}

func (d *chunked) trailerLine(line []byte) error {
	if len(line) == 0 {
		d.state = chunkDone
		return nil
	}
	d.trailer += len(line) + 2
	if d.trailer > maxTrailer {
		return malformed("trailer too long")
	}
	i := bytes.IndexByte(line, ':')
	if i < 0 || !validToken(line[:i]) || !validValue(line[i+1:]) {
		return malformed("trailer line")
	}
	return nil
}

// parseChunkSize reads "1a", "1a;name=value" and, as old servers pad, "1a  ".
func parseChunkSize(line []byte) (int64, error) {
	if !validValue(line) {
		return 0, malformed("control character in a chunk line")
	}
	digits, _, _ := bytes.Cut(line, []byte{';'})
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 16 {
		return 0, malformed("chunk size")
	}
	var n uint64
	for _, c := range digits {
		v, ok := hexValue(c)
		if !ok {
			return 0, malformed("chunk size")
		}
		n = n<<4 | uint64(v)
	}
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("%w: chunk size out of range", ErrMalformed)
	}
	return int64(n), nil
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
