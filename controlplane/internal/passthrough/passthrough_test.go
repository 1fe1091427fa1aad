package passthrough_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/seal"
)

const file = `
environment_variables: {FROM_FILE: in-the-file}
general_settings:
  pass_through_endpoints:
  - path: /v1/ours
    target: https://api.example.com/rank
    headers: {Authorization: "bearer os.environ/KEY", X-File: "a os.environ/FROM_FILE", X-Later: os.environ/SET_ELSEWHERE}
    default_query_params: {v: "1"}
    cost_per_request: 0.0025
    auth: true
  - {path: /v1/private, target: "https://user:password@api.example.com", auth: true, methods: [GET]}
  - {path: /v1/rerank, target: "https://api.example.com", auth: true}
  - {path: /v1/plain, target: "https://api.example.com", auth: false}
`

func TestSettings(t *testing.T) {
	t.Parallel()
	lookup := func(name string) (string, bool) { return "sk-vendor", name == "KEY" }
	cfg, _, err := proxyconfig.Parse("config.yaml", []byte(file), lookup)
	require.NoError(t, err)
	box, err := seal.New("salt")
	require.NoError(t, err)
	var log bytes.Buffer
	routes := passthrough.New(cfg, box, lookup, slog.New(slog.NewTextHandler(&log, nil)))
	require.Contains(t, log.String(), "path=/v1/rerank")
	require.NotContains(t, log.String(), "/v1/ours")

	first, err := routes.Settings(nil)
	require.NoError(t, err)
	text, err := json.Marshal(first)
	require.NoError(t, err)
	for _, hidden := range []string{"sk-vendor", "in-the-file", "password", "bearer"} {
		require.NotContains(t, string(text), hidden)
	}
	require.Len(t, first.Endpoints, 4)
	e := first.Endpoints[0]
	require.EqualValues(t, 2_500_000, *e.CostNano)
	require.Equal(t, map[string]string{
		"extra_headers.Authorization": "bearer sk-vendor", "extra_headers.X-File": "a in-the-file", "extra_headers.X-Later": "os.environ/SET_ELSEWHERE",
		"default_query_params.v": "1",
	}, open(t, box, &e))
	require.Empty(t, first.Endpoints[1].Target)
	require.Equal(t, map[string]string{"target": "https://user:password@api.example.com"}, open(t, box, &first.Endpoints[1]))
	require.Empty(t, first.Endpoints[3].Sealed)

	again, err := routes.Settings(first)
	require.NoError(t, err)
	require.Equal(t, first, again, "the same routes render to the same bytes")
}

func open(t *testing.T, box *seal.Box, e *contract.PassThrough) map[string]string {
	t.Helper()
	plain, err := box.Open(e.Sealed, contract.PassThroughPurpose(e.Path))
	require.NoError(t, err)
	var secrets map[string]string
	require.NoError(t, json.Unmarshal([]byte(plain), &secrets))
	return secrets
}
