package fakegemini

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

const (
	tokenPath = "/token"
	grant     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	scope     = "https://www.googleapis.com/auth/cloud-platform"
)

// token gives the access token for a signed assertion.
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest
func (w *vertexWire) token(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	c.Model = "token"
	form, err := url.ParseQuery(string(c.Body))
	if err != nil || form.Get("grant_type") != grant {
		return nil, fakevendor.Refuse("unsupported_grant_type")
	}
	if why := w.invalid(form.Get("assertion"), "http://"+c.Host+tokenPath); why != "" {
		return nil, &fakevendor.Failure{Status: http.StatusBadRequest, Message: "invalid_grant: " + why}
	}
	return fakevendor.Settled(document(fakevendor.Object("access_token", AccessToken, "expires_in", 3599, "token_type", "Bearer"))), nil
}

// invalid tells what is wrong with an assertion.
func (w *vertexWire) invalid(assertion, audience string) string {
	head, rest, _ := strings.Cut(assertion, ".")
	claims, mark, ok := strings.Cut(rest, ".")
	if !ok {
		return "not a JWT"
	}
	signature, err := base64.RawURLEncoding.DecodeString(mark)
	sum := sha256.Sum256([]byte(head + "." + claims))
	if err != nil || rsa.VerifyPKCS1v15(&w.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return "Invalid JWT Signature."
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claim struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Scope    string `json:"scope"`
		Issued   int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}
	const longest = 3600 // seconds
	switch {
	case !decodeSegment(head, &header) || header.Algorithm != "RS256":
		return "Invalid JWT: the algorithm must be RS256."
	case !decodeSegment(claims, &claim) || claim.Issuer != account || claim.Audience != audience:
		return "Invalid JWT: wrong issuer or audience."
	case !strings.Contains(claim.Scope, scope):
		return "Invalid OAuth scope."
	case claim.Expires <= claim.Issued || claim.Expires-claim.Issued > longest:
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
	}
	return ""
}

func decodeSegment(segment string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(segment)
	return err == nil && json.Unmarshal(b, into) == nil
}
