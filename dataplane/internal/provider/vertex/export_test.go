package vertex

import (
	"context"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// Tokens is what proves who a deployment is.
type Tokens struct{ *tokens }

// NewTokens returns the tokens of a deployment, with a clock of the test.
func NewTokens(cfg *provider.Config, doer native.Doer, now func() time.Time) (*Tokens, error) {
	t, err := newTokens(cfg, doer)
	if err != nil {
		return nil, err
	}
	t.now = now
	return &Tokens{t}, nil
}

// Token returns a good token.
func (t *Tokens) Token(ctx context.Context) (string, error) { return t.token(ctx) }

// Project returns the project of the credentials.
func (t *Tokens) Project() string { return t.project() }

// Quota returns the project that is charged.
func (t *Tokens) Quota() string { return t.quota }

// ReadVectors reads the answer to an embeddings request.
func ReadVectors(body []byte) error {
	_, err := readVectors(body)
	return err
}
