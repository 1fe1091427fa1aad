package route

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// maxModels bounds the models that are kept ready behind one pattern: their
// names come from clients.
const maxModels = 256

// models are the deployments of single models behind a deployment whose name
// is a pattern. They are made when they are first asked for.
type models struct {
	builder  Builder
	config   provider.Config
	registry *health.Registry
	// keyless says that requests may bring what the config lacks.
	keyless bool

	mu     sync.RWMutex
	byName map[string]*model
}

type model struct {
	deployment *Deployment
	used       atomic.Bool // since the last time that room was made
}

// get returns the deployment of a model, or nil where it can not be made. The
// name must match the pattern.
func (d *Deployment) get(env *Environment, p *pattern, name string) *Deployment {
	m := d.models
	m.mu.RLock()
	known := m.byName[name]
	m.mu.RUnlock()
	if known != nil {
		if !known.used.Load() {
			known.used.Store(true)
		}
		return known.deployment
	}
	name = strings.Clone(name) // it may be a part of a request's buffer
	made, err := d.of(p, name)
	if err != nil {
		env.Logger.LogAttrs(context.Background(), slog.LevelDebug, "no deployment for a model of a pattern",
			slog.String("deployment", d.ID), slog.String("pattern", p.text), slog.Any("error", err))
		return nil
	}
	env.appraise(made)
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.byName[name]; known != nil {
		return known.deployment
	}
	if len(m.byName) >= maxModels {
		m.makeRoom()
	}
	m.byName[name] = &model{deployment: made}
	return made
}

// of makes the deployment of one model.
func (d *Deployment) of(p *pattern, name string) (*Deployment, error) {
	rec := *d.record
	rec.Model = p.fill(rec.Model, name)
	var err error
	switch {
	case rec.Provider == "": // whatever the name says
		if rec.Provider, rec.Model, err = catalog.Split(rec.Model, ""); err != nil {
			return nil, err
		}
	case p.text == "*" || rec.Model == name:
		rec.Model = strings.TrimPrefix(rec.Model, rec.Provider+"/")
	}
	cfg := d.models.config
	cfg.Provider, cfg.Model = rec.Provider, rec.Model
	made := newDeployment(&rec, d.models.registry.Model(d.ID, name))
	made.tagRegex, made.config, made.client = d.tagRegex, cfg, d.client
	if made.Backend, err = d.models.builder.Build(cfg); err != nil {
		if !d.models.keyless {
			return nil, err
		}
		made.Backend = keyless{err}
	}
	return made, nil
}

// makeRoom forgets the models that nobody has asked for since it was last
// called; where all were, any half of them.
func (m *models) makeRoom() {
	for name, known := range m.byName {
		if !known.used.Swap(false) {
			delete(m.byName, name)
		}
	}
	for name := range m.byName {
		if len(m.byName) <= maxModels/2 {
			return
		}
		delete(m.byName, name)
	}
}

func (m *models) each(f func(*Deployment)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, known := range m.byName {
		f(known.deployment)
	}
}
