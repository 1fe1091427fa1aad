package entra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	// early is how long before it expires a token is fetched anew.
	early = 5 * time.Minute
	// retryAfter is how long a token that is still good is used when the next
	// one could not be had.
	retryAfter = 30 * time.Second
)

// Doer sends a request.
type Doer interface {
	Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error)
}

// Source has the token of a deployment. It is safe for concurrent use.
type Source struct {
	doer   Doer
	url    string
	form   func() (string, error)
	now    func() time.Time
	locked chan struct{} // holds one element while somebody looks at token

	token   string
	refresh time.Time // when the next one is fetched
	expires time.Time
}

// Authorize returns the field that proves who calls.
func (s *Source) Authorize(ctx context.Context, _, _ string, _ []byte) ([]upstream.Field, error) {
	token, err := s.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("entra id: %w", err)
	}
	return []upstream.Field{{Name: "Authorization", Value: "Bearer " + token}}, nil
}

func (s *Source) get(ctx context.Context) (string, error) {
	select {
	case s.locked <- struct{}{}:
		defer func() { <-s.locked }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	now := s.now()
	if now.Before(s.refresh) {
		return s.token, nil
	}
	token, lifetime, err := s.fetch(ctx)
	switch {
	case err == nil:
		s.token, s.expires = token, now.Add(lifetime)
		s.refresh = s.expires.Add(-min(early, lifetime/2))
	case now.Before(s.expires) && !errors.Is(err, context.Canceled):
		s.refresh = now.Add(retryAfter)
	default:
		return "", err
	}
	return s.token, nil
}

// Static is a token that somebody else renews.
type Static string

// Authorize returns the field that proves who calls.
func (s Static) Authorize(context.Context, string, string, []byte) ([]upstream.Field, error) {
	return []upstream.Field{{Name: "Authorization", Value: "Bearer " + string(s)}}, nil
}
