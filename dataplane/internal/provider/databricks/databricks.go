// Package databricks proves who calls a Databricks workspace: a personal token
// in a header, as the catalog has it, or the token that a service principal
// gets for its id and secret. The wire is OpenAI's.
//
// Wire facts: https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
package databricks

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, _ native.Fetcher) (provider.Backend, error) {
	row, ok := catalog.Lookup("databricks")
	if !ok {
		return nil, errors.New("databricks: no such row")
	}
	var o compat.Options
	id := cfg.Text("client_id", "DATABRICKS_CLIENT_ID")
	secret := cfg.Text("client_secret", "DATABRICKS_CLIENT_SECRET")
	if cfg.APIKey == "" && cfg.Env(row.KeyEnv...) == "" && id != "" && secret != "" {
		base, err := row.Base(cfg.APIBase, cfg.Model, cfg.Getenv)
		if err != nil {
			return nil, err
		}
		target, err := upstream.ParseTarget(upstream.Root(base) + "/oidc/v1/token")
		if err != nil {
			return nil, fmt.Errorf("databricks: %w", err)
		}
		proof := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
		o.Authorizer = &principal{doer: doer, target: target, proof: "Basic " + proof}
	}
	b, err := compat.NewWith(&row, cfg, doer, o)
	if err != nil {
		return nil, err
	}
	return b, nil
}

const (
	tokenTimeout = 30 * time.Second
	// early is how long before its end a token is not used any more.
	early    = time.Minute
	maxToken = 64 << 10
)

// principal gets tokens for a service principal. It is safe for concurrent
// use: those who wait while one asks get what that one gets.
type principal struct {
	doer   native.Doer
	target *upstream.Target
	proof  string

	mu    sync.Mutex
	token string
	until time.Time
}

// Authorize implements compat.Authorizer.
func (p *principal) Authorize(ctx context.Context, _, _ string, _ []byte) ([]upstream.Field, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().After(p.until) {
		if err := p.renew(ctx); err != nil {
			return nil, err
		}
	}
	return []upstream.Field{{Name: "Authorization", Value: "Bearer " + p.token}}, nil
}

func (p *principal) renew(ctx context.Context) error {
	resp, err := p.doer.Do(ctx, &upstream.Request{
		Method: http.MethodPost, Target: p.target, HeaderTimeout: tokenTimeout, IdleTimeout: tokenTimeout,
		Fields: []upstream.Field{{Name: "Authorization", Value: p.proof}, {Name: "Content-Type", Value: "application/x-www-form-urlencoded"}},
		Body:   [][]byte{[]byte("grant_type=client_credentials&scope=all-apis")},
	})
	if err != nil {
		return fmt.Errorf("get token: %w", err)
	}
	defer func() { _ = resp.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp, maxToken))
	if err != nil {
		return fmt.Errorf("get token: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		f := &provider.Failure{Status: resp.StatusCode}
		f.Explain(body)
		return f
	}
	var t struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}
	if json.Unmarshal(body, &t) != nil || t.AccessToken == "" {
		return errors.New("get token: the answer has none") // not repeated: it may hold one all the same
	}
	p.token, p.until = t.AccessToken, time.Now().Add(time.Duration(t.ExpiresIn)*time.Second-early)
	return nil
}
