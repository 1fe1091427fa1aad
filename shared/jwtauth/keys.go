package jwtauth

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// fetchTimeout bounds one fetch, and patience how long a token waits for one.
	fetchTimeout = 10 * time.Second
	patience     = 5 * time.Second
	// refetchPause is the least time between two fetches because of a key that
	// nobody knows: tokens with made-up keys must not reach the provider.
	refetchPause = 5 * time.Second
	// retryFirst doubles until retryLast while a provider does not answer.
	retryFirst, retryLast = time.Second, time.Minute
)

// fetcher gets what a URL names.
type fetcher interface {
	Fetch(ctx context.Context, url string) (content []byte, mediaType string, err error)
}

// source is one URL, and what it said last.
type source struct {
	url  string
	keys []publicKey
	// issuer is that of a discovery document.
	issuer string
	known  bool
}

// keys are the key sets of the providers. What was fetched once is used until
// something newer is: a provider that is away locks nobody out.
type keys struct {
	fetch fetcher
	ttl   time.Duration
	log   *slog.Logger
	kick  chan struct{}
	stop  func()

	mu      sync.Mutex
	sources []source
	sets    [][]publicKey
	busy    bool
	asked   time.Time     // when a token asked last
	done    chan struct{} // closed when the fetch under way ends
}

func openKeys(urls []string, ttl time.Duration, fetch fetcher, log *slog.Logger) *keys {
	k := &keys{fetch: fetch, ttl: ttl, log: log, kick: make(chan struct{}, 1), busy: true, done: make(chan struct{})}
	for _, u := range urls {
		k.sources = append(k.sources, source{url: u})
	}
	k.stop = lifecycle.Loop(k.run)
	return k
}

// run fetches all sets, again and again: when they are old, soon after a failure,
// and when a token asks.
func (k *keys) run(ctx context.Context) {
	pause := retryFirst
	for {
		failed := k.fetchAll(ctx)
		if ctx.Err() != nil {
			k.finish()
			return
		}
		next := k.ttl
		if failed {
			next, pause = min(pause, k.ttl), min(2*pause, retryLast)
		} else {
			pause = retryFirst
		}
		k.finish()
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-k.kick:
		case <-timer.C:
			k.begin()
		}
		timer.Stop()
	}
}

func (k *keys) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.busy {
		k.busy, k.done = true, make(chan struct{})
	}
}

func (k *keys) finish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	select { // a token may have asked while the timer fired
	case <-k.kick:
	default:
	}
	if k.busy {
		k.busy = false
		close(k.done)
	}
}

func (k *keys) fetchAll(ctx context.Context) (failed bool) {
	errs := make([]error, len(k.sources))
	next := make([]source, len(k.sources))
	var wg sync.WaitGroup
	for i := range k.sources { // only this goroutine writes them
		wg.Go(func() { next[i], errs[i] = k.read(ctx, k.sources[i].url) })
	}
	wg.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	sets := make([][]publicKey, len(next))
	for i := range next {
		if errs[i] == nil {
			k.sources[i] = next[i]
		} else if ctx.Err() == nil {
			failed = true
			k.log.LogAttrs(ctx, slog.LevelWarn, "keys of an identity provider not fetched, the ones before stay in use",
				slog.Int("source", i), slog.Bool("known", k.sources[i].known), slog.Any("error", errs[i]))
		}
		sets[i] = k.sources[i].keys
	}
	k.sets = sets
	return failed
}

// read gets the keys of one URL, by way of a discovery document if need be.
func (k *keys) read(ctx context.Context, url string) (source, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	d, err := k.document(ctx, url)
	if err != nil {
		return source{}, err
	}
	s := source{url: url, known: true}
	if len(d.Keys) == 0 && d.JWKSURI != "" {
		s.issuer = d.Issuer
		if d, err = k.document(ctx, d.JWKSURI); err != nil {
			return source{}, err
		}
	}
	if s.keys = parseKeys(d.Keys); len(s.keys) == 0 {
		return source{}, errors.New("no key in it can verify a token")
	}
	return s, nil
}

func (k *keys) document(ctx context.Context, url string) (document, error) {
	var d document
	content, _, err := k.fetch.Fetch(ctx, url)
	if err != nil {
		return d, fmt.Errorf("fetch keys: %w", err)
	}
	if json.Unmarshal(content, &d) != nil {
		return d, errors.New("this is no key set")
	}
	return d, nil
}

// errNoKey means that a provider knows no such key, errAway that it could not be
// asked.
var (
	errNoKey = errors.New("no matching public key")
	errAway  = errors.New("the identity provider has not been reached yet")
)

// find returns the keys that may have signed a token. A key that is not known is
// asked for, though not often.
func (k *keys) find(ctx context.Context, id, algorithm string) ([]crypto.PublicKey, error) {
	k.mu.Lock()
	found := matching(k.sets, id, algorithm)
	wait := k.done
	switch {
	case len(found) > 0:
		k.mu.Unlock()
		return found, nil
	case k.busy:
	case time.Since(k.asked) < refetchPause:
		defer k.mu.Unlock()
		return nil, k.absent()
	default:
		k.asked, k.busy, k.done = time.Now(), true, make(chan struct{})
		wait = k.done
		k.kick <- struct{}{} // there is room: nobody else asks while it is busy
	}
	k.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-wait:
	case <-timer.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if found := matching(k.sets, id, algorithm); len(found) > 0 {
		return found, nil
	}
	return nil, k.absent()
}

// absent says why there is no key. It is called with the lock.
func (k *keys) absent() error {
	for i := range k.sources {
		if !k.sources[i].known {
			return errAway
		}
	}
	return errNoKey
}

// issuers are those of the discovery documents.
func (k *keys) issuers() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for i := range k.sources {
		if k.sources[i].issuer == "" {
			return nil // one that may sign for anybody
		}
		all = append(all, k.sources[i].issuer)
	}
	return all
}
