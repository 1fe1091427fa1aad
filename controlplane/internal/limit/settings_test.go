package limit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		``: `{"v":0}`,
		`
general_settings:
  limits_fail: closed
  token_rate_limit_type: input
  global_max_parallel_requests: 100
  rpm_limit: 1000
  tpd_limit: 5
  max_end_user_budget: 7
  split_batches: true
  disable_batch_input_file_rate_limiting: true
litellm_settings:
  max_budget: 100.25
  budget_duration: 30d
  max_end_user_budget: 0.5
  tag_budget_config: {"product:chat": {max_budget: 10, budget_duration: 1d}}
  provider_budget_config: {anthropic: {budget_limit: 3}}
router_settings:
  provider_budget_config: {openai: {budget_limit: 0.1, time_period: 1d}, vertex_ai_beta: {max_budget: 2, budget_duration: 12d}}
`: `{"v":0,"fail_closed":true,"token_type":"input","proxy":{"rpm":1000,"tpd":5,"max_parallel":100,"budgets":[{"max_nano":100250000000,"duration":"30d"}]},
	"customers":{"budgets":[{"max_nano":500000000}]},"split_batches":true,"free_batches":true,
	"tags":{"product:chat":{"max_nano":10000000000,"duration":"1d"}},
	"providers":{"openai":{"max_nano":100000000,"duration":"1d"},"vertex_ai":{"max_nano":2000000000,"duration":"12d"}}}`,
		`{litellm_settings: {callbacks: [dynamic_rate_limiter_v3]}}`:                                                                                              `{"v":0,"priorities":{"default":1,"saturation":0.5}}`,
		`{litellm_settings: {priority_reservation_settings: {default_priority: 0.1}}}`:                                                                            `{"v":0}`,
		`{litellm_settings: {priority_reservation: {prod: 0.75, dev: {type: rpm, value: 10}}}}`:                                                                   `{"v":0,"priorities":{"shares":{"prod":{"type":"percent","value":0.75},"dev":{"type":"rpm","value":10}},"default":0.5,"saturation":0.5}}`,
		`{litellm_settings: {priority_reservation: {prod: 3, dev: {value: 1}}, priority_reservation_settings: {default_priority: 0, saturation_threshold: 0.8}}}`: `{"v":0,"priorities":{"shares":{"prod":{"type":"percent","value":0.75},"dev":{"type":"percent","value":0.25}},"default":0,"saturation":0.8}}`,
	} {
		cfg, _, err := proxyconfig.Parse("config.yaml", []byte(file), func(string) (string, bool) { return "", false })
		require.NoError(t, err, file)
		got, err := json.Marshal(limit.Settings(cfg))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), file)
	}
}

func TestCustomerBudgetID(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		``: "",
		`{general_settings: {max_end_user_budget_id: a}}`:                                                 "a",
		`{general_settings: {max_end_user_budget_id: a}, litellm_settings: {max_end_user_budget_id: 17}}`: "17",
	} {
		cfg, _, err := proxyconfig.Parse("config.yaml", []byte(file), func(string) (string, bool) { return "", false })
		require.NoError(t, err)
		require.Equal(t, want, limit.CustomerBudgetID(cfg))
	}
}
