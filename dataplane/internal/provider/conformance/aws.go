package conformance

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// awsMessage writes one message of application/vnd.amazon.eventstream.
func awsMessage(kind string, payload []byte) []byte {
	name, messageType := ":event-type", "event"
	if strings.HasSuffix(kind, "Exception") {
		name, messageType = ":exception-type", "exception"
	}
	var headers []byte
	for _, h := range [][2]string{{name, kind}, {":content-type", "application/json"}, {":message-type", messageType}} {
		headers = append(headers, byte(len(h[0]))) //nolint:gosec // names are short
		headers = append(headers, h[0]...)
		headers = append(headers, 7)                                        // a string
		headers = binary.BigEndian.AppendUint16(headers, uint16(len(h[1]))) //nolint:gosec // values are short
		headers = append(headers, h[1]...)
	}
	const overhead = 16
	var m []byte
	m = binary.BigEndian.AppendUint32(m, uint32(overhead+len(headers)+len(payload))) //nolint:gosec // golden files are small
	m = binary.BigEndian.AppendUint32(m, uint32(len(headers)))                       //nolint:gosec // golden files are small
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(append(m, headers...), payload...)
	return binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
}
