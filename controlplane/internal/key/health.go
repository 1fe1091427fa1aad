package key

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
)

const (
	healthy   = "healthy"
	unhealthy = "unhealthy"
)

// Health is the reply of /key/health.
type Health struct {
	Key       string          `json:"key"`
	Callbacks *CallbackHealth `json:"logging_callbacks"`
}

// CallbackHealth says how the callbacks of a key are.
type CallbackHealth struct {
	Callbacks []string `json:"callbacks"`
	Status    string   `json:"status"`
	Details   string   `json:"details"`
}

// Health says how the caller's key is. That it works is known by then; it is
// unhealthy where it has callbacks of its own, which nobody calls: those of the
// installation are called for all keys.
func (s *Service) Health(ctx context.Context, who caller.Caller) (Health, error) {
	h := Health{Key: healthy}
	if who.KeyHash == "" {
		return h, nil
	}
	row, err := s.ByHash(ctx, who.KeyHash)
	if errors.Is(err, store.ErrNotFound) {
		return h, nil // of a login that has no key
	}
	if err != nil {
		return h, fmt.Errorf("read key: %w", err)
	}
	var meta struct {
		Logging []struct {
			Name string `json:"callback_name"`
		} `json:"logging"`
	}
	_ = json.Unmarshal(row.Metadata, &meta) // metadata are the user's own: what does not fit is not ours
	if len(meta.Logging) == 0 {
		return h, nil
	}
	c := &CallbackHealth{Callbacks: []string{}, Status: unhealthy, Details: "Callbacks of single keys are stored, and not called. Configure them for the installation."}
	for _, l := range meta.Logging {
		c.Callbacks = append(c.Callbacks, l.Name)
	}
	return Health{Key: unhealthy, Callbacks: c}, nil
}
