package mock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/oai"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	echoModel = "echo"
	fixedText = "This is a mock response."
	// garbageBody looks like a page with a piece of JSON in it.
	garbageBody = "<html><head><title>Bad Gateway</title></head><body>data: {\"choices\": [</body></html>\n"
)

// backend answers for one deployment.
type backend struct {
	model    []byte // as a JSON string
	echo     bool
	defaults options
	// Bounds on the wait for the head, of a plain and of a streamed response.
	timeout, streamTimeout time.Duration
	buffers                sync.Pool
}

// New returns the backend of a deployment. It fails when an option of the
// deployment is out of bounds.
func New(cfg provider.Config) (provider.Backend, error) {
	b := &backend{
		model:         jsonx.Quote(cfg.Model),
		echo:          cfg.Model == echoModel,
		defaults:      options{closeAfter: never},
		timeout:       cfg.Timeout,
		streamTimeout: cfg.StreamTimeout,
	}
	b.buffers.New = func() any { return new(buffer) }
	if cfg.MockResponse != nil {
		b.defaults.setText(*cfg.MockResponse)
	}
	for name, value := range cfg.Params {
		if bad := b.defaults.set([]byte(name), bytes.TrimSpace(value)); bad != nil {
			return nil, fmt.Errorf("mock provider: %w", bad)
		}
	}
	return b, nil
}

// Offers implements provider.Backend.
func (b *backend) Offers(s provider.Surface) bool { return s <= provider.Embeddings }

// Chat implements provider.Backend.
func (b *backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return oai.Chat(ctx, b, call, req)
}

// Do answers a call.
func (b *backend) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	if call.Surface > provider.Embeddings {
		return nil, provider.ErrUnsupported
	}
	req := request{call: call, options: b.defaults}
	bad := req.read()
	if err := b.waitForHead(ctx, call, req.latency); err != nil {
		return nil, err
	}
	if bad != nil {
		return b.fail(ctx, &req, badRequest(bad)), nil
	}
	if f, failing := req.failure(); failing {
		return b.fail(ctx, &req, f), nil
	}
	return b.answer(ctx, &req), nil
}

func (b *backend) answer(ctx context.Context, req *request) provider.Reply {
	streamed := req.call.Stream && req.call.Surface != provider.Embeddings
	switch {
	case req.garbage:
		return b.garbage(ctx, req, streamed)
	case req.object != nil && !streamed:
		r := b.reply(ctx, req)
		r.write(append(r.buf.b, req.object...))
		return r
	case req.call.Surface == provider.Embeddings:
		return b.embeddings(ctx, req)
	}
	if req.object != nil {
		req.unpackObject()
	}
	a := b.compose(req)
	if streamed {
		return b.stream(ctx, req, &a)
	}
	r := b.reply(ctx, req)
	if a.surface == provider.Completions {
		r.write(b.appendCompletion(r.buf.b, &a))
	} else {
		r.write(b.appendChat(r.buf.b, &a))
	}
	return r
}

// garbage is what a broken proxy in front of a vendor sends.
func (b *backend) garbage(ctx context.Context, req *request, streamed bool) *reply {
	r := b.reply(ctx, req)
	r.write(append(r.buf.b, garbageBody...))
	if streamed {
		r.contentType, r.length = eventStream, -1
	}
	return r
}

func (b *backend) waitForHead(ctx context.Context, call *provider.Call, latency time.Duration) error {
	limit := call.Timeout
	if limit <= 0 && call.Stream {
		limit = b.streamTimeout
	}
	if limit <= 0 {
		limit = b.timeout
	}
	late := limit > 0 && latency > limit
	if late {
		latency = limit
	}
	if latency > 0 {
		timer := time.NewTimer(latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	if late {
		return fmt.Errorf("mock provider: no response head in time: %w", context.DeadlineExceeded)
	}
	return nil
}

// cancelled matches both the context's own error and its cause.
func cancelled(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return fmt.Errorf("mock provider: %w", cause)
	}
	return fmt.Errorf("mock provider: %w: %w", err, cause)
}
