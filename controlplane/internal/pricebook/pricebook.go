// Package pricebook keeps the prices that users bring: files in LiteLLM's
// format, from a path or an address, which are laid over the generated table
// of shared/price. It reads them anew from time to time, keeps the last good
// ones when that fails, and brings them to the data planes.
//
// It does not know what anything costs; that is shared/price. A Keeper owns
// no goroutine: Run and PublishChanges belong to whoever calls them.
package pricebook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/price"
)

// Keeper keeps the book. It is safe for concurrent use.
type Keeper struct {
	opts  Options
	table *price.Book
	book  atomic.Pointer[price.Book]

	loads  *prometheus.CounterVec
	models prometheus.Gauge

	mu      sync.Mutex // one load at a time
	sources []*source
	status  atomic.Pointer[Status]

	changed chan struct{} // holds one signal for the publisher
	file    atomic.Pointer[[]byte]
}

// Status says where the prices come from.
type Status struct {
	// Models are how many the files have.
	Models int
	Loaded time.Time
	// Err is why the last attempt failed; nil when it did not.
	Err error
}

// New returns a keeper of the generated table; Run loads the rest.
func New(o Options) *Keeper {
	k := &Keeper{
		opts: o, table: price.New(), changed: make(chan struct{}, 1),
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tianji_controlplane_price_loads_total", Help: "Price files that were looked at, by result.",
		}, []string{"result"}),
		models: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tianji_controlplane_price_overlay_models", Help: "Models of the price files in use."}),
	}
	o.Registry.MustRegister(k.loads, k.models)
	k.book.Store(k.table)
	k.status.Store(&Status{})
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	}
	if o.Sources.URL != "" {
		k.sources = append(k.sources, remoteFile(o.Sources.URL, transport))
	}
	if o.Sources.Path != "" {
		k.sources = append(k.sources, localFile(o.Sources.Path))
	}
	return k
}

// Book returns the prices in use.
func (k *Keeper) Book() *price.Book { return k.book.Load() }

// Status returns where the prices come from.
func (k *Keeper) Status() Status { return *k.status.Load() }

// Run loads the files, and again whenever it is time, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	if len(k.sources) == 0 {
		<-ctx.Done()
		return
	}
	for ctx.Err() == nil {
		next := k.look(ctx, time.Now())
		lifecycle.Sleep(ctx, time.Until(next))
	}
}

// Reload looks at all sources now.
func (k *Keeper) Reload(ctx context.Context) (Status, error) {
	k.mu.Lock()
	for _, s := range k.sources {
		s.due = time.Time{}
	}
	k.mu.Unlock()
	k.look(ctx, time.Now())
	status := k.Status()
	return status, status.Err
}

// look reads the sources that are due and returns when the next one is.
func (k *Keeper) look(ctx context.Context, now time.Time) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	var problems []error
	news := false
	next := now.Add(urlEvery)
	for _, s := range k.sources {
		if !s.due.After(now) {
			changed, err := k.read(ctx, s)
			news = news || changed
			s.due = now.Add(s.every)
			if err != nil {
				s.due = now.Add(min(s.every, retryAfter))
				problems = append(problems, err)
			}
		}
		if s.due.Before(next) {
			next = s.due
		}
	}
	status := *k.status.Load()
	if news {
		models, err := k.merge(ctx)
		if err == nil {
			status.Models, status.Loaded = models, now
		}
		problems = append(problems, err)
	}
	status.Err = errors.Join(problems...)
	k.status.Store(&status)
	if status.Err != nil && k.file.Load() == nil {
		k.restore(ctx)
	}
	return next
}

// read brings one source up to date and reports whether it has changed.
func (k *Keeper) read(ctx context.Context, s *source) (changed bool, err error) {
	file, keep, err := s.fetch(ctx)
	if errors.Is(err, errUnchanged) {
		k.loads.WithLabelValues("unchanged").Inc()
		return false, nil
	}
	models := 0
	if err == nil {
		models, err = k.check(s, file)
	}
	if err != nil {
		k.loads.WithLabelValues("error").Inc()
		k.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "price file not usable, the prices stay as they are",
			slog.String("source", s.name), slog.Any("error", err))
		return false, err
	}
	k.loads.WithLabelValues("ok").Inc()
	keep()
	s.file, s.models = file, models
	return true, nil
}

// check refuses what is no price file, and from an address what has become
// too small. It returns the number of models.
func (k *Keeper) check(s *source, file []byte) (int, error) {
	models, err := decode(file)
	n := len(models)
	switch {
	case err != nil:
		return 0, err
	case !s.guarded: // whoever wrote the file here meant it
	case n < k.opts.Sources.MinModels:
		return 0, fmt.Errorf("the price file has %d models, fewer than the %d of MODEL_COST_MAP_MIN_MODEL_COUNT", n, k.opts.Sources.MinModels)
	case float64(n) < k.opts.Sources.MaxShrink*float64(s.models):
		return 0, fmt.Errorf("the price file has shrunk from %d to %d models, more than MODEL_COST_MAP_MAX_SHRINK_RATIO allows", s.models, n)
	}
	return n, nil
}

func decode(file []byte) (map[string]json.RawMessage, error) {
	var models map[string]json.RawMessage
	if err := json.Unmarshal(file, &models); err != nil {
		return nil, fmt.Errorf("%w: %w", price.ErrOverlay, err)
	}
	delete(models, "sample_spec")
	delete(models, "fallback_generalizations")
	return models, nil
}

// merge makes one file of all sources, and the book of it. Models are sorted,
// so that the same prices are the same bytes on every control plane.
func (k *Keeper) merge(ctx context.Context) (models int, err error) {
	all := map[string]json.RawMessage{}
	for _, s := range k.sources {
		if s.file == nil {
			continue
		}
		models, err := decode(s.file)
		if err != nil {
			return 0, err
		}
		maps.Copy(all, models)
	}
	file, err := json.Marshal(all)
	if err != nil {
		return 0, fmt.Errorf("merge price files: %w", err)
	}
	return len(all), k.use(ctx, file)
}

// use puts a file into use.
func (k *Keeper) use(ctx context.Context, file []byte) error {
	book, report, err := k.table.Overlay(file)
	if err != nil {
		return fmt.Errorf("lay prices over the table: %w", err)
	}
	for _, p := range report.Problems {
		k.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "price left out", slog.Any("error", p))
	}
	if len(report.Unknown) > 0 {
		k.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "fields of the price file are not known", slog.Any("fields", report.Unknown))
	}
	k.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "prices loaded", slog.Int("models", report.Models), slog.Int("priced", report.Priced), slog.Int("left_out", report.Left))
	k.models.Set(float64(report.Models))
	k.book.Store(book)
	k.file.Store(&file)
	select {
	case k.changed <- struct{}{}:
	default:
	}
	return nil
}

func withoutCredentials(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}
