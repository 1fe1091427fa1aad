// Package seal protects provider credentials at rest and on the bus:
// AES-256-GCM under a key derived from the installation's salt.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// version is the first byte of a sealed value, so that the algorithm can change.
const version = 1

// ErrOpen means that a value was not sealed with this salt for this purpose.
var ErrOpen = errors.New("can not open sealed value: is TIANJI_SALT_KEY the one it was sealed with?")

// Box seals and opens under one salt. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// New derives a box from the salt, which must not be empty.
func New(salt string) (*Box, error) {
	if salt == "" {
		return nil, errors.New("the salt key is empty: set TIANJI_SALT_KEY")
	}
	key, err := hkdf.Key(sha256.New, []byte(salt), nil, "tianji credentials v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &Box{aead: aead}, nil
}

// Seal encrypts plain. Purpose is bound to it: a value sealed for one object
// can not be opened as another's.
func (b *Box) Seal(plain, purpose string) []byte {
	return b.aead.Seal([]byte{version}, nil, []byte(plain), []byte(purpose)) //nolint:gosec // the cipher draws its own nonce
}

// Open decrypts what Seal made for the same purpose.
func (b *Box) Open(sealed []byte, purpose string) (string, error) {
	if len(sealed) < 1 || sealed[0] != version {
		return "", ErrOpen
	}
	plain, err := b.aead.Open(nil, nil, sealed[1:], []byte(purpose))
	if err != nil {
		return "", ErrOpen
	}
	return string(plain), nil
}

// NewSalt returns a random salt for a new installation.
func NewSalt() string { return rand.Text() }
