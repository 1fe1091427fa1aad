package fakebedrock

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// authorization is the form of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

const (
	timeFormat = "20060102T150405Z"
	tolerance  = 5 * time.Minute
)

// authenticate checks the signature, or a Bedrock API key.
func authenticate(c *fakevendor.Call) *fakevendor.Failure {
	deny := func(kind, message string) *fakevendor.Failure {
		return &fakevendor.Failure{Status: http.StatusForbidden, Kind: kind, Message: message}
	}
	given := c.Header.Get("Authorization")
	if given == "" {
		return deny("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	if given == "Bearer "+fakevendor.Key {
		return nil
	}
	m := authorization.FindStringSubmatch(given)
	if m == nil {
		return deny("IncompleteSignatureException", "Authorization header does not have the form of AWS Signature Version 4.")
	}
	s := signed{account: m[1], day: m[2], region: m[3], service: m[4], headers: strings.Split(m[5], ";"), at: c.Header.Get("X-Amz-Date")}
	at, err := time.Parse(timeFormat, s.at)
	switch {
	case err != nil || !strings.HasPrefix(s.at, s.day):
		return deny("IncompleteSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	case time.Since(at).Abs() > tolerance:
		return deny("InvalidSignatureException", "Signature expired: "+s.at)
	case s.account != AccessKeyID:
		return deny("UnrecognizedClientException", "The security token included in the request is invalid.")
	case s.region != Region || s.service != service:
		return deny("InvalidSignatureException", "Credential should be scoped to a valid region and to the correct service: '"+service+"'.")
	case !slices.Contains(s.headers, "host") || !slices.Contains(s.headers, "x-amz-date"):
		return deny("InvalidSignatureException", "'Host' and 'X-Amz-Date' must be signed headers.")
	case !hmac.Equal([]byte(s.signature(c)), []byte(m[6])):
		return deny("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method.")
	}
	return nil
}

// signed is what an Authorization header says.
type signed struct {
	account, day, region, service, at string
	headers                           []string
}

func (s *signed) signature(c *fakevendor.Call) string {
	scope := strings.Join([]string{s.day, s.region, s.service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", s.at, scope, hash(s.canonical(c))}, "\n")
	key := []byte("AWS4" + SecretAccessKey)
	for _, part := range []string{s.day, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

// canonical is the request as both sides sign it. The path, which the caller
// has encoded, is encoded once more.
func (s *signed) canonical(c *fakevendor.Call) string {
	path, query, _ := strings.Cut(c.URI, "?")
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = encode(segment)
	}
	var headers strings.Builder
	for _, name := range s.headers {
		value := strings.Join(c.Header.Values(name), ",")
		switch name {
		case "host":
			value = c.Host
		case "content-length":
			value = strconv.Itoa(len(c.Body))
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	return strings.Join([]string{c.Method, strings.Join(segments, "/"), sorted(query), headers.String(), strings.Join(s.headers, ";"), hash(string(c.Body))}, "\n")
}

// encode leaves the unreserved characters of RFC 3986 as they are.
func encode(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~", "*", "%2A").Replace(url.QueryEscape(s))
}

func sorted(query string) string {
	if query == "" {
		return ""
	}
	pairs := strings.Split(query, "&")
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
