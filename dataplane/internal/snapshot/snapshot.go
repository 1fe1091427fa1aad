// Package snapshot keeps the whole configuration of the data plane in memory
// as one immutable value, follows its changes, and keeps the last good one on
// disk, so that a replica can start while NATS is away.
package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/dataplane/internal/feed"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/price"
)

const (
	fileName    = "config-snapshot.json"
	loadTimeout = 10 * time.Second
	retryPause  = 250 * time.Millisecond
	saveEvery   = 5 * time.Second
)

// Config is one state of the configuration. Nobody changes it.
type Config struct {
	Auth    contract.AuthSettings
	General contract.GeneralSettings
	Router  contract.RouterSettings
	Cache   contract.CacheSettings
	Limits  contract.LimitSettings
	// PassThrough are the routes that hand requests on to an address.
	PassThrough contract.PassThroughSettings
	// PrincipalsComplete says that a key that is not in the bucket is unknown.
	PrincipalsComplete bool
	Deployments        []*contract.Deployment
	// AccessGroups are the models of the groups that keys and teams are given, by id.
	AccessGroups map[string][]string
	// Prices are the price table with what users laid over it.
	Prices *price.Book

	priceParts []*contract.PriceOverlay
}

// Options configure a Store.
type Options struct {
	Conn  *nats.Conn
	JS    jetstream.JetStream
	Names contract.Names
	// Dir holds the copy on disk.
	Dir    string
	Logger *slog.Logger
	// Changed is called with each new state, one call at a time.
	Changed func(*Config)
}

// Store holds the current state. It owns one goroutine, which Stop ends.
type Store struct {
	opts    Options
	current atomic.Pointer[Config]
	feed    *feed.Feed
	stop    func()
	wake    chan struct{}
	fresh   atomic.Bool // read from the bus, not from the disk
	prices  priceBook

	mu      sync.Mutex
	pending map[string]change
	reload  bool
}

// change is a stored change that is not applied yet.
type change struct {
	sequence uint64
	value    []byte
}

// records are the values of the bucket, and up to which sequence they were
// read as a whole.
type records struct {
	values map[string]json.RawMessage
	readAt uint64
}

// apply adds changes that are newer than the reading.
func (r *records) apply(changes map[string]change) {
	for key, c := range changes {
		switch {
		case c.sequence <= r.readAt:
		case len(c.value) == 0:
			delete(r.values, key)
		default:
			r.values[key] = c.value
		}
	}
}

// Start loads the copy on disk where there is one, and follows the bus.
func Start(o Options) (*Store, error) {
	s := &Store{opts: o, wake: make(chan struct{}, 1), pending: map[string]change{}, reload: true}
	values, err := s.readFile()
	if err != nil {
		o.Logger.LogAttrs(context.Background(), slog.LevelWarn, "config snapshot on disk not usable", slog.Any("error", err))
	}
	if values != nil {
		s.publish(values)
	}
	s.feed, err = feed.Start(o.Conn, o.Names, o.Names.ConfigChanges(), func(b *contract.Beacon) uint64 { return b.Config }, s, o.Logger)
	if err != nil {
		return nil, err
	}
	s.stop = lifecycle.Loop(func(ctx context.Context) { s.follow(ctx, values) })
	return s, nil
}

// Stop ends the goroutine and the subscription.
func (s *Store) Stop() {
	s.feed.Stop()
	s.stop()
}

// Current returns the present state, or nil before there is any.
func (s *Store) Current() *Config { return s.current.Load() }

// Fresh reports whether the state was read from the bus in this process.
func (s *Store) Fresh() bool { return s.fresh.Load() }

// Sequence returns the last sequence of the bucket that was applied.
func (s *Store) Sequence() uint64 { return s.feed.Last() }

// Heard returns when the last beacon came.
func (s *Store) Heard() time.Time { return s.feed.Heard() }

// Reconnected is to be called when the connection came back.
func (s *Store) Reconnected() { s.feed.Reconnected() }

// Changed implements feed.Follower.
func (s *Store) Changed(key string, sequence uint64, value []byte) {
	s.mu.Lock()
	s.pending[key] = change{sequence, value}
	s.mu.Unlock()
	s.poke()
}

// Missed implements feed.Follower.
func (s *Store) Missed(string) {
	s.mu.Lock()
	s.reload = true
	s.mu.Unlock()
	s.poke()
}

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Store) follow(ctx context.Context, values map[string]json.RawMessage) {
	state := &records{values: values}
	unsaved := false
	for ctx.Err() == nil {
		s.mu.Lock()
		reload, changes := s.reload, s.pending
		s.reload, s.pending = false, map[string]change{}
		s.mu.Unlock()
		if reload {
			loaded, err := s.load(ctx)
			if err != nil {
				s.Missed("load failed")
				s.putBack(changes)
				lifecycle.Sleep(ctx, retryPause)
				continue
			}
			state = loaded
		}
		if reload || len(changes) > 0 {
			state.apply(changes)
			s.publish(state.values)
			unsaved = true
		}
		unsaved = s.await(ctx, state.values, unsaved)
	}
	if unsaved {
		s.writeFile(context.WithoutCancel(ctx), state.values)
	}
}

