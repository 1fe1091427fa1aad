package publish_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// record reads one value of a bucket.
func (p *plane) record(t *testing.T, bucket, name string) string {
	t.Helper()
	kv, err := p.js.KeyValue(t.Context(), bucket)
	require.NoError(t, err)
	entry, err := kv.Get(t.Context(), name)
	require.NoError(t, err)
	return string(entry.Value())
}

func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	return v
}

func TestLimits_reach_the_bus(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	p := newPlane(t, pgtest.New(t, "controlplane", migrate), server, names)
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	p.store.OnCommit(p.publisher.Changes)
	master := caller.Caller{Master: true}

	request := decoded[key.Request](t, `{"key":"sk-limited","rpm_limit":1,"tpd_limit":0,"soft_budget":0.5,"max_budget":1,"budget_duration":"7d",
		"model_rpm_limit":{"gpt":2},"tpm_limit_type":"dynamic","allowed_cache_controls":["no-store"]}`)
	made, err := p.keys.Generate(t.Context(), master, &request)
	require.NoError(t, err)
	got := decoded[map[string]json.RawMessage](t, p.record(t, names.PrincipalsBucket(), contract.VirtualKeyKey(made.Token)))
	require.JSONEq(t, `{"rpm":1,"tpd":0,"soft_budget_nano":500000000,"soft_duration":"7d","budgets":[{"max_nano":1000000000,"duration":"7d"}],
		"models":{"gpt":{"rpm":2}},"tokens_type":"dynamic"}`, string(got["limits"]))
	require.JSONEq(t, `["no-store"]`, string(got["cache_controls"]))

	budget := decoded[tier.Request](t, `{"budget_id":"gold","rpm_limit":9,"tpm_limit":7}`)
	_, err = tier.New(p.store).New(t.Context(), master, &budget)
	require.NoError(t, err)
	request = decoded[key.Request](t, `{"key":"sk-gold","rpm_limit":1,"budget_id":"gold"}`)
	made, err = p.keys.Generate(t.Context(), master, &request)
	require.NoError(t, err)
	got = decoded[map[string]json.RawMessage](t, p.record(t, names.PrincipalsBucket(), contract.VirtualKeyKey(made.Token)))
	require.JSONEq(t, `{"rpm":1,"tpm":7}`, string(got["limits"]), "the key comes before its tier")

	owners := decoded[team.Request](t, `{"team_id":"t","rph_limit":5}`)
	_, err = team.New(p.store).New(t.Context(), master, &owners)
	require.NoError(t, err)
	require.JSONEq(t, `{"v":1,"id":"t","limits":{"rph":5}}`, p.record(t, names.PrincipalsBucket(), contract.TeamKey("t")))
	someone := decoded[user.Request](t, `{"user_id":"u","max_parallel_requests":3,"auto_create_key":false}`)
	_, err = user.New(p.store, p.keys).New(t.Context(), master, &someone)
	require.NoError(t, err)
	require.JSONEq(t, `{"v":1,"id":"u","limits":{"max_parallel":3}}`, p.record(t, names.PrincipalsBucket(), contract.UserKey("u")))
}

func TestLimit_settings_reach_the_bus(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	p := newPlane(t, pgtest.New(t, "controlplane", migrate), server, names)
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	log := slog.New(slog.DiscardHandler)
	settings := publish.Settings{Limits: contract.LimitSettings{FailClosed: true, Customers: &contract.Limits{Rates: contract.Rates{RPM: new(int64(9))}}}}
	var tier *contract.Limits
	reconcile := func() string {
		models := model.New(p.store, nil, &proxyconfig.Config{}, nil, log)
		require.NoError(t, publish.New(p.store, models, settings, p.js, names, log, prometheus.NewRegistry()).Reconcile(t.Context()))
		return p.record(t, names.ConfigBucket(), contract.KeyLimitSettings)
	}
	require.JSONEq(t, `{"v":1,"fail_closed":true,"customers":{"rpm":9}}`, reconcile())
	settings.CustomerLimits = func(context.Context) (*contract.Limits, error) { return tier, nil }
	require.JSONEq(t, `{"v":1,"fail_closed":true,"customers":{"rpm":9}}`, reconcile(), "there is no such budget")
	tier = &contract.Limits{Budgets: []contract.Budget{{MaxNano: 1}}}
	require.JSONEq(t, `{"v":1,"fail_closed":true,"customers":{"budgets":[{"max_nano":1}]}}`, reconcile())
}
