package brought_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/brought"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// builder remembers what it was asked to build.
type builder struct{ built []provider.Config }

type backend struct{ provider.Backend }

func (b *builder) Build(cfg provider.Config) (provider.Backend, error) {
	b.built = append(b.built, cfg)
	if cfg.APIKey == "bad" {
		return nil, errors.New("no")
	}
	return &backend{}, nil
}

// A key that a request brings does not lead a guarded deployment elsewhere.
func TestBackend_guarded(t *testing.T) {
	t.Parallel()
	own, foreign := &builder{}, &builder{}
	table := route.Build(route.Environment{Builder: &builder{}, Guarded: &builder{}, Logger: slog.New(slog.DiscardHandler)}, []*contract.Deployment{{
		ID: "d", ModelName: "m", Provider: "openai", Model: "gpt", Guarded: true, ClientParams: []contract.ClientParam{{Name: "api_key"}},
	}}, nil, nil)
	made, err := brought.New(own, foreign).Backend(table.Deployment("d"), route.Client{APIKey: "1"}, false)
	require.NoError(t, err)
	require.NotNil(t, made)
	require.Empty(t, own.built)
	require.Len(t, foreign.built, 1)
}

func TestBackend(t *testing.T) {
	t.Parallel()
	own, foreign := &builder{}, &builder{}
	table := route.Build(route.Environment{Builder: &builder{}, Logger: slog.New(slog.DiscardHandler)}, []*contract.Deployment{{
		ID: "d", ModelName: "m", Provider: "openai", Model: "gpt", APIBase: "https://ours.example", ClientParams: []contract.ClientParam{{Name: "api_key"}},
	}}, nil, nil)
	d := table.Deployment("d")
	b := brought.New(own, foreign)

	nothing, err := b.Backend(d, route.Client{APIBase: "https://theirs.example"}, false)
	require.NoError(t, err)
	require.Nil(t, nothing)
	first, err := b.Backend(d, route.Client{APIKey: "1"}, false)
	require.NoError(t, err)
	again, err := b.Backend(d, route.Client{APIKey: "1"}, false)
	require.NoError(t, err)
	require.Same(t, first, again)
	elsewhere, err := b.Backend(d, route.Client{APIKey: "1", APIBase: "https://theirs.example"}, true)
	require.NoError(t, err)
	require.NotSame(t, first, elsewhere)
	require.Len(t, own.built, 1)
	require.Len(t, foreign.built, 1)
	_, err = b.Backend(d, route.Client{APIKey: "bad"}, false)
	var public *apierr.Error
	require.ErrorAs(t, err, &public)
	require.Equal(t, 400, public.Status)

	// What is used stays, what is not goes.
	for i := range 1000 {
		_, err := b.Backend(d, route.Client{APIKey: fmt.Sprint("key", i)}, false)
		require.NoError(t, err)
		again, err = b.Backend(d, route.Client{APIKey: "1"}, false)
		require.NoError(t, err)
		require.Same(t, first, again)
	}
	made := len(own.built)
	_, err = b.Backend(d, route.Client{APIKey: "key0"}, false)
	require.NoError(t, err)
	require.Len(t, own.built, made+1)
}
