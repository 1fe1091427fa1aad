package vertex

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// New prepares a deployment at Vertex AI. The error holds no secret.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	m := parseModel(cfg.Model)
	proof, err := newTokens(&cfg, doer)
	if err != nil {
		return nil, err
	}
	d := &deployment{cfg: cfg, doer: doer, fetch: fetch, model: m, place: newPlace(&cfg, m), proof: proof}
	if d.place.project == "" {
		d.place.project = proof.project()
	}
	if d.place.project != "" || d.place.version == "" {
		return d.backend()
	}
	if !proof.ambient() {
		return nil, errNoProject
	}
	at := *d.place
	at.project = "unknown"
	shape := *d
	shape.place = &at
	like, err := shape.backend()
	if err != nil {
		return nil, err
	}
	return &later{deployment: d, like: like}, nil
}

var errNoProject = errors.New("no project: set vertex_project of the deployment, or VERTEXAI_PROJECT in the environment of the data plane")

// deployment is what a backend is made of.
type deployment struct {
	cfg   provider.Config
	doer  native.Doer
	fetch native.Fetcher
	model *model
	place *place
	proof *tokens
}

func (d *deployment) backend() (provider.Backend, error) {
	switch d.model.kind {
	case claude:
		return d.claude()
	case openai, endpoint, mistral, ai21:
		return d.partner()
	case googles:
	}
	return d.google()
}

// google serves Google's own models.
func (d *deployment) google() (provider.Backend, error) {
	p, m := d.place, d.model
	site := gemini.Site{
		Slug: d.cfg.Provider, Model: m.name, Vertex: true, Budgets: gemini.NewBudgets(&d.cfg),
		Path: func(method string, beta bool) string { return p.method(m.resource, method, beta || m.preview()) },
	}
	at := gemini.Place{
		Config: d.cfg, Base: p.base, Authorizer: d.proof, Doer: d.doer, Fetcher: d.fetch,
		CacheModel: p.name() + "/" + m.resource,
	}
	if !p.whole {
		at.CachePath = p.root(true) + "/cachedContents"
	}
	e := embedder{model: m, path: site.Path}
	at.Surfaces = map[provider.Surface]native.Surface{provider.Embeddings: e.surface()}
	inner, err := gemini.NewAt(&site, at)
	if err != nil {
		return nil, err
	}
	return &googleBackend{inner, &e}, nil
}

// later is a deployment whose project only its surroundings know, which are
// asked by the first call: a data plane starts without them.
type later struct {
	deployment *deployment
	like       provider.Backend // what it will be, but for the project

	mu      sync.Mutex
	backend provider.Backend
}

// Offers implements provider.Backend.
func (l *later) Offers(s provider.Surface) bool { return l.like.Offers(s) }

// Do implements provider.Backend.
func (l *later) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	b, err := l.ready(ctx)
	if err != nil {
		return nil, err
	}
	return b.Do(ctx, call)
}

// Chat implements provider.Backend.
func (l *later) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	b, err := l.ready(ctx)
	if err != nil {
		return nil, err
	}
	return b.Chat(ctx, call, req)
}

func (l *later) ready(ctx context.Context) (provider.Backend, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.backend != nil {
		return l.backend, nil
	}
	if _, err := l.deployment.proof.token(ctx); err != nil {
		return nil, fmt.Errorf("authorise at %s: %w", l.deployment.cfg.Provider, err)
	}
	project := l.deployment.proof.project()
	if project == "" {
		return nil, errNoProject
	}
	l.deployment.place.project = project
	b, err := l.deployment.backend()
	if err == nil {
		l.backend = b
	}
	return b, err
}
