// Package ident makes and checks identifiers: call ids and virtual keys.
package ident

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// KeyPrefix starts every virtual key and master key.
const KeyPrefix = "sk-"

// keyBytes is the entropy of a generated key; LiteLLM's default, 22 characters.
const keyBytes = 16

// NewKey returns a fresh virtual key: "sk-" and 16 random bytes in base64url.
func NewKey() string {
	var b [keyBytes]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return KeyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// HashKey returns the lower-case hex SHA-256 of the whole key text, which is
// how keys are stored and looked up everywhere.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// KeyToken accepts what management endpoints take as a key, the raw text or
// its hash, and returns the hash.
func KeyToken(keyOrHash string) string {
	if strings.HasPrefix(keyOrHash, KeyPrefix) {
		return HashKey(keyOrHash)
	}
	return keyOrHash
}

// IsHash reports whether s has the form of a key hash.
func IsHash(s string) bool {
	if len(s) != hex.EncodedLen(sha256.Size) {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// KeyName returns the display form of a key: "sk-..." and its last four characters.
func KeyName(key string) string {
	tail := key
	if len(key) > 4 {
		tail = key[len(key)-4:]
	}
	return KeyPrefix + "..." + tail
}

// Mask shortens a credential that was offered so that it can stand in an error.
func Mask(s string) string {
	if len(s) <= 8 {
		return "****"
	}
	return fmt.Sprintf("%s****%s", s[:4], s[len(s)-4:])
}
