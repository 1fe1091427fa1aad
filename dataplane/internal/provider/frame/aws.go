package frame

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// AWS is application/vnd.amazon.eventstream: messages with a length, headers
// and checksums. The event is the header :event-type, and an exception the
// header :exception-type or :error-code, whose words may stand in
// :error-message.
//
// Format: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
func AWS() Framing { return Framing{cut: cutMessage} }

const (
	preludeLength = 12 // total length, headers length, their checksum
	trailerLength = 4  // checksum of the message
)

var errMessage = errors.New("the event stream is damaged")

func cutMessage(buf []byte, _ int, f *Frame) (int, error) {
	if len(buf) < preludeLength {
		return 0, nil
	}
	total, headers := binary.BigEndian.Uint32(buf), binary.BigEndian.Uint32(buf[4:])
	if crc32.ChecksumIEEE(buf[:8]) != binary.BigEndian.Uint32(buf[8:]) || total < preludeLength+trailerLength || headers > total-preludeLength-trailerLength {
		return 0, errMessage
	}
	if total > maxFrame {
		return 0, ErrTooLong
	}
	if len(buf) < int(total) {
		return 0, nil
	}
	body := buf[:total-trailerLength]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(buf[total-trailerLength:]) {
		return 0, errMessage
	}
	f.Data = body[preludeLength+headers:]
	return int(total), readHeaders(body[preludeLength:preludeLength+headers], f)
}

// readHeaders takes the string headers that matter: a byte of name length, the
// name, a byte of type, and for strings (type 7) two bytes of length.
func readHeaders(b []byte, f *Frame) error {
	var event []byte
	for len(b) > 0 {
		nameEnd := 1 + int(b[0])
		if len(b) < nameEnd+1 {
			return errMessage
		}
		name, kind := string(b[1:nameEnd]), b[nameEnd]
		value, rest, ok := headerValue(kind, b[nameEnd+1:])
		if !ok {
			return errMessage
		}
		b = rest
		switch name {
		case ":event-type":
			event = value
		case ":exception-type", ":error-code":
			f.Exception = string(value)
		case ":error-message": // of errors that the service's model does not name; they have no payload
			if len(f.Data) == 0 {
				f.Data = value
			}
		}
	}
	f.name(event)
	return nil
}

// headerValue splits off a value. Types 0 and 1 are booleans, 2 to 5 integers
// of 1 to 8 bytes, 6 bytes and 7 a string with a length, 8 a time, 9 a UUID.
func headerValue(kind byte, b []byte) (value, rest []byte, ok bool) {
	lengths := [...]int{0, 0, 1, 2, 4, 8, -1, -1, 8, 16}
	if int(kind) >= len(lengths) {
		return nil, nil, false
	}
	n := lengths[kind]
	if n < 0 {
		if len(b) < 2 {
			return nil, nil, false
		}
		n = int(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
