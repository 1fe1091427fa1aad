package compat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// aim finds out where the surfaces are called.
func (b *Backend) aim(v *catalog.Vendor, cfg *provider.Config, at func(provider.Surface) (string, error)) error {
	base, err := v.Base(cfg.APIBase, cfg.Model, cfg.Getenv)
	if err != nil {
		return err
	}
	b.base = base
	if at == nil {
		at = rowURL(v, base, cfg.Model)
		if err := b.aimRow(v, base, cfg.Model); err != nil {
			return err
		}
	}
	for i := range b.targets {
		raw, err := at(provider.Surface(i))
		if err != nil {
			return err
		}
		if raw == "" {
			continue
		}
		if b.targets[i], err = upstream.ParseTarget(raw); err != nil {
			return err
		}
	}
	return nil
}

// aimRow finds out what a row says beside the surfaces' URLs.
func (b *Backend) aimRow(v *catalog.Vendor, base, model string) (err error) {
	if v.Paths.Embeddings != "" {
		if _, b.embedding, err = v.EmbeddingURL(base, model); err != nil {
			return err
		}
	}
	if v.Paths.Realtime != "" {
		b.realtime, err = v.URL(base, v.Paths.Realtime)
	}
	return err
}

// rowURL is where a row says that its surfaces are.
func rowURL(v *catalog.Vendor, base, model string) func(provider.Surface) (string, error) {
	dir := ""
	if v.ModelDir != nil {
		dir, _ = v.ModelDir(model)
	}
	return func(s provider.Surface) (string, error) {
		path := Path(&v.Paths, s)
		switch {
		case path == "":
			return "", nil
		case s == provider.Rerank:
			return v.RerankURL(base, v.UpstreamModel(model))
		case s == provider.Embeddings && dir == "":
			where, _, err := v.EmbeddingURL(base, model)
			return where, err
		}
		return v.URL(base, dir+path)
	}
}

// Path returns the path of a surface, or "" when it is not offered.
func Path(p *catalog.Paths, s provider.Surface) string {
	switch s {
	case provider.ChatCompletions:
		return p.Chat
	case provider.Completions:
		return p.Completions
	case provider.Embeddings:
		return p.Embeddings
	case provider.Responses:
		return p.Responses
	case provider.ImageGenerations:
		return p.ImageGenerations
	case provider.ImageEdits:
		return p.ImageEdits
	case provider.ImageVariations:
		return p.ImageVariations
	case provider.Speech:
		return p.Speech
	case provider.Transcriptions:
		return p.Transcriptions
	case provider.Translations:
		return p.Translations
	case provider.Moderations:
		return p.Moderations
	case provider.Rerank:
		return p.Rerank
	default: // other vendors' own
		return ""
	}
}

// Realtime implements provider.Realtime.
func (b *Backend) Realtime(ctx context.Context) (where string, header http.Header, err error) {
	if b.realtime == "" {
		return "", nil, provider.ErrUnsupported
	}
	u, err := url.Parse(b.realtime)
	if err != nil {
		return "", nil, provider.ErrUnsupported
	}
	header = http.Header{}
	for _, f := range b.fields {
		header.Set(f.Name, f.Value)
	}
	header.Del("Accept-Encoding")
	if b.auth != nil {
		proof, err := b.auth.Authorize(ctx, http.MethodGet, b.realtime, nil)
		if err != nil {
			return "", nil, fmt.Errorf("authorise at %s: %w", b.slug, err)
		}
		for _, f := range proof {
			header.Set(f.Name, f.Value)
		}
	}
	u.Scheme = map[string]string{"https": "wss", "http": "ws"}[u.Scheme]
	query := u.Query()
	query.Set("model", b.model)
	u.RawQuery = query.Encode()
	return u.String(), header, nil
}

// Root implements provider.Forwarder.
func (b *Backend) Root() string { return upstream.Root(b.base) }

// Forward implements provider.Forwarder.
func (b *Backend) Forward(ctx context.Context, f *provider.Forward) (provider.Reply, error) {
	where, err := join(b.base, f.Path)
	if err != nil {
		return nil, err
	}
	target, err := upstream.ParseTarget(where)
	if err != nil {
		return nil, err
	}
	fields := make([]upstream.Field, 0, len(f.Header))
	for _, h := range f.Header {
		own := func(f upstream.Field) bool { return strings.EqualFold(f.Name, h.Name) }
		if !slices.ContainsFunc(b.fields, own) { // the deployment's win: an organization, a version
			fields = append(fields, upstream.Field{Name: h.Name, Value: h.Value})
		}
	}
	if b.auth != nil {
		proof, err := b.auth.Authorize(ctx, f.Method, target.String(), nil)
		if err != nil {
			return nil, err
		}
		fields = slices.Concat(fields, proof)
	}
	timeout := b.timeout
	if f.Timeout > 0 {
		timeout = f.Timeout
	}
	req := &upstream.Request{
		Method: f.Method, Target: target, Head: b.formHead, Fields: fields, Stream: f.Body, StreamLength: f.Length,
		HeaderTimeout: timeout, IdleTimeout: idleTimeout,
	}
	switch {
	case f.Whole != nil:
		req.Body, req.Stream, req.StreamLength = [][]byte{f.Whole}, nil, 0
	case f.Body == nil || f.Length == 0:
		req.Stream, req.StreamLength = nil, 0
	}
	resp, err := b.doer.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	return reply{resp}, nil
}

// join puts a path behind a base and keeps the query of both.
func join(base, path string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", provider.ErrUnsupported
	}
	query := u.RawQuery
	u.RawQuery, u.Fragment = "", ""
	joined, err := url.Parse(upstream.JoinRoot(u.String(), path))
	if err != nil || joined.Host != u.Host {
		return "", provider.ErrUnsupported
	}
	if query != "" && joined.RawQuery != "" {
		query += "&"
	}
	joined.RawQuery = query + joined.RawQuery
	return joined.String(), nil
}
