package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// TestConfigFor: what a request brings, and what of the deployment stays.
func TestConfigFor(t *testing.T) {
	t.Parallel()
	takes := func(params ...contract.ClientParam) func(*contract.Deployment) {
		return func(d *contract.Deployment) {
			d.ClientParams, d.APIBase, d.Organization = params, "https://ours.example/v1", "org"
		}
	}
	k := newKit(t, nil,
		dep("none", "none"), dep("key", "key", takes(contract.ClientParam{Name: "api_key"})),
		dep("both", "both", takes(contract.ClientParam{Name: "api_key"}, contract.ClientParam{Name: "api_base", Pattern: `https://[a-z]+\.example/`})),
		dep("aws", "aws", takes(contract.ClientParam{Name: "api_base"}), func(d *contract.Deployment) { d.Provider = "bedrock" }),
		dep("bad", "bad", takes(contract.ClientParam{Name: "api_base", Pattern: "("})),
	)
	require.Nil(t, k.table.Deployment("bad"))
	brings := route.Client{APIKey: "sk-mine", APIBase: "https://theirs.example/v1", APIVersion: "2"}
	for _, tc := range []struct {
		id         string
		brings     route.Client
		everywhere bool
		ok         bool
		base, key  string
		foreign    bool
		refused    bool
	}{
		{id: "none", brings: brings},
		{id: "none", brings: brings, everywhere: true, ok: true, base: "https://theirs.example/v1", key: "sk-mine", foreign: true},
		{id: "key", brings: brings, ok: true, base: "https://ours.example/v1", key: "sk-mine"},
		{id: "key", brings: route.Client{APIBase: "https://theirs.example/v1"}},
		{id: "both", brings: brings, ok: true, base: "https://theirs.example/v1", key: "sk-mine", foreign: true},
		{id: "both", brings: route.Client{APIBase: "https://theirs.example/v1"}, ok: true, base: "https://theirs.example/v1", foreign: true},
		{id: "both", brings: route.Client{APIBase: "https://ours.example/v1", APIKey: "sk-mine"}, ok: true, base: "https://ours.example/v1", key: "sk-mine"},
		{id: "both", brings: route.Client{APIBase: "http://theirs.example/v1"}, refused: true},
		{id: "both", brings: route.Client{APIBase: "https://user@theirs.example/v1"}, refused: true},
		{id: "both", brings: route.Client{APIBase: "https://a.example/https://b.example/"}, ok: true, base: "https://a.example/https://b.example/", foreign: true},
		{id: "aws", brings: brings, refused: true},
		{id: "none", brings: route.Client{}, everywhere: true},
	} {
		cfg, foreign, ok, err := k.table.Deployment(tc.id).ConfigFor(tc.brings, tc.everywhere)
		require.Equal(t, tc.refused, err != nil, "%+v: %v", tc, err)
		require.Equal(t, tc.ok, ok, "%+v", tc)
		if !ok {
			continue
		}
		require.Equal(t, tc.base, cfg.APIBase, "%+v", tc)
		require.Equal(t, tc.key, cfg.APIKey, "%+v", tc)
		require.Equal(t, tc.foreign, foreign, "%+v", tc)
		if foreign {
			require.Empty(t, cfg.Organization)
			require.Empty(t, cfg.Getenv("ANY"))
			require.Equal(t, map[string]string{"api_key": tc.key}, cfg.Secrets)
		}
	}
}
