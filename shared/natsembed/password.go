package natsembed

import (
	"crypto/rand"
	"encoding/base64"
)

// NewPassword returns 24 random bytes in base64url, safe inside a URL.
func NewPassword() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return base64.RawURLEncoding.EncodeToString(b[:])
}
