package budget

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Shared are the budgets of the configuration, as data planes know them.
type Shared struct {
	Proxy       *limits.Set
	Tags        map[string]*limits.Set
	Providers   map[string]*limits.Set // by slug
	Deployments map[string]*limits.Set // by id
	// Customers are for each customer without limits of its own; nil is none.
	Customers *contract.Limits
}

// Config reads the configuration on the bus, when it has changed. It is safe
// for concurrent use.
type Config struct {
	js     jetstream.JetStream
	names  contract.Names
	mu     sync.Mutex
	shared *Shared
	at     uint64
}

// NewConfig returns a reader. It does not need NATS to be up.
func NewConfig(js jetstream.JetStream, n contract.Names) *Config { return &Config{js: js, names: n} }

// Shared returns the budgets of the present configuration. Data planes hold
// requests to it before they publish what those cost, so whoever books that
// finds the same or a later one.
func (c *Config) Shared(ctx context.Context) (*Shared, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stream, err := c.js.Stream(ctx, contract.KVStream(c.names.ConfigBucket()))
	if err != nil {
		return nil, fmt.Errorf("look at the configuration: %w", err)
	}
	last := stream.CachedInfo().State.LastSeq
	if c.shared != nil && last == c.at {
		return c.shared, nil
	}
	shared, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	c.shared, c.at = shared, last
	return shared, nil
}

func (c *Config) read(ctx context.Context) (*Shared, error) {
	kv, err := c.js.KeyValue(ctx, c.names.ConfigBucket())
	if err != nil {
		return nil, fmt.Errorf("open the configuration: %w", err)
	}
	w, err := kv.WatchFiltered(ctx, []string{contract.KeyLimitSettings, contract.PrefixDeployment + ">"}, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = w.Stop() }() // fails only when the connection is closed
	s := &Shared{Deployments: map[string]*limits.Set{}}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read the configuration: %w", ctx.Err())
		case e, open := <-w.Updates():
			if !open {
				return nil, fmt.Errorf("read the configuration: %w", jetstream.ErrConsumerDeleted)
			}
			if e == nil {
				return s, nil
			}
			s.learn(e.Key(), e.Value())
		}
	}
}

// learn reads one record. One that can not be read is one that data planes can
// not read either.
func (s *Shared) learn(key string, value []byte) {
	if key == contract.KeyLimitSettings {
		var l contract.LimitSettings
		if json.Unmarshal(value, &l) == nil && !l.Deleted {
			s.Proxy, s.Customers = limits.OfProxy(&l.Proxy), l.Customers
			s.Tags = sets(l.Tags, limits.OfTag)
			s.Providers = sets(l.Providers, limits.OfProvider)
		}
		return
	}
	var d contract.Deployment
	if strings.HasPrefix(key, contract.PrefixDeployment) && json.Unmarshal(value, &d) == nil && !d.Deleted && d.Budget != nil {
		s.Deployments[d.ID] = limits.Enforced(&d, &contract.RouterSettings{})
	}
}

func sets(by map[string]contract.Budget, of func(string, *contract.Limits) *limits.Set) map[string]*limits.Set {
	out := make(map[string]*limits.Set, len(by))
	for name, b := range by {
		out[name] = of(name, &contract.Limits{Budgets: []contract.Budget{b}})
	}
	return out
}
