package key

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

const (
	// manyKeys is from how many keys on a count is remembered for countAge: whoever
	// turns pages of so many needs no newer one, and counting a million takes longer
	// than reading the page.
	manyKeys  = 50_000
	countAge  = 10 * time.Second
	maxCounts = 64
)

// counts remembers how many keys there are by a filter. It is safe for concurrent
// use.
type counts struct {
	mu  sync.Mutex
	all map[string]counted
}

type counted struct {
	n  int64
	at time.Time
}

func newCounts() *counts { return &counts{all: map[string]counted{}} }

func (c *counts) get(filter string, now time.Time) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.all[filter]
	return found.n, ok && now.Sub(found.at) < countAge
}

func (c *counts) put(filter string, n int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) >= maxCounts {
		clear(c.all)
	}
	c.all[filter] = counted{n, now}
}

// counted returns how many there are by a filter, which is told apart from others
// by its name and its parameters.
func (s *Service) counted(ctx context.Context, name string, filter any, count func(context.Context) (int64, error)) (int64, error) {
	b, err := json.Marshal(filter)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", name, err)
	}
	id, now := name+string(b), time.Now()
	if n, ok := s.counts.get(id, now); ok {
		return n, nil
	}
	n, err := count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", name, err)
	}
	if n >= manyKeys {
		s.counts.put(id, n, now)
	}
	return n, nil
}

// count is how many keys a filter leaves.
func (s *Service) count(ctx context.Context, f *db.KeyTokensParams) (int64, error) {
	p := db.KeyCountParams{
		TeamID: f.TeamID, OrganizationID: f.OrganizationID, KeyAlias: f.KeyAlias, Token: f.Token, ProjectID: f.ProjectID,
		AccessGroupID: f.AccessGroupID, UserID: f.UserID, CreatedBy: f.CreatedBy, Teams: f.Teams, LedTeams: f.LedTeams, JoinedTeams: f.JoinedTeams,
	}
	return s.counted(ctx, "keys", p, func(ctx context.Context) (int64, error) { return s.store.KeyCount(ctx, s.store.Reader(), p) })
}
