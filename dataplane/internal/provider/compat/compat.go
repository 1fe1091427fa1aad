// Package compat serves every vendor that speaks OpenAI's wire. What differs
// between them is data, in shared/catalog; this package turns a row and a
// deployment into requests whose bodies are the client's own bytes with the
// model spliced in.
//
// Where a row has quirks, the member that a quirk is about is edited inside the
// body, and only in requests that have it; answers are edited likewise. Nothing
// is decoded and encoded again as a whole. The package starts no goroutine.
package compat

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/oai"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	defaultTimeout = 600 * time.Second
	// idleTimeout bounds the silence of a response body.
	idleTimeout = 300 * time.Second
)

// Doer sends a request to a vendor.
type Doer interface {
	Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error)
}

// Authorizer adds what proves who calls, where that is no key in a header: a
// token that is fetched and kept.
type Authorizer interface {
	Authorize(ctx context.Context, method, url string, body []byte) ([]upstream.Field, error)
}

// Options are what vendors need that are more than a row.
type Options struct {
	// Authorizer may be nil. Where it is not, the row's own credentials are
	// not sent, and need not be there.
	Authorizer Authorizer
	// URL returns where a surface is called, or "" for one that is not offered.
	// Nil leaves it to the row.
	URL func(provider.Surface) (string, error)
}

// Backend is one deployment at one vendor. It is safe for concurrent use.
type Backend struct {
	doer          Doer
	auth          Authorizer
	slug          string
	model         string
	modelJSON     []byte
	targets       [provider.SurfaceCount]*upstream.Target
	head          *upstream.Head // for JSON
	formHead      *upstream.Head // without a content type
	base          string
	realtime      string // URL, or "" when it is not offered
	fields        []upstream.Field
	timeout       time.Duration
	streamTimeout time.Duration
	streamUsage   bool

	edits  edits
	quirks catalog.RequestQuirks
	answer *answers // nil when answers pass as they are
	rerank catalog.RerankShape

	embedding catalog.EmbeddingShape
}

// New prepares the deployment. It fails when the vendor's base or key is
// missing or malformed; the error holds no secret.
func New(v *catalog.Vendor, cfg provider.Config, doer Doer) (*Backend, error) {
	return NewWith(v, cfg, doer, Options{})
}

// NewWith is New for vendors that need more than a row.
func NewWith(v *catalog.Vendor, cfg provider.Config, doer Doer, o Options) (*Backend, error) {
	b, err := build(v, cfg, doer, o)
	if err != nil {
		return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
	}
	return b, nil
}

func build(v *catalog.Vendor, cfg provider.Config, doer Doer, o Options) (*Backend, error) {
	model := v.UpstreamModel(cfg.Model)
	b := &Backend{
		doer: doer, auth: o.Authorizer, slug: v.Slug, model: model, modelJSON: jsonx.Quote(model), streamUsage: v.StreamUsage, rerank: v.RerankShape,
		timeout: orDefault(cfg.Timeout, defaultTimeout), streamTimeout: orDefault(cfg.StreamTimeout, orDefault(cfg.Timeout, defaultTimeout)),
	}
	if err := b.aim(v, &cfg, o.URL); err != nil {
		return nil, err
	}
	fields, err := head(v, &cfg, o.Authorizer != nil)
	if err != nil {
		return nil, err
	}
	b.fields = fields
	if b.formHead, err = upstream.NewHead(fields...); err == nil {
		b.head, err = upstream.NewHead(withContentType(fields)...)
	}
	if err != nil {
		return nil, fmt.Errorf("extra_headers: %w", err)
	}
	quirks := v.QuirksFor(cfg.Model)
	b.quirks = quirks.Request
	b.answer = newAnswers(&quirks.Answer, v.DisplayPrefix)
	b.edits, err = newEdits(b, v, &cfg)
	return b, err
}

func orDefault(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

func head(v *catalog.Vendor, cfg *provider.Config, authorized bool) ([]upstream.Field, error) {
	fields := []upstream.Field{{Name: "Accept-Encoding", Value: "identity"}}
	set := func(name, value string) {
		fields = slices.DeleteFunc(fields, func(f upstream.Field) bool { return strings.EqualFold(f.Name, name) })
		fields = append(fields, upstream.Field{Name: name, Value: value})
	}
	for _, h := range v.StaticHeaders(cfg.Getenv) {
		set(h.Name, h.Value)
	}
	if !authorized {
		key, err := v.Key(cfg.APIKey, cfg.Getenv)
		if err != nil {
			return nil, err
		}
		for _, h := range v.Credentials(key) {
			set(h.Name, h.Value)
		}
	}
	if cfg.Organization != "" {
		set("OpenAI-Organization", cfg.Organization)
	}
	for name, value := range cfg.Headers {
		set(name, value)
	}
	return fields, nil
}

func withContentType(fields []upstream.Field) []upstream.Field {
	for _, f := range fields {
		if strings.EqualFold(f.Name, "Content-Type") {
			return fields
		}
	}
	return slices.Concat([]upstream.Field{{Name: "Content-Type", Value: "application/json"}}, fields)
}

// Model returns the name by which the vendor knows the deployment.
func (b *Backend) Model() string { return b.model }

// Offers implements provider.Backend.
func (b *Backend) Offers(s provider.Surface) bool {
	return int(s) < len(b.targets) && b.targets[s] != nil
}

// scratch holds what one call needs; it is reused.
type scratch struct {
	changes  []jsonx.Change
	segments [][]byte
	extra    [][]byte
	unknown  []string
	request  upstream.Request
	plan     plan
	member   member
}

var scratches = sync.Pool{New: func() any { return &scratch{} }} //nolint:gochecknoglobals // a pool

// Do sends the call.
func (b *Backend) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	if !b.Offers(call.Surface) {
		return nil, provider.ErrUnsupported
	}
	s, _ := scratches.Get().(*scratch)
	defer s.release()
	if err := b.prepare(s, call); err != nil {
		return nil, err
	}
	resp, err := b.send(ctx, s, call)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < http.StatusBadRequest && s.plan.after != nil {
		return s.plan.after(resp)
	}
	return reply{resp}, nil
}

