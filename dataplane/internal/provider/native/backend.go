package native

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	defaultTimeout = 600 * time.Second
	idleTimeout    = 300 * time.Second
	// maxWhole bounds an answer that is not a stream.
	maxWhole = 256 << 20
	// maxTargets bounds the URLs of a deployment that are kept taken apart;
	// they are few, since its model is fixed.
	maxTargets = 32
)

// Options describe a deployment at a vendor.
type Options struct {
	Config provider.Config
	// Base is the scheme, host and path in front of all requests.
	Base string
	// Header goes with every request.
	Header []upstream.Field
	// Authorizer may be nil.
	Authorizer Authorizer
	// Chatter may be nil, for vendors that do not chat.
	Chatter  Chatter
	Surfaces map[provider.Surface]Surface
	Doer     Doer
	// Fetcher is needed by codecs that are Inliners.
	Fetcher Fetcher
}

// Backend is one deployment. It is safe for concurrent use.
type Backend struct {
	opts     Options
	head     *upstream.Head
	forward  *upstream.Head // without a content type: a forwarded request has its own
	defaults defaults
	timeout  time.Duration
	stream   time.Duration // timeout of the head of a stream

	mu      sync.Mutex
	targets map[string]*upstream.Target
}

// New checks what can be checked before the first call: the base and the
// headers. The error holds no secret.
func New(o Options) (*Backend, error) {
	o.Base = strings.TrimRight(o.Base, "/")
	if _, err := upstream.ParseTarget(o.Base); err != nil {
		return nil, fmt.Errorf("api_base: %w", err)
	}
	fields := slices.Concat([]upstream.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept-Encoding", Value: "identity"}}, o.Header)
	for name, value := range o.Config.Headers {
		fields = slices.DeleteFunc(fields, func(f upstream.Field) bool { return strings.EqualFold(f.Name, name) })
		fields = append(fields, upstream.Field{Name: name, Value: value})
	}
	head, err := upstream.NewHead(fields...)
	if err != nil {
		return nil, fmt.Errorf("extra_headers: %w", err)
	}
	forward, err := upstream.NewHead(fields[1:]...)
	if err != nil {
		return nil, fmt.Errorf("extra_headers: %w", err)
	}
	b := &Backend{opts: o, head: head, forward: forward, timeout: orDefault(o.Config.Timeout, defaultTimeout), targets: map[string]*upstream.Target{}}
	b.stream = orDefault(o.Config.StreamTimeout, b.timeout)
	if b.defaults, err = newDefaults(o.Config.Params); err != nil {
		return nil, fmt.Errorf("litellm_params: %w", err)
	}
	return b, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

// Offers implements provider.Backend.
func (b *Backend) Offers(s provider.Surface) bool {
	_, ok := b.opts.Surfaces[s]
	return ok
}

// Do implements provider.Backend.
func (b *Backend) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	surface, ok := b.opts.Surfaces[call.Surface]
	if !ok {
		return nil, provider.ErrUnsupported
	}
	req, err := surface.Encode(call)
	if err != nil {
		return nil, err
	}
	resp, err := b.send(ctx, call, req, call.Stream)
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
	case call.Stream && surface.Stream != nil:
		return surface.Stream(call, reply{resp}), nil
	case !call.Stream && surface.Decode != nil:
		defer func() { _ = resp.Close() }()
		return translate(call, surface, resp)
	}
	return reply{resp}, nil
}

// readAll reads an answer into memory of the length that it announces, which is
// trusted for small ones only.
func readAll(resp *upstream.Response) ([]byte, error) {
	const trusted = 1 << 20
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 {
		b.Grow(int(min(n, trusted)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(resp, maxWhole))
	return b.Bytes(), err
}

func translate(call *provider.Call, surface Surface, resp *upstream.Response) (provider.Reply, error) {
	body, err := readAll(resp)
	if err != nil {
		return nil, err
	}
	translated, err := surface.Decode(call, body)
	if err != nil {
		return nil, provider.BadAnswer("the answer is not what the provider documents", err)
	}
	return &whole{Reader: bytes.NewReader(translated), length: int64(len(translated)), header: resp.Header}, nil
}

// Chat implements provider.Backend.
func (b *Backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	if b.opts.Chatter == nil {
		return nil, provider.ErrUnsupported
	}
	own := *req // the caller may try elsewhere with it
	own.Messages = slices.Clone(req.Messages)
	own.Model = b.opts.Config.Model
	if err := b.defaults.into(&own); err != nil {
		return nil, err
	}
	if err := b.check(call, &own); err != nil {
		return nil, err
	}
	if err := b.inline(ctx, &own); err != nil {
		return nil, err
	}
	x, err := b.opts.Chatter.Chat(&own)
	if err != nil {
		return nil, err
	}
	streams := req.Stream && x.Stream != nil
	resp, err := b.send(ctx, call, &x.Request, streams)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer func() { _ = resp.Close() }()
		return nil, provider.ReadFailure(reply{resp})
	}
	if streams {
		return &provider.Answer{Stream: &stream{resp: resp, frames: frame.NewReader(resp, x.Framing), decoder: x.Stream}, Header: resp.Header.Get}, nil
	}
	defer func() { _ = resp.Close() }()
	return readWhole(x, resp, req.Stream)
}

func readWhole(x *Exchange, resp *upstream.Response, replay bool) (*provider.Answer, error) {
	body, err := readAll(resp)
	if err != nil {
		return nil, err
	}
	w, err := x.Whole(body)
	if err != nil {
		if _, ok := err.(*provider.Failure); ok { //nolint:errorlint // codecs return it as it is
			return nil, err
		}
		return nil, provider.BadAnswer("the answer is not what the provider documents", err)
	}
	a := &provider.Answer{Header: resp.Header.Get}
	if replay {
		a.Stream = provider.Replay(w)
	} else {
		a.Whole = w
	}
	return a, nil
}

func (b *Backend) send(ctx context.Context, call *provider.Call, req *Request, streams bool) (*upstream.Response, error) {
	base := b.opts.Base
	if req.Base != "" {
		base = req.Base
	}
	target, err := b.target(base + req.Path)
	if err != nil {
		return nil, err
	}
	method := req.Method
	if method == "" {
		method = http.MethodPost
	}
	fields := req.Header
	if b.opts.Authorizer != nil {
		proof, err := b.opts.Authorizer.Authorize(ctx, method, base+req.Path, req.Body)
		if err != nil {
			return nil, &provider.CredentialsError{Provider: b.opts.Config.Provider, Cause: err}
		}
		fields = slices.Concat(req.Header, proof)
	}
	timeout := b.timeout
	if streams {
		timeout = b.stream
	}
	if call.Timeout > 0 {
		timeout = call.Timeout
	}
	return b.opts.Doer.Do(ctx, &upstream.Request{
		Method: method, Target: target, Head: b.head, Fields: fields, Body: [][]byte{req.Body}, HeaderTimeout: timeout,
		IdleTimeout: orDefault(call.IdleTimeout, min(timeout, idleTimeout)), // a vendor that has begun to answer must go on
	})
}

// target takes a URL apart, or returns what is known of it.
func (b *Backend) target(url string) (*upstream.Target, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.targets[url]; t != nil {
		return t, nil
	}
	t, err := upstream.ParseTarget(url)
	if err != nil {
		return nil, err
	}
	if len(b.targets) >= maxTargets {
		clear(b.targets)
	}
	b.targets[url] = t
	return t, nil
}
