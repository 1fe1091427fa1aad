package limit_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// now is a Friday.
var now = time.Date(2026, time.November, 20, 13, 30, 0, 0, time.UTC)

// apply changes a key by a body, as /key/update would.
func apply(t *testing.T, k *db.VerificationToken, body string) error {
	t.Helper()
	var f limit.Fields
	require.NoError(t, json.Unmarshal([]byte(body), &f), body)
	return f.ApplyLimits(limit.OfKey(k), limit.Rules{Types: limit.KeyTypes(), Metadata: true, Now: now})
}

func rendered(t *testing.T, k *db.VerificationToken) string {
	t.Helper()
	b, err := json.Marshal(limit.OfKey(k).Limits())
	require.NoError(t, err)
	return string(b)
}

func TestLimits_are_what_was_asked_for(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`: `{}`,
		`{"rpm_limit":1,"tpm_limit":2,"rph_limit":3,"tph_limit":4,"rpd_limit":5,"tpd_limit":6,"max_parallel_requests":7}`: `{"rpm":1,"tpm":2,"rph":3,"tph":4,"rpd":5,"tpd":6,"max_parallel":7}`,
		`{"rpm_limit":0,"tpm_limit":null}`:                                     `{"rpm":0}`,
		`{"rpm_limit":"10","tpm_limit":1e3,"rpd_limit":2.0}`:                   `{"rpm":10,"tpm":1000,"rpd":2}`,
		`{"max_budget":"","soft_budget":0.1}`:                                  `{"soft_budget_nano":100000000}`,
		`{"max_budget":"1.5","budget_duration":"30d"}`:                         `{"budgets":[{"max_nano":1500000000,"duration":"30d"}]}`,
		`{"max_budget":0.0000000004,"soft_budget":0.000,"budget_duration":""}`: `{"budgets":[{"max_nano":1}],"soft_budget_nano":0}`,
		`{"max_budget":3,"budget_limits":[{"budget_duration":"24h","max_budget":0.1},{"max_budget":"9","budget_duration":"1mo","reset_at":null}]}`:              `{"budgets":[{"max_nano":3000000000},{"max_nano":100000000,"duration":"24h"},{"max_nano":9000000000,"duration":"1mo"}]}`,
		`{"model_max_budget":{"a":{"budget_limit":1,"time_period":"1d"},"b":{"max_budget":2,"budget_duration":"1h","rpm_limit":3},"c":{"tpm_limit":4},"d":{}}}`: `{"models":{"a":{"budget":{"max_nano":1000000000,"duration":"1d"}},"b":{"rpm":3,"budget":{"max_nano":2000000000,"duration":"1h"}},"c":{"tpm":4}}}`,
		`{"model_max_budget":{"a":{"rpm_limit":1,"tpm_limit":2}},"model_rpm_limit":{"a":5,"b":0,"c":null},"model_tpm_limit":{"b":7}}`:                           `{"models":{"a":{"rpm":5,"tpm":2},"b":{"rpm":0,"tpm":7}}}`,
		`{"rpm_limit_type":"guaranteed_throughput","tpm_limit_type":"dynamic"}`:                                                                                 `{"requests_type":"guaranteed_throughput","tokens_type":"dynamic"}`,
		`{"max_budget":1,"temp_budget_increase":0.5,"temp_budget_expiry":"2026-12-01"}`:                                                                         `{"budgets":[{"max_nano":1000000000,"increase_nano":500000000,"until":"2026-12-01T00:00:00Z"}]}`,
		`{"max_budget":1,"temp_budget_increase":2,"temp_budget_expiry":"2026-12-01T10:00:00+02:00"}`:                                                            `{"budgets":[{"max_nano":1000000000,"increase_nano":2000000000,"until":"2026-12-01T08:00:00Z"}]}`,
		`{"temp_budget_increase":2,"temp_budget_expiry":"2026-12-01T10:00:00.25"}`:                                                                              `{}`,
	} {
		var k db.VerificationToken
		require.NoError(t, apply(t, &k, body), body)
		require.JSONEq(t, want, rendered(t, &k), body)
	}
}

func TestLimits_are_refused_as_LiteLLM_does(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"rpm_limit":-1}`:    `{"error":{"message":"rpm_limit cannot be negative. Received: -1","type":"bad_request_error","param":"None","code":"400"}}`,
		`{"rpm_limit":"ten"}`: `{"detail":[{"type":"int_parsing","loc":["body","rpm_limit"],"msg":"Input should be a valid integer, unable to parse string as an integer"}]}`,
	} {
		refusal, ok := errors.AsType[*apierr.Error](apply(t, &db.VerificationToken{}, body))
		require.True(t, ok, body)
		require.JSONEq(t, want, string(refusal.JSON()))
	}
	for status, bodies := range map[int]map[string]string{
		http.StatusBadRequest: {
			`{"max_parallel_requests":-2}`:    "max_parallel_requests cannot be negative. Received: -2",
			`{"max_budget":-0.5}`:             "max_budget cannot be negative. Received: -0.5",
			`{"soft_budget":-1}`:              "soft_budget cannot be negative. Received: -1",
			`{"max_budget":-1e-12}`:           "max_budget cannot be negative. Received: -0.000000001",
			`{"max_budget":4000000000.1}`:     "max_budget is out of range: it can be up to 4000000000 dollars",
			`{"max_budget":1e300}`:            "max_budget is out of range",
			`{"budget_duration":"1y"}`:        `unknown unit \"y\"`,
			`{"budget_duration":"9999999mo"}`: "too long",
			`{"budget_limits":[{"budget_duration":"1d","max_budget":1},{"budget_duration":"1d","max_budget":2}]}`: "budget_limits: there are two for 1d",
			`{"max_budget":1,"budget_duration":"1d","budget_limits":[{"budget_duration":"1d","max_budget":2}]}`:   "budget_limits: there is a max_budget for 1d already",
			`{"budget_limits":[{"budget_duration":"soon","max_budget":1}]}`:                                       "invalid duration",
			`{"budget_limits":[{},{},{},{},{},{},{},{},{},{},{}]}`:                                                "budget_limits: there can be 10 of them, received 11",
			`{"model_max_budget":{"gpt":{"budget_limit":-1}}}`:                                                    "Invalid model_max_budget: gpt: budget_limit cannot be negative. Received: -1. Example",
			`{"model_max_budget":{"gpt":5}}`:                                                                      "Invalid model_max_budget: gpt: value: Input should be a valid dictionary",
			`{"model_max_budget":{"gpt":{"budget_limit":1,"time_period":"x"}}}`:                                   "Invalid model_max_budget: gpt: invalid duration",
			`{"model_max_budget":{"":{"rpm_limit":1}}}`:                                                           "a model has no name",
			`{"model_rpm_limit":{"gpt":-1}}`:                                                                      "model_rpm_limit.gpt cannot be negative. Received: -1",
			`{"temp_budget_increase":-1,"temp_budget_expiry":"2026-12-01"}`:                                       "temp_budget_increase cannot be negative. Received: -1",
		},
		http.StatusUnprocessableEntity: {
			`{"tpm_limit":1.5}`:                                          `"type":"int_from_float","loc":["body","tpm_limit"]`,
			`{"tpd_limit":true}`:                                         `"type":"int_type"`,
			`{"rph_limit":[]}`:                                           `"type":"int_type"`,
			`{"rpm_limit":9007199254740993}`:                             `"type":"less_than_equal"`,
			`{"rpm_limit":1e400}`:                                        `"type":"less_than_equal"`,
			`{"max_budget":{}}`:                                          `"type":"float_type","loc":["body","max_budget"]`,
			`{"max_budget":"much"}`:                                      `"type":"float_parsing"`,
			`{"budget_duration":30}`:                                     `"type":"string_type","loc":["body","budget_duration"]`,
			`{"budget_limits":{}}`:                                       `"type":"list_type"`,
			`{"budget_limits":[1]}`:                                      `"type":"dict_type","loc":["body","budget_limits","0"]`,
			`{"budget_limits":[{"max_budget":1}]}`:                       `"type":"missing","loc":["body","budget_limits","0","budget_duration"]`,
			`{"model_max_budget":[]}`:                                    `"type":"dict_type"`,
			`{"model_rpm_limit":5}`:                                      `"type":"dict_type","loc":["body","model_rpm_limit"]`,
			`{"model_tpm_limit":{"gpt":"x"}}`:                            `"loc":["body","model_tpm_limit","gpt"]`,
			`{"rpm_limit_type":"loose"}`:                                 `"type":"literal_error","loc":["body","rpm_limit_type"],"msg":"Input should be 'guaranteed_throughput', 'best_effort_throughput' or 'dynamic'"`,
			`{"temp_budget_increase":1}`:                                 `"msg":"Value error, temp_budget_increase and temp_budget_expiry must be set together"`,
			`{"temp_budget_increase":1,"temp_budget_expiry":"tomorrow"}`: `"type":"datetime_parsing","loc":["body","temp_budget_expiry"]`,
		},
	} {
		for body, text := range bodies {
			err := apply(t, &db.VerificationToken{}, body)
			refusal, ok := errors.AsType[*apierr.Error](err)
			require.True(t, ok, "%s: %v", body, err)
			require.Equal(t, status, refusal.Status, body)
			require.Contains(t, string(refusal.JSON()), text, body)
		}
	}
}

