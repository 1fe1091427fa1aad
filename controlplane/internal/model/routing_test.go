package model_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/seal"
)

func nothing(string) (string, bool) { return "", false }

func parse(t *testing.T, text string) *proxyconfig.Config {
	t.Helper()
	cfg, _, err := proxyconfig.Parse("config.yaml", []byte(text), nothing)
	require.NoError(t, err)
	return cfg
}

func TestDeployment_carries_what_the_router_needs(t *testing.T) {
	t.Parallel()
	box, err := seal.New("salt")
	require.NoError(t, err)
	s := model.New(nil, box, parse(t, `
model_list:
- model_name: gpt
  litellm_params:
    {model: openai/gpt-4o, weight: 2, rpm: 10, order: 1, tags: [paid], region_name: eu, max_parallel_requests: 4, max_retries: 7,
     max_budget: 12.5, budget_duration: 1mo, default_api_key_rpm_limit: 0, default_api_key_tpm_limit: 30,
     cooldown_time: 0, stream_idle_timeout: 20, tag_regex: ["curl"], temperature: 0.5}
  model_info:
    {id: a, rpm: 99, tpm: 1000, base_model: azure/gpt-4o, access_groups: [beta], max_input_tokens: 8000, allowed_fails: 0,
     allowed_fails_policy: {TimeoutErrorAllowedFails: 3}, team_id: t, team_public_model_name: ours}
- {model_name: "*", litellm_params: {model: "*"}, model_info: {id: any}}
- {model_name: "openai/*", litellm_params: {model: "openai/*"}, model_info: {id: openai}}
`), nothing, slog.New(slog.DiscardHandler))

	d, err := s.Deployment(t.Context(), "a", nil)
	require.NoError(t, err)
	got, err := json.Marshal(d.Routing)
	require.NoError(t, err)
	require.JSONEq(t, `{"weight":2,"rpm":10,"tpm":1000,"max_parallel":4,"budget":{"max_nano":12500000000,"duration":"1mo"},"key_rpm":0,"key_tpm":30,"order":1,"tags":["paid"],"tag_regex":["curl"],"region":"eu","access_groups":["beta"],
		"base_model":"azure/gpt-4o","max_input_tokens":8000,"team_id":"t","team_public_name":"ours","num_retries":7,"cooldown_ms":0,"allowed_fails":0,
		"allowed_fails_policy":{"Timeout":3},"stream_idle_timeout_ms":20000}`, string(got))
	require.Equal(t, map[string]json.RawMessage{"temperature": json.RawMessage("0.5")}, d.Params, "what the router reads is not sent to vendors")

	d, err = s.Deployment(t.Context(), "any", nil)
	require.NoError(t, err)
	require.Empty(t, d.Provider, "the name that is asked for says it")
	require.Equal(t, "*", d.Model)
	d, err = s.Deployment(t.Context(), "openai", nil)
	require.NoError(t, err)
	require.Equal(t, "openai", d.Provider)
}

func TestDefaultMaxParallel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		`{general_settings: {max_parallel_requests: 3}}`:                                                       3,
		`{general_settings: {max_parallel_requests: 3}, litellm_settings: {default_max_parallel_requests: 4}}`: 4,
	} {
		require.Equal(t, want, model.RouterSettings(parse(t, text)).DefaultMaxParallel)
	}
}

func TestRouterSettings(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(model.RouterSettings(parse(t, `
litellm_settings:
  num_retries: 4
  request_timeout: 30
  cooldown_time: 9
  expose_router_debug_in_errors: false
  fallbacks: [{a: [b]}]
  context_window_fallbacks: [{a: [{model: c, temperature: 0, api_key: sk-secret, api_base: http://elsewhere}]}]
router_settings:
  routing_strategy: least-busy
  num_retries: 1
  retry_after: 0.5
  retry_policy: {RateLimitErrorRetries: 3}
  tag_filtering_match_any: false
  enable_tag_filtering: true
  optional_pre_call_checks: [enforce_model_rate_limits]
  default_fallbacks: [d]
  model_group_alias: {x: a, y: {model: a, hidden: true}}
`)))
	require.NoError(t, err)
	require.JSONEq(t, `{"v":0,"strategy":"least-busy","num_retries":1,"retry_after_ms":500,"retry_policy":{"RateLimitError":3},"timeout_ms":30000,
		"cooldown_ms":9000,"tag_filtering":true,"tag_match_all":true,"enforce_rate_limits":true,"hide_routing":true,
		"fallbacks":[{"model":"a","to":[{"model":"b"}]}],
		"context_window_fallbacks":[{"model":"a","to":[{"model":"c","merge":{"temperature":0}}]}],
		"default_fallbacks":["d"],"aliases":{"x":{"model":"a"},"y":{"model":"a","hidden":true}}}`, string(got))
}