// prepare fills in the request.
func (b *Backend) prepare(s *scratch, call *provider.Call) error {
	s.request = upstream.Request{Method: http.MethodPost, Target: b.targets[call.Surface], Head: b.head}
	switch {
	case call.ContentType != "":
		s.request.Head, s.request.Fields = b.formHead, []upstream.Field{{Name: "Content-Type", Value: call.ContentType}}
		return b.rewriteForm(s, call)
	case call.Surface == provider.Embeddings && b.embedding != catalog.EmbeddingOpenAI:
		return b.prepareEmbedding(s, call)
	case call.Surface == provider.Rerank:
		return b.prepareRerank(s, call)
	}
	b.plan(call, &s.plan)
	return b.rewrite(s, call)
}

func (b *Backend) send(ctx context.Context, s *scratch, call *provider.Call) (*upstream.Response, error) {
	timeout := b.timeout
	if call.Stream {
		timeout = b.streamTimeout
	}
	if call.Timeout > 0 {
		timeout = call.Timeout
	}
	// A vendor that has begun to answer must go on.
	s.request.Body, s.request.HeaderTimeout, s.request.IdleTimeout = s.segments, timeout, orDefault(call.IdleTimeout, min(timeout, idleTimeout))
	if beta := call.Header["Openai-Beta"]; len(beta) > 0 {
		s.request.Fields = append(s.request.Fields, upstream.Field{Name: "OpenAI-Beta", Value: beta[0]})
	}
	if b.auth != nil {
		proof, err := b.auth.Authorize(ctx, s.request.Method, s.request.Target.String(), nil)
		if err != nil {
			return nil, fmt.Errorf("authorise at %s: %w", b.slug, err)
		}
		s.request.Fields = slices.Concat(s.request.Fields, proof)
	}
	return b.doer.Do(ctx, &s.request)
}

func (s *scratch) release() {
	clear(s.changes)
	clear(s.segments)
	clear(s.extra)
	s.changes, s.segments, s.extra, s.unknown, s.request = s.changes[:0], s.segments[:0], s.extra[:0], s.unknown[:0], upstream.Request{}
	s.plan, s.member = plan{}, member{}
	scratches.Put(s)
}

// Chat implements provider.Backend.
func (b *Backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	switch {
	case b.Offers(provider.ChatCompletions):
		return oai.Chat(ctx, b, call, b.plain(req))
	case b.Offers(provider.Completions):
		return b.complete(ctx, call, req)
	}
	return nil, provider.ErrUnsupported
}

// plain takes out of a request what only those understand who said it: another
// vendor's thoughts, with their signatures, and its own additions. A gateway of
// our kind understands them.
func (b *Backend) plain(req *chat.Request) *chat.Request {
	signed := func(t chat.ToolCall) bool { return t.ProviderFields != nil }
	foreign := func(m chat.Message) bool {
		return m.ThinkingBlocks != nil || m.ProviderFields != nil || m.IsError || slices.ContainsFunc(m.ToolCalls, signed)
	}
	if b.slug == "litellm_proxy" || !slices.ContainsFunc(req.Messages, foreign) {
		return req
	}
	own := *req
	own.Messages = slices.Clone(req.Messages)
	for i := range own.Messages {
		m := &own.Messages[i]
		m.ThinkingBlocks, m.ProviderFields, m.IsError = nil, nil, false
		m.ToolCalls = slices.Clone(m.ToolCalls)
		for j := range m.ToolCalls {
			m.ToolCalls[j].ProviderFields = nil
		}
	}
	return &own
}

// reply is a vendor's response as the pipeline sees it.
type reply struct{ resp *upstream.Response }

func (r reply) Read(p []byte) (int, error) { return r.resp.Read(p) }
func (r reply) Close() error               { return r.resp.Close() }
func (r reply) Status() int                { return r.resp.StatusCode }
func (r reply) Header(name string) string  { return r.resp.Header.Get(name) }
func (r reply) ContentLength() int64       { return r.resp.ContentLength }
