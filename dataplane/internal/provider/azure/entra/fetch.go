package entra

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	fetchTimeout = 20 * time.Second
	maxAnswer    = 256 << 10
	maxToken     = 64 << 10
)

// fetch asks for a token.
func (s *Source) fetch(ctx context.Context) (token string, lifetime time.Duration, err error) {
	form, err := s.form()
	if err != nil {
		return "", 0, err
	}
	target, err := upstream.ParseTarget(s.url)
	if err != nil {
		return "", 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	resp, err := s.doer.Do(ctx, &upstream.Request{
		Method: http.MethodPost, Target: target, Body: [][]byte{[]byte(form)}, HeaderTimeout: fetchTimeout, IdleTimeout: fetchTimeout,
		Fields: []upstream.Field{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}, {Name: "Accept", Value: "application/json"}},
	})
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = resp.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp, maxAnswer))
	if err != nil {
		return "", 0, err
	}
	return readAnswer(resp.StatusCode, body)
}

// readAnswer reads a token, or why there is none. What the issuer says holds
// ids and no secrets.
func readAnswer(status int, body []byte) (token string, lifetime time.Duration, err error) {
	var answer struct {
		Token       string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"` // seconds
		Code        string  `json:"error"`
		Description string  `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", 0, fmt.Errorf("the issuer answered %d with something that is not JSON", status)
	}
	if status != http.StatusOK || answer.Token == "" {
		reason, _, _ := strings.Cut(answer.Description, "\n")
		return "", 0, fmt.Errorf("the issuer answered %d: %s: %s", status, answer.Code, strings.TrimSpace(reason))
	}
	if answer.ExpiresIn <= 0 || answer.ExpiresIn > 7*24*3600 {
		return "", 0, errors.New("the issuer's token has no sensible lifetime")
	}
	return answer.Token, time.Duration(answer.ExpiresIn * float64(time.Second)), nil
}

// assertion reads the token of another issuer, whose file is rotated. What does
// not look like a token is not sent to anybody.
func assertion(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("federated token: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxToken {
		return "", fmt.Errorf("federated token: %s is no file, or too long", path)
	}
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the path
	if err != nil {
		return "", fmt.Errorf("federated token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	parts := strings.Split(token, ".")
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.DecodeString(part); err != nil || len(parts) != 3 {
			return "", fmt.Errorf("federated token: %s holds no JSON web token", path)
		}
	}
	return token, nil
}

// encode is the form of a grant.
func encode(form url.Values) func() (string, error) {
	encoded := form.Encode()
	return func() (string, error) { return encoded, nil }
}
