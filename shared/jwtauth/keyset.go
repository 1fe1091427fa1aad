package jwtauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

const (
	// maxKeys bounds the keys of one set; those beyond are not used.
	maxKeys = 200
	// maxTried bounds how many keys a signature is held against.
	maxTried = 8
	// minRSA and maxRSA bound an RSA modulus in bits: a weak key must not let
	// anybody in, a huge one not keep a processor busy.
	minRSA, maxRSA = 2048, 8192
)

// algorithms are the signatures that are taken: by public keys, all of them.
// HS and none never are (RFC 8725, 3.1).
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// jwk is a key as RFC 7517 writes it.
type jwk struct {
	Kty string `json:"kty"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Crv string `json:"crv"`
	N   string `json:"n"`
	E   string `json:"e"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// document is a key set, or a discovery document that says where one is.
type document struct {
	Keys    []json.RawMessage `json:"keys"`
	JWKSURI string            `json:"jwks_uri"`
	Issuer  string            `json:"issuer"`
}

// publicKey is a key that tokens may be signed with.
type publicKey struct {
	id  string
	key crypto.PublicKey
	// algorithms are those that the key is good for.
	algorithms []string
}

// parseKeys reads the keys of a set. What can not be used, such as a key to
// encrypt with, is left out: sets hold keys for others, too.
func parseKeys(raw []json.RawMessage) []publicKey {
	var all []publicKey
	for _, one := range raw[:min(len(raw), maxKeys)] {
		var j jwk
		if json.Unmarshal(one, &j) != nil || j.Use != "" && j.Use != "sig" {
			continue
		}
		k, err := j.public()
		if err != nil {
			continue
		}
		if j.Alg != "" {
			if !slices.Contains(k.algorithms, j.Alg) {
				continue
			}
			k.algorithms = []string{j.Alg}
		}
		all = append(all, k)
	}
	return all
}

var errKey = errors.New("not a key that tokens can be verified with")

func (j *jwk) public() (publicKey, error) {
	switch j.Kty {
	case "RSA":
		return j.rsa()
	case "EC":
		return j.ec()
	case "OKP":
		x, err := number(j.X)
		if j.Crv != "Ed25519" || err != nil || len(x) != ed25519.PublicKeySize {
			return publicKey{}, errKey
		}
		return publicKey{j.Kid, ed25519.PublicKey(x), []string{"EdDSA"}}, nil
	default:
		return publicKey{}, errKey
	}
}

func (j *jwk) rsa() (publicKey, error) {
	n, err := number(j.N)
	if err != nil {
		return publicKey{}, err
	}
	e, err := number(j.E)
	if err != nil || len(e) > 4 {
		return publicKey{}, errKey
	}
	exponent := 0
	for _, b := range e {
		exponent = exponent<<8 | int(b)
	}
	modulus := new(big.Int).SetBytes(n)
	if bits := modulus.BitLen(); bits < minRSA || bits > maxRSA || exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 {
		return publicKey{}, errKey
	}
	return publicKey{j.Kid, &rsa.PublicKey{N: modulus, E: exponent}, algorithms()[:6]}, nil
}

func (j *jwk) ec() (publicKey, error) {
	var curve elliptic.Curve
	var algorithm string
	switch j.Crv {
	case "P-256":
		curve, algorithm = elliptic.P256(), "ES256"
	case "P-384":
		curve, algorithm = elliptic.P384(), "ES384"
	case "P-521":
		curve, algorithm = elliptic.P521(), "ES512"
	default:
		return publicKey{}, errKey
	}
	x, errX := number(j.X)
	y, errY := number(j.Y)
	size := (curve.Params().BitSize + 7) / 8
	if errX != nil || errY != nil || len(x) > size || len(y) > size {
		return publicKey{}, errKey
	}
	point := make([]byte, 1+2*size)
	point[0] = 4 // uncompressed
	copy(point[1+size-len(x):], x)
	copy(point[1+2*size-len(y):], y)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return publicKey{}, fmt.Errorf("%w: %w", errKey, err)
	}
	return publicKey{j.Kid, key, []string{algorithm}}, nil
}

// number decodes unpadded base64url; some providers pad.
func number(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) == 0 {
		return nil, errKey
	}
	return b, nil
}

// matching returns the keys that may have made a signature. A token that names
// no key is held against all of its kind.
func matching(sets [][]publicKey, id, algorithm string) []crypto.PublicKey {
	var found []crypto.PublicKey
	for _, set := range sets {
		for i := range set {
			k := &set[i]
			if (id == "" || k.id == id) && slices.Contains(k.algorithms, algorithm) && len(found) < maxTried {
				found = append(found, k.key)
			}
		}
	}
	return found
}
