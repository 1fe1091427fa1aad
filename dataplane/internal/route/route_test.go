package route_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/seal"
)

type backend struct{ cfg provider.Config }

func (*backend) Do(context.Context, *provider.Call) (provider.Reply, error) { return nil, nil }

type builder struct{ built []provider.Config }

func (b *builder) Build(cfg provider.Config) (provider.Backend, error) {
	if cfg.Provider == "broken" {
		return nil, errors.New("no such provider")
	}
	b.built = append(b.built, cfg)
	return &backend{cfg}, nil
}

func TestBuild(t *testing.T) {
	t.Parallel()
	box, err := seal.New("salt")
	require.NoError(t, err)
	secrets := func(id string, s contract.Secrets) []byte {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		return box.Seal(string(b), contract.SealPurpose(id))
	}
	var log bytes.Buffer
	b := &builder{}
	env := route.Environment{
		Builder: b, Opener: box, Logger: slog.New(slog.NewJSONHandler(&log, nil)),
		Getenv: func(name string) string { return map[string]string{"HERE": "from-env"}[name] },
	}
	records := []*contract.Deployment{
		{ID: "1", ModelName: "m", Provider: "openai", APIBase: "https://user:pw@host/v1?token=x", Sealed: secrets("1", contract.Secrets{"api_key": "sk-1", contract.SecretHeader + "X-A": "b"})},
		{ID: "2", ModelName: "m", Provider: "openai", Sealed: secrets("2", contract.Secrets{"api_key": contract.EnvReference + "HERE"})},
		{ID: "3", ModelName: "n", Provider: "openai", Sealed: secrets("3", contract.Secrets{"api_key": contract.EnvReference + "ELSEWHERE"})},
		{ID: "4", ModelName: "o", Provider: "broken"},
		{ID: "5", ModelName: "p", Provider: "openai", Sealed: secrets("1", contract.Secrets{"api_key": "stolen"})},
	}
	table := route.Build(env, records, nil)
	require.Equal(t, []string{"m"}, table.Names())
	require.Len(t, table.Group("m").Deployments, 2)
	require.Nil(t, table.Group("n"))
	require.Equal(t, "sk-1", b.built[0].APIKey)
	require.Equal(t, map[string]string{"X-A": "b"}, b.built[0].Headers)
	require.Equal(t, "from-env", b.built[1].APIKey)
	require.Equal(t, "https://host/v1", table.Group("m").Deployments[0].APIBase, "what is shown holds no credentials")
	require.Contains(t, log.String(), "ELSEWHERE")
	require.NotContains(t, log.String(), "sk-1")
	require.NotContains(t, log.String(), "stolen")

	// What did not change is kept; what changed is built anew.
	first := table.Group("m").Deployments
	records[1] = &contract.Deployment{ID: "2", ModelName: "m", Provider: "openai", Model: "other", Sealed: records[1].Sealed}
	again := route.Build(env, records, table).Group("m").Deployments
	require.Same(t, first[0], again[0])
	require.NotSame(t, first[1], again[1])

	picked := map[string]bool{}
	for range 200 {
		picked[table.Group("m").Pick().ID] = true
	}
	require.Len(t, picked, 2)
}
