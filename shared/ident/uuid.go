package ident

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// UUID is a UUID of version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds,
// then random bits, so ids made later sort later.
type UUID [16]byte

// NewUUID returns an id for the given time. Its randomness comes from the
// runtime's ChaCha8 generator: unique, fast, and not a secret.
func NewUUID(at time.Time) UUID {
	var u UUID
	binary.BigEndian.PutUint64(u[0:8], uint64(at.UnixMilli())<<16|rand.Uint64()>>48) //nolint:gosec // an id is not a secret, and times before 1970 do not occur
	binary.BigEndian.PutUint64(u[8:16], rand.Uint64())                               //nolint:gosec // an id is not a secret
	u[6] = 0x70 | u[6]&0x0f
	u[8] = 0x80 | u[8]&0x3f
	return u
}

// String returns the canonical 36-character form.
func (u UUID) String() string {
	var b [36]byte
	u.encode(&b)
	return string(b[:])
}

func (u UUID) encode(b *[36]byte) {
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
}