// await waits for changes, and saves what is not saved when none come for a
// while. It reports whether something is still to be saved.
func (s *Store) await(ctx context.Context, values map[string]json.RawMessage, unsaved bool) bool {
	timer := time.NewTimer(saveEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-timer.C:
		return unsaved && !s.writeFile(ctx, values)
	}
	return unsaved
}

// putBack returns changes that could not be applied yet; newer ones win.
func (s *Store) putBack(changes map[string]change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range changes {
		if _, newer := s.pending[k]; !newer {
			s.pending[k] = v
		}
	}
}

// load reads the whole bucket.
func (s *Store) load(ctx context.Context) (*records, error) {
	if !s.opts.Conn.IsConnected() {
		return nil, nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	kv, err := s.opts.JS.KeyValue(ctx, s.opts.Names.ConfigBucket())
	if err != nil {
		return nil, fmt.Errorf("open config bucket: %w", err)
	}
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("read config bucket: %w", err)
	}
	defer func() { _ = w.Stop() }()
	r := &records{values: map[string]json.RawMessage{}}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read config bucket: %w", ctx.Err())
		case e, open := <-w.Updates():
			switch {
			case !open:
				return nil, errors.New("read config bucket: the watch ended early")
			case e == nil:
				s.feed.CaughtUp(r.readAt)
				s.fresh.Store(true)
				return r, nil
			}
			r.readAt = max(r.readAt, e.Revision())
			if e.Operation() == jetstream.KeyValuePut {
				r.values[e.Key()] = e.Value()
			}
		}
	}
}

// publish makes a new state from the records.
func (s *Store) publish(values map[string]json.RawMessage) {
	c := &Config{AccessGroups: map[string][]string{}}
	var problems []error
	for key, value := range values {
		if err := c.add(key, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
	}
	if len(problems) > 0 {
		s.opts.Logger.LogAttrs(context.Background(), slog.LevelError, "config records not understood and left out", slog.Any("error", errors.Join(problems...)))
	}
	s.setPrices(c)
	s.current.Store(c)
	s.opts.Changed(c)
}

func (c *Config) add(key string, value []byte) error {
	var head contract.Head
	if err := json.Unmarshal(value, &head); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if head.Deleted {
		return nil
	}
	var err error
	switch {
	case key == contract.KeyAuthSettings:
		err = json.Unmarshal(value, &c.Auth)
	case key == contract.KeyGeneralSettings:
		err = json.Unmarshal(value, &c.General)
	case key == contract.KeyRouterSettings:
		err = json.Unmarshal(value, &c.Router)
	case key == contract.KeyCacheSettings:
		err = json.Unmarshal(value, &c.Cache)
	case key == contract.KeyLimitSettings:
		err = json.Unmarshal(value, &c.Limits)
	case key == contract.KeyPassThroughSettings:
		err = json.Unmarshal(value, &c.PassThrough)
	case key == contract.KeyPrincipalsState:
		var state contract.PrincipalsState
		err = json.Unmarshal(value, &state)
		c.PrincipalsComplete = state.Complete
	case strings.HasPrefix(key, contract.PrefixPrices):
		part := &contract.PriceOverlay{}
		err = json.Unmarshal(value, part)
		c.priceParts = append(c.priceParts, part)
	case strings.HasPrefix(key, contract.PrefixAccessGroup):
		var g contract.AccessGroup
		if err = json.Unmarshal(value, &g); err == nil {
			c.AccessGroups[g.ID] = g.Models
		}
	case strings.HasPrefix(key, contract.PrefixDeployment):
		d := &contract.Deployment{}
		err = json.Unmarshal(value, d)
		c.Deployments = append(c.Deployments, d)
	}
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

func (s *Store) readFile() (map[string]json.RawMessage, error) {
	b, err := os.ReadFile(filepath.Join(s.opts.Dir, fileName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // the first start
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(b, &values); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return values, nil
}

// writeFile replaces the copy on disk. Secrets in it are sealed as on the bus.
func (s *Store) writeFile(ctx context.Context, values map[string]json.RawMessage) bool {
	err := func() error {
		b, err := json.Marshal(values)
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		if err := os.MkdirAll(s.opts.Dir, 0o700); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		f, err := os.CreateTemp(s.opts.Dir, fileName+".*") // replicas may share the directory
		if err != nil {
			return fmt.Errorf("create: %w", err)
		}
		_, err = f.Write(b)
		if err = errors.Join(err, f.Close()); err == nil {
			err = os.Rename(f.Name(), filepath.Join(s.opts.Dir, fileName))
		}
		if err != nil {
			_ = os.Remove(f.Name())
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}()
	if err != nil {
		s.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "config snapshot not saved", slog.Any("error", err))
	}
	return err == nil
}
