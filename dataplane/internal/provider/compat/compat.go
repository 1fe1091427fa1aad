// Package compat serves every vendor that speaks OpenAI's wire. What differs
// between them is data, in shared/catalog; this package turns a row and a
// deployment into requests whose bodies are the client's own bytes with the
// model spliced in.
package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/apierr"
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

// Backend is one deployment at one vendor. It is safe for concurrent use.
type Backend struct {
	doer          Doer
	slug          string
	model         string
	modelJSON     []byte
	targets       [provider.Embeddings + 1]*upstream.Target
	head          *upstream.Head
	timeout       time.Duration
	streamTimeout time.Duration
	streamUsage   bool
	actions       map[string]action
}

// action is what happens to a member of the request body.
type action struct {
	drop        bool
	unsupported bool
	rename      []byte // with quotes
	to          string
}

// New prepares the deployment. It fails when the vendor's base or key is
// missing or malformed; the error holds no secret.
func New(v *catalog.Vendor, cfg provider.Config, doer Doer) (*Backend, error) {
	model := v.UpstreamModel(cfg.Model)
	b := &Backend{
		doer: doer, slug: v.Slug, model: model, modelJSON: jsonx.Quote(model), streamUsage: v.StreamUsage,
		timeout: orDefault(cfg.Timeout, defaultTimeout), streamTimeout: orDefault(cfg.StreamTimeout, orDefault(cfg.Timeout, defaultTimeout)),
	}
	base, err := v.Base(cfg.APIBase, cfg.Model, cfg.Getenv)
	if err != nil {
		return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
	}
	for surface, path := range map[provider.Surface]string{
		provider.ChatCompletions: v.Paths.Chat, provider.Completions: v.Paths.Completions, provider.Embeddings: v.Paths.Embeddings,
	} {
		if path == "" {
			continue
		}
		raw, err := v.URL(base, path)
		if err != nil {
			return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
		}
		if b.targets[surface], err = upstream.ParseTarget(raw); err != nil {
			return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
		}
	}
	if b.head, err = head(v, cfg); err != nil {
		return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
	}
	b.actions = actions(v.EditsFor(cfg.Model), cfg.Params)
	return b, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

func head(v *catalog.Vendor, cfg provider.Config) (*upstream.Head, error) {
	key, err := v.Key(cfg.APIKey, cfg.Getenv)
	if err != nil {
		return nil, err
	}
	fields := []upstream.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept-Encoding", Value: "identity"}}
	set := func(name, value string) {
		fields = slices.DeleteFunc(fields, func(f upstream.Field) bool { return strings.EqualFold(f.Name, name) })
		fields = append(fields, upstream.Field{Name: name, Value: value})
	}
	for _, h := range v.StaticHeaders(cfg.Getenv) {
		set(h.Name, h.Value)
	}
	for _, h := range v.Credentials(key) {
		set(h.Name, h.Value)
	}
	if cfg.Organization != "" {
		set("OpenAI-Organization", cfg.Organization)
	}
	for name, value := range cfg.Headers {
		set(name, value)
	}
	h, err := upstream.NewHead(fields...)
	if err != nil {
		return nil, fmt.Errorf("extra_headers: %w", err)
	}
	return h, nil
}

// controls are members of a request that speak to the gateway and not to the
// vendor.
func controls() []string {
	return []string{
		"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "disable_fallbacks", "num_retries", "timeout", "stream_timeout",
		"cache", "caching", "guardrails", "priority", "tags", "litellm_metadata", "litellm_session_id", "litellm_trace_id", "drop_params",
		"mock_response", "mock_latency_ms", "mock_chunks", "mock_chunk_interval_ms", "mock_status", "mock_retry_after", "mock_close_after_chunks",
		"mock_garbage", "mock_tool_calls", "mock_usage", "mock_testing_fallbacks", "mock_testing_context_fallbacks",
		"mock_testing_content_policy_fallbacks", "mock_testing_rate_limit_error", "mock_timeout", "mock_delay",
		"api_key", "api_base", "api_version", "base_url",
	}
}

func actions(edits catalog.Edits, params map[string]json.RawMessage) map[string]action {
	dropUnsupported := string(params["drop_params"]) == "true"
	all := map[string]action{}
	for _, name := range controls() {
		all[name] = action{drop: true}
	}
	for _, name := range edits.Unsupported {
		all[name] = action{drop: dropUnsupported, unsupported: !dropUnsupported}
	}
	for _, name := range edits.Drops {
		all[name] = action{drop: true}
	}
	for _, r := range edits.Renames {
		all[r.From] = action{rename: jsonx.Quote(r.To), to: r.To}
	}
	return all
}

// Model returns the name by which the vendor knows the deployment.
func (b *Backend) Model() string { return b.model }

// scratch holds what one call needs; it is reused.
type scratch struct {
	changes  []jsonx.Change
	segments [][]byte
	extra    [1][]byte
	request  upstream.Request
}

var scratches = sync.Pool{New: func() any { return &scratch{} }} //nolint:gochecknoglobals // a pool

// Do sends the call.
func (b *Backend) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	target := b.targets[call.Surface]
	if target == nil {
		return nil, provider.ErrUnsupported
	}
	s, _ := scratches.Get().(*scratch)
	defer s.release()
	if err := b.rewrite(s, call); err != nil {
		return nil, err
	}
	timeout := b.timeout
	if call.Stream {
		timeout = b.streamTimeout
	}
	if call.Timeout > 0 {
		timeout = call.Timeout
	}
	s.request = upstream.Request{
		Method: http.MethodPost, Target: target, Head: b.head, Body: s.segments, HeaderTimeout: timeout, IdleTimeout: idleTimeout,
	}
	resp, err := b.doer.Do(ctx, &s.request)
	if err != nil {
		return nil, err
	}
	return reply{resp}, nil
}

