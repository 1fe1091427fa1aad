package gemini

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	slug        = "gemini"
	defaultBase = "https://generativelanguage.googleapis.com/v1beta"
)

// Backend is one deployment at Google. It is safe for concurrent use.
type Backend struct {
	*native.Backend

	codec *Codec
	cache *promptCache
}

// New prepares a deployment at the Gemini API. The error holds no secret.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	key := cfg.APIKey
	if key == "" {
		key = cfg.Env("GOOGLE_API_KEY", "GEMINI_API_KEY", "PALM_API_KEY")
	}
	if key == "" {
		return nil, errors.New("no API key: set api_key of the deployment, or GEMINI_API_KEY in the environment of the data plane")
	}
	model := strings.TrimPrefix(cfg.Model, "models/")
	path := "/" + EscapeModel(model)
	if !strings.HasPrefix(model, "tunedModels/") {
		path = "/models" + path
	}
	site := Site{Slug: slug, Model: model, Budgets: NewBudgets(&cfg), Path: func(method string, _ bool) string { return path + ":" + method }}
	return NewAt(&site, Place{
		Config: cfg, Base: base(&cfg), Doer: doer, Fetcher: fetch, CachePath: "/cachedContents", CacheModel: "models/" + model,
		Header: []upstream.Field{{Name: "X-Goog-Api-Key", Value: key}},
	})
}

// EscapeModel writes a model's name, which may come from a client, as a part of
// a path that leads nowhere else.
func EscapeModel(model string) string {
	segments := strings.Split(model, "/")
	for i, s := range segments {
		if strings.Trim(s, ".") == "" {
			s = strings.ReplaceAll(s, ".", "_")
		}
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// base is where the API is; users write the host alone as well.
func base(cfg *provider.Config) string {
	b := cfg.APIBase
	if b == "" {
		b = cfg.Env("GEMINI_API_BASE")
	}
	if b == "" {
		return defaultBase
	}
	b = strings.TrimRight(b, "/")
	if _, path, found := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(b, "https://"), "http://"), "/"); !found || path == "" {
		b += "/v1beta"
	}
	return b
}

// Place is how a site is reached.
type Place struct {
	Config     provider.Config
	Base       string
	Header     []upstream.Field
	Authorizer native.Authorizer
	Doer       native.Doer
	Fetcher    native.Fetcher
	// CachePath is where kept prompts are made and listed, CacheModel the
	// model's name there.
	CachePath, CacheModel string
	// Surfaces are offered beside those of Surfaces, or in place of them.
	Surfaces map[provider.Surface]native.Surface
}

// NewAt prepares a deployment at a site.
func NewAt(site *Site, p Place) (*Backend, error) {
	codec := NewCodec(*site)
	p.Base = strings.TrimRight(p.Base, "/")
	surfaces := Surfaces(site)
	maps.Copy(surfaces, p.Surfaces)
	inner, err := native.New(native.Options{
		Config: p.Config, Base: p.Base, Header: p.Header, Authorizer: p.Authorizer, Chatter: codec, Surfaces: surfaces, Doer: p.Doer, Fetcher: p.Fetcher,
	})
	if err != nil {
		return nil, err
	}
	return &Backend{Backend: inner, codec: codec, cache: newPromptCache(codec, &p)}, nil
}

// Chat implements provider.Backend.
func (b *Backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	if req.ParallelToolCalls != nil && call.DropParams {
		own := *req
		own.ParallelToolCalls = nil
		req = &own
	}
	kept, err := b.cache.use(ctx, call, req)
	if err != nil {
		return nil, err
	}
	if kept != nil {
		answer, err := b.Backend.Chat(ctx, call, kept)
		if !b.cache.gone(kept, err) {
			return answer, explained(err)
		}
	}
	answer, err := b.Backend.Chat(ctx, call, req)
	return answer, explained(err)
}

// explained gives a wrong key the status that it has elsewhere: Google answers
// it with a 400.
func explained(err error) error {
	f, ok := errors.AsType[*provider.Failure](err)
	if !ok || f.Status != http.StatusBadRequest {
		return err
	}
	if strings.Contains(f.Text, "API key not valid") || strings.Contains(f.Text, "API Key not found") || strings.Contains(f.Text, "API key expired") {
		f.Status = http.StatusUnauthorized
	}
	return err
}
