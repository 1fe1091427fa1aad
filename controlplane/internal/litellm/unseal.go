package litellm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/nacl/secretbox"
)

// How LiteLLM's sealed values begin, but for those of its first format.
const (
	prefixGCM     = "v2:gcm:"
	prefixDerived = "v3:gcm:"

	derivedInfo   = "litellm-at-rest-v3"
	nonceSize     = 24 // of a secretbox
	smallestBoxed = nonceSize + secretbox.Overhead
)

// errSealed means that a value is sealed, and not with the keys that we have.
var errSealed = errors.New("it is sealed with another key: give the LITELLM_SALT_KEY that LiteLLM ran with, or its master key where it had none")

// Opener opens what LiteLLM keeps sealed in its database. There are three
// formats, which tell themselves apart: https://docs.litellm.ai/docs/proxy/prod
// and https://github.com/BerriAI/litellm/pull/31215.
type Opener struct {
	boxes        [][32]byte
	gcm, derived []cipher.AEAD
}

// NewOpener returns an opener that tries keys in their order. LiteLLM seals with
// its salt key, and with its master key when it has none.
func NewOpener(keys ...string) (*Opener, error) {
	o := &Opener{}
	for _, key := range keys {
		if key == "" {
			continue
		}
		sum := sha256.Sum256([]byte(key))
		derived, err := hkdf.Key(sha256.New, []byte(key), nil, derivedInfo, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		second, err := newGCM(sum[:])
		if err != nil {
			return nil, err
		}
		third, err := newGCM(derived)
		if err != nil {
			return nil, err
		}
		o.boxes, o.gcm, o.derived = append(o.boxes, sum), append(o.gcm, second), append(o.derived, third)
	}
	return o, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// form is what a text may be.
type form int

const (
	plain  form = iota // it can not be sealed
	opened             // it was, and is open
	closed             // it is, or is plain text that looks like it
)

// Open returns the plain text of a value.
func (o *Opener) Open(value string) (string, error) {
	text, is := o.open(value)
	if is == closed {
		return "", errSealed
	}
	return text, nil
}

func (o *Opener) open(value string) (string, form) {
	if rest, ok := strings.CutPrefix(value, prefixGCM); ok {
		return openGCM(o.gcm, rest)
	}
	if rest, ok := strings.CutPrefix(value, prefixDerived); ok {
		return openGCM(o.derived, rest)
	}
	blob, ok := decode(value)
	if !ok || len(blob) < smallestBoxed {
		return value, plain
	}
	nonce := [nonceSize]byte(blob[:nonceSize])
	for i := range o.boxes {
		if text, ok := secretbox.Open(nil, blob[nonceSize:], &nonce, &o.boxes[i]); ok {
			return string(text), opened
		}
	}
	return value, closed
}

func openGCM(aeads []cipher.AEAD, value string) (string, form) {
	blob, ok := decode(value)
	if !ok {
		return value, closed
	}
	for _, aead := range aeads {
		if len(blob) < aead.NonceSize() {
			break
		}
		if text, err := aead.Open(nil, blob[:aead.NonceSize()], blob[aead.NonceSize():], nil); err == nil {
			return string(text), opened
		}
	}
	return value, closed
}

// decode reads base64. LiteLLM writes the URL-safe alphabet with padding; its
// older releases wrote the standard one.
func decode(value string) ([]byte, bool) {
	for _, e := range []*base64.Encoding{base64.URLEncoding, base64.StdEncoding, base64.RawURLEncoding} {
		if blob, err := e.DecodeString(value); err == nil {
			return blob, true
		}
	}
	return nil, false
}

// openAll opens the texts among the members of an object, in place. LiteLLM
// seals each text by itself and leaves other values as they are. Where marker,
// a member that LiteLLM always seals, is not sealed, nothing is: somebody wrote
// the row by hand. The error names the member.
func (o *Opener) openAll(members object, marker string) error {
	if _, is := o.open(text(members[marker])); is == plain && members[marker] != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		s, ok := asText(members[name])
		if !ok {
			continue
		}
		open, is := o.open(s)
		if is == closed {
			return fmt.Errorf("%s: %w", name, errSealed)
		}
		members[name] = quote(open)
	}
	return nil
}
