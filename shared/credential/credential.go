// Package credential finds the key of a request in the headers that the SDKs
// of the supported dialects use, and words the refusals of keys. Both planes
// use it, so that a key means the same at both.
package credential

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

const maxLength = 256

// Key returns the key of a request, or the refusal of a request without a
// usable one. header, when set, replaces the list of headers.
func Key(h http.Header, header string) (string, error) {
	return Check(Find(h, header))
}

// Find returns the first credential of a request, whatever it is, and whether
// there is one. It is empty when it is of a scheme that can not hold one. header,
// when set, replaces the list of headers.
func Find(h http.Header, header string) (credential string, present bool) {
	if header == "" {
		return find(h)
	}
	value := h.Get(header)
	return bearer(value), value != ""
}

// Check returns a credential that Find found, where it is a virtual key, and else
// its refusal.
func Check(key string, present bool) (string, error) {
	switch {
	case !present:
		return "", apierr.Auth("No api key passed in.")
	case key == "":
		return "", apierr.Auth("Malformed API Key passed in. Ensure Key has `Bearer ` prefix.")
	case len(key) > maxLength || !strings.HasPrefix(key, ident.KeyPrefix):
		e := apierr.Auth("")
		e.Message = "LiteLLM Virtual Key expected. Received=" + ident.Mask(key) + ", expected to start with 'sk-'."
		return "", e
	}
	return key, nil
}

// ownHeaders bring a key and nothing else; vendorHeaders are those in which the
// SDKs of vendors send theirs.
func ownHeaders() [2]string { return [...]string{"X-Tianji-Api-Key", "X-Litellm-Api-Key"} }

func vendorHeaders() [4]string {
	return [...]string{"Api-Key", "X-Api-Key", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key"}
}

// IsHeader reports whether a header, by its canonical name, may bring a
// credential; own is the installation's name for one, or "".
func IsHeader(name, own string) bool {
	ours := ownHeaders()
	return OfSDK(name) || name == "Proxy-Authorization" || name == "Cookie" || own != "" && name == http.CanonicalHeaderKey(own) || slices.Contains(ours[:], name)
}

// OfSDK reports whether the SDKs of vendors send their credential in a header, by
// its canonical name.
func OfSDK(name string) bool {
	vendors := vendorHeaders()
	return name == "Authorization" || slices.Contains(vendors[:], name)
}

// find returns the first credential that is there. The key is empty when it
// is of a scheme that can not hold one.
func find(h http.Header) (key string, present bool) {
	for _, name := range ownHeaders() {
		if v := h[name]; len(v) > 0 && v[0] != "" {
			return strings.TrimPrefix(v[0], "Bearer "), true
		}
	}
	if v := h["Authorization"]; len(v) > 0 && v[0] != "" {
		return bearer(v[0]), true
	}
	for _, name := range vendorHeaders() {
		if v := h[name]; len(v) > 0 && v[0] != "" {
			return v[0], true
		}
	}
	return "", false
}

// awsScheme is how AWS's SDKs sign. Where they are given "Bearer KEY" as the id
// of their access key, the key stands in front of the scope.
const awsScheme = "AWS4-HMAC-SHA256"

// bearer reads "Bearer KEY", "Basic BASE64" whose password or user is a key,
// which some SDKs send, and a signature of AWS that has the key inside.
func bearer(value string) string {
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok {
		return ""
	}
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "bearer"):
		return rest
	case scheme == awsScheme:
		key, _, _ := strings.Cut(strings.TrimPrefix(rest, "Credential=Bearer "), "/")
		return strings.TrimSpace(key)
	case strings.EqualFold(scheme, "basic"):
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return ""
		}
		user, password, _ := strings.Cut(string(plain), ":")
		if strings.HasPrefix(password, ident.KeyPrefix) {
			return password
		}
		if strings.HasPrefix(user, ident.KeyPrefix) {
			return user
		}
	}
	return ""
}

// Unknown refuses a key that does not exist. It does not repeat its hash.
func Unknown(key string) *apierr.Error {
	return &apierr.Error{Status: http.StatusUnauthorized, Type: apierr.TypeUnknownKey, Param: "key", Message: "Authentication Error, Invalid proxy server token passed. Received API Key = " +
		ident.KeyName(key) + ". Unable to find token in cache or `LiteLLM_VerificationTokenTable`"}
}

// Blocked refuses a blocked key.
func Blocked() *apierr.Error {
	return apierr.Auth("Key is blocked. Update via `/key/unblock` if you're an admin.")
}

// TeamBlocked refuses the keys of a blocked team.
func TeamBlocked(teamID string) *apierr.Error {
	return apierr.Auth("Team=" + teamID + " is blocked. Update via `/team/unblock` if you're an admin.")
}

// Deactivated refuses the keys of a user whom an identity provider has taken the
// access away.
func Deactivated() *apierr.Error {
	return apierr.Auth("The user of this key is deactivated: the identity provider has set active to false by SCIM.")
}

// Expired refuses a key whose time is over.
func Expired(key string, at, now time.Time) *apierr.Error {
	return &apierr.Error{
		Status: http.StatusUnauthorized, Type: apierr.TypeExpiredKey, Param: ident.KeyName(key),
		Message: "Authentication Error - Expired Key. Key Expiry time " + at.UTC().Format(time.RFC3339) + " and current time " + now.UTC().Format(time.RFC3339),
	}
}

// RouteDenied refuses a route that the key may not call.
func RouteDenied(path string) *apierr.Error {
	return &apierr.Error{Status: http.StatusForbidden, DetailText: true, Message: "Virtual key is not allowed to call this route. Tried to call route: " + path}
}