func (s *scratch) release() {
	clear(s.changes)
	clear(s.segments)
	s.changes, s.segments, s.extra, s.request = s.changes[:0], s.segments[:0], [1][]byte{}, upstream.Request{}
	scratches.Put(s)
}

// usageOption asks for the usage of a stream.
const (
	usageOption = `"stream_options":{"include_usage":true}`
	usageMember = `"include_usage":true`
)

func (b *Backend) rewrite(s *scratch, call *provider.Call) error {
	addUsage := call.AddUsage && call.Stream && b.streamUsage
	for i := range call.Members {
		m := &call.Members[i]
		name := string(m.Name)
		switch {
		case name == "model":
			s.changes = append(s.changes, jsonx.Change{Index: i, Value: b.modelJSON})
			continue
		case name == "stream_options" && addUsage:
			addUsage = false
			if value := withUsage(m.Value.Of(call.Body)); value != nil {
				s.changes = append(s.changes, jsonx.Change{Index: i, Value: value})
			}
			continue
		}
		act, ok := b.actions[name]
		switch {
		case !ok:
		case act.unsupported:
			return unsupported(b.slug, name, b.model)
		case act.drop:
			s.changes = append(s.changes, jsonx.Change{Index: i, Drop: true})
		default:
			s.changes = append(s.changes, jsonx.Change{Index: i, Name: act.rename, Drop: call.Lookup(act.to) != nil})
		}
	}
	extra := s.extra[:0]
	if addUsage {
		extra = append(extra, []byte(usageOption))
	}
	s.segments = jsonx.Rewrite(s.segments, call.Body, call.Members, s.changes, extra...)
	return nil
}

// withUsage adds include_usage to the client's stream_options, or returns nil
// when they are no object and so the vendor's to refuse.
func withUsage(options []byte) []byte {
	if jsonx.IsNull(options) {
		return []byte("{" + usageMember + "}")
	}
	members, err := jsonx.Members(nil, options)
	if err != nil {
		return nil
	}
	var changes []jsonx.Change
	for i, m := range members {
		if string(m.Name) == "include_usage" {
			changes = append(changes, jsonx.Change{Index: i, Drop: true})
		}
	}
	return slices.Concat(jsonx.Rewrite(nil, options, members, changes, []byte(usageMember))...)
}

func unsupported(slug, param, model string) error {
	return apierr.New(http.StatusBadRequest, "", "litellm.UnsupportedParamsError: %s does not support parameters: ['%s'], for model=%s. "+
		"To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n", slug, param, model)
}

// reply is a vendor's response as the pipeline sees it.
type reply struct{ resp *upstream.Response }

func (r reply) Read(p []byte) (int, error) { return r.resp.Read(p) }
func (r reply) Close() error               { return r.resp.Close() }
func (r reply) Status() int                { return r.resp.StatusCode }
func (r reply) Header(name string) string  { return r.resp.Header.Get(name) }
func (r reply) ContentLength() int64       { return r.resp.ContentLength }
