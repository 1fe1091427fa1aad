// Package password hashes the passwords of users and holds a password against a
// hash: those that it made, and the two kinds that LiteLLM has made. A hash does
// not print, log or marshal itself. It owns no goroutine.
package password

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/crypto/scrypt"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/secret"
)

const (
	// Shortest is how many characters a password has at least.
	Shortest = 8
	// Longest is how many characters a password has at most.
	Longest = 128

	prefix   = "scrypt:"
	saltSize = 16
	keySize  = 32
)

// cost is what one hash takes: 128*n*r bytes, p times.
type cost struct{ n, r, p int }

// own is the cost of new hashes: 16 MiB, five times, as OWASP recommends.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
func own() cost { return cost{1 << 14, 8, 5} }

// liteLLM is the cost of LiteLLM's hashes, which do not say it.
func liteLLM() cost { return cost{1 << 14, 8, 1} }

// bearable refuses costs that nobody here has asked for.
func (c cost) bearable() bool {
	return c.n > 1 && c.n <= 1<<17 && c.r > 0 && c.r <= 16 && c.p > 0 && c.p <= 16
}

// Hash is a hashed password; the zero value is none, which no password matches.
//
//nolint:recvcheck // it is a value, and reading one from the database fills it
type Hash struct {
	// A secret, so that no format verb shows it.
	stored secret.String
}

// Stored is a hash as it is in the database.
func Stored(text string) Hash { return Hash{secret.New(text)} }

// IsZero reports whether there is no password.
func (h Hash) IsZero() bool { return h.stored.IsZero() }

// ScanText reads a hash from the database.
func (h *Hash) ScanText(v pgtype.Text) error {
	*h = Hash{}
	if v.Valid {
		*h = Stored(v.String)
	}
	return nil
}

// TextValue is what goes into the database.
func (h Hash) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: h.stored.Reveal(), Valid: !h.IsZero()}, nil
}

// Check refuses what can not be a password.
func Check(plain string) error {
	switch n := utf8.RuneCountInString(plain); {
	case n < Shortest:
		return apierr.Invalid("string_too_short", "password", fmt.Sprintf("String should have at least %d characters", Shortest))
	case n > Longest:
		return apierr.Invalid("string_too_long", "password", fmt.Sprintf("String should have at most %d characters", Longest))
	}
	return nil
}

// New hashes a password. It takes a good part of a second of one core.
func New(plain string) (Hash, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails, by its documentation
	c := own()
	key, err := scrypt.Key([]byte(plain), salt, c.n, c.r, c.p, keySize)
	if err != nil {
		return Hash{}, fmt.Errorf("hash a password: %w", err)
	}
	enc := base64.RawStdEncoding
	return Stored(fmt.Sprintf("%s%d:%d:%d:%s:%s", prefix, c.n, c.r, c.p, enc.EncodeToString(salt), enc.EncodeToString(key))), nil
}

// Matches reports whether a hash is that of a password. What can not be read
// matches nothing.
func (h Hash) Matches(plain string) bool {
	stored := h.stored.Reveal()
	if digest, err := hex.DecodeString(stored); err == nil && len(digest) == sha256.Size {
		sum := sha256.Sum256([]byte(plain)) // how older versions of LiteLLM stored it
		return subtle.ConstantTimeCompare(sum[:], digest) == 1
	}
	c, salt, want, ok := parse(stored)
	if !ok {
		return false
	}
	key, err := scrypt.Key([]byte(plain), salt, c.n, c.r, c.p, len(want))
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1
}

// Outdated reports whether a hash is of another kind than New makes: whoever
// knows the password then stores it anew.
func (h Hash) Outdated() bool {
	c, _, _, ok := parse(h.stored.Reveal())
	return !ok || c != own()
}

// parse reads the kinds that are made with scrypt: ours, and LiteLLM's as salt
// and hash in hex, or both together in base64.
func parse(stored string) (c cost, salt, key []byte, ok bool) {
	rest, found := strings.CutPrefix(stored, prefix)
	if !found {
		return c, nil, nil, false
	}
	switch parts := strings.Split(rest, ":"); len(parts) {
	case 5:
		c, ok = parseCost(parts)
		if !ok {
			return c, nil, nil, false
		}
		salt, key = decode(base64.RawStdEncoding.DecodeString, parts[3]), decode(base64.RawStdEncoding.DecodeString, parts[4])
	case 2:
		c, salt, key = liteLLM(), decode(hex.DecodeString, parts[0]), decode(hex.DecodeString, parts[1])
	case 1:
		both := decode(base64.StdEncoding.DecodeString, rest)
		if len(both) <= saltSize {
			return c, nil, nil, false
		}
		c, salt, key = liteLLM(), both[:saltSize], both[saltSize:]
	}
	const longest = 64
	return c, salt, key, c.bearable() && len(salt) > 0 && len(key) >= keySize/2 && len(key) <= longest
}

func parseCost(parts []string) (c cost, ok bool) {
	for i, to := range []*int{&c.n, &c.r, &c.p} {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return c, false
		}
		*to = n
	}
	return c, true
}

// decode returns nil for what can not be read.
func decode(read func(string) ([]byte, error), text string) []byte {
	b, err := read(text)
	if err != nil {
		return nil
	}
	return b
}

// Decoy is a hash that no password matches, and that takes as long to find out
// as any: who is not there must not be told from who is.
func Decoy() Hash {
	c, enc := own(), base64.RawStdEncoding
	return Stored(fmt.Sprintf("%s%d:%d:%d:%s:%s", prefix, c.n, c.r, c.p, enc.EncodeToString(make([]byte, saltSize)), enc.EncodeToString(make([]byte, keySize))))
}
