package pipeline_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/price"
)

// unrecorded is a backend that keeps no calls.
type unrecorded struct{ *scripted }

func (u *unrecorded) Do(context.Context, *provider.Call) (provider.Reply, error) {
	return &reply{script: u.scripted, pieces: slices.Clone(u.pieces)}, nil
}

// holding is a backend that answers when it is let.
type holding struct {
	*scripted

	entered, leave chan struct{}
}

func (h *holding) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	h.entered <- struct{}{}
	select {
	case <-h.leave:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return h.scripted.Do(ctx, call)
}

// flipping is a backend that fails when it is told to.
type flipping struct {
	good, bad *scripted
	fail      atomic.Bool
}

func (f *flipping) now() *scripted {
	if f.fail.Load() {
		return f.bad
	}
	return f.good
}

func (f *flipping) Offers(s provider.Surface) bool { return f.good.Offers(s) }

func (f *flipping) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	return f.now().Do(ctx, call)
}

func (f *flipping) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return f.now().Chat(ctx, call, req)
}

func rate(tb testing.TB, litellm string) *price.Rate {
	tb.Helper()
	r, _, problems := price.ParseLiteLLM([]byte(litellm))
	require.Empty(tb, problems)
	return r
}