func TestLimits_of_an_update_are_those_that_were_sent(t *testing.T) {
	t.Parallel()
	var k db.VerificationToken
	k.Metadata = json.RawMessage(`{"team":"core"}`)
	require.NoError(t, apply(t, &k, `{"rpm_limit":1,"tpm_limit":2,"max_budget":3,"budget_duration":"1d","budget_limits":[{"budget_duration":"7d","max_budget":9}],
		"model_max_budget":{"a":{"rpm_limit":1}},"model_rpm_limit":{"b":2},"temp_budget_increase":1,"temp_budget_expiry":"2026-12-01"}`))
	before := rendered(t, &k)
	require.NoError(t, apply(t, &k, `{}`))
	require.JSONEq(t, before, rendered(t, &k))

	require.NoError(t, apply(t, &k, `{"rpm_limit":null,"budget_duration":null,"budget_limits":null,"model_max_budget":null,"temp_budget_increase":null,"temp_budget_expiry":null}`))
	require.JSONEq(t, `{"tpm":2,"budgets":[{"max_nano":3000000000}],"models":{"b":{"rpm":2}}}`, rendered(t, &k))
	require.JSONEq(t, `{"team":"core","model_rpm_limit":{"b":2}}`, string(k.Metadata))
}

func TestView_has_LiteLLMs_names(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`: `{"tpm_limit":null,"rpm_limit":null,"max_parallel_requests":null,"max_budget":null,"soft_budget":null,"budget_duration":null,
			"budget_reset_at":null,"budget_limits":null,"model_max_budget":{}}`,
		`{"rpm_limit":1,"rpd_limit":0,"max_budget":1.5,"soft_budget":0.25,"budget_duration":"7d","budget_limits":[{"budget_duration":"24h","max_budget":"10.50"}],
			"model_max_budget":{"a":{"budget_limit":0.5,"time_period":"1d"}}}`: `{"tpm_limit":null,"rpm_limit":1,"rpd_limit":0,"max_parallel_requests":null,
			"max_budget":1.5,"soft_budget":0.25,"budget_duration":"7d","budget_reset_at":"2026-11-23T00:00:00Z",
			"budget_limits":[{"budget_duration":"24h","max_budget":10.5,"reset_at":"2026-11-21T00:00:00Z"}],
			"model_max_budget":{"a":{"budget_limit":0.5,"time_period":"1d"}}}`,
	} {
		var k db.VerificationToken
		require.NoError(t, apply(t, &k, body))
		got, err := json.Marshal(limit.OfKey(&k).View(now))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
}

// FuzzFields looks for limits that data planes can not count.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		`{"rpm_limit":1,"max_budget":"2","budget_duration":"1d"}`, `{"budget_limits":[{"budget_duration":"7d","max_budget":9}]}`,
		`{"model_max_budget":{"a":{"budget_limit":1,"time_period":"1d"}},"model_tpm_limit":{"a":1e2}}`, `{"tpm_limit":"0x1p-2","rpm_limit":"inf"}`,
		`{"temp_budget_increase":1,"temp_budget_expiry":"2026-12-01"}`, `{"rpm_limit_type":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var fields limit.Fields
		if json.Unmarshal(body, &fields) != nil {
			return
		}
		var k db.VerificationToken
		if err := fields.ApplyLimits(limit.OfKey(&k), limit.Rules{Types: limit.KeyTypes(), Now: now}); err != nil {
			refusal, ok := errors.AsType[*apierr.Error](err)
			require.True(t, ok, err)
			require.True(t, json.Valid(refusal.JSON()))
			return
		}
		l := limit.OfKey(&k).Limits()
		for _, b := range l.Budgets {
			require.GreaterOrEqual(t, b.MaxNano, int64(0))
			require.GreaterOrEqual(t, b.MaxNano+b.IncreaseNano, b.MaxNano)
		}
		for model := range l.Models {
			require.NotEmpty(t, model)
		}
		for _, n := range []*int64{l.RPM, l.TPM, l.RPH, l.TPH, l.RPD, l.TPD, l.MaxParallel, l.SoftBudgetNano} {
			require.True(t, n == nil || *n >= 0)
		}
		_, err := json.Marshal(limit.OfKey(&k).View(now))
		require.NoError(t, err)
		require.True(t, json.Valid(k.Metadata) && json.Valid(k.BudgetLimits) && json.Valid(k.ModelMaxBudget))
	})
}
