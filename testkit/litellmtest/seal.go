package litellmtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/nacl/secretbox"
)

// Seal is one of LiteLLM's formats of what is sealed at rest.
type Seal func(tb testing.TB, key, value string) string

// Boxed is the format of all releases until the middle of 2026.
func Boxed(_ testing.TB, key, value string) string {
	return base64.URLEncoding.EncodeToString(boxed(key, value))
}

// BoxedEarly is Boxed as the first releases wrote it.
func BoxedEarly(_ testing.TB, key, value string) string {
	return base64.StdEncoding.EncodeToString(boxed(key, value))
}

func boxed(key, value string) []byte {
	sum := sha256.Sum256([]byte(key))
	var nonce [24]byte
	_, _ = rand.Read(nonce[:]) // never fails, by its documentation
	return secretbox.Seal(nonce[:], []byte(value), &nonce, &sum)
}

// GCM is the format of releases that were told to use AES.
func GCM(tb testing.TB, key, value string) string {
	tb.Helper()
	sum := sha256.Sum256([]byte(key))
	return "v2:gcm:" + gcm(tb, sum[:], value)
}

// Derived is the format of the newest releases.
func Derived(tb testing.TB, key, value string) string {
	tb.Helper()
	derived, err := hkdf.Key(sha256.New, []byte(key), make([]byte, sha256.Size), "litellm-at-rest-v3", 32)
	require.NoError(tb, err)
	return "v3:gcm:" + gcm(tb, derived, value)
}

func gcm(tb testing.TB, key []byte, value string) string {
	tb.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(tb, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(tb, err)
	return base64.URLEncoding.EncodeToString(aead.Seal(nil, nil, []byte(value), nil)) //nolint:gosec // the cipher draws its own nonce
}
