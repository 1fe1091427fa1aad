package standing_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool/pooltest"
	"github.com/tianjillm/tianjillm/controlplane/internal/standing"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

const plain = "sk-some-key-0123"

type kit struct {
	*pooltest.Bus

	t      *testing.T
	s      *standing.Service
	server *natstest.Server
}

func newKit(t *testing.T) *kit {
	t.Helper()
	server := natstest.Start(t, pooltest.Options(t))
	b := pooltest.New(t, server)
	return &kit{Bus: b, t: t, s: standing.New(b.JS, b.Names, b.Pool), server: server}
}

func (k *kit) put(bucket, key string, record any) {
	k.t.Helper()
	kv, err := k.JS.KeyValue(k.t.Context(), bucket)
	require.NoError(k.t, err)
	value, err := json.Marshal(record)
	require.NoError(k.t, err)
	_, err = kv.Put(k.t.Context(), key, value)
	require.NoError(k.t, err)
}

func (k *kit) show(kind, id string) map[string]any {
	k.t.Helper()
	a, err := k.s.Show(k.t.Context(), caller.Caller{Master: true}, kind, id)
	require.NoError(k.t, err)
	b, err := json.Marshal(a)
	require.NoError(k.t, err)
	var m map[string]any
	require.NoError(k.t, json.Unmarshal(b, &m))
	return m
}

func (k *kit) status(who caller.Caller, kind, id string) int {
	k.t.Helper()
	begin := time.Now()
	_, err := k.s.Show(k.t.Context(), who, kind, id)
	require.Less(k.t, time.Since(begin), 3*time.Second)
	if err == nil {
		return http.StatusOK
	}
	return apierr.Public(err).Status
}

func present(t *testing.T, l *limits.Limit) pool.Counter {
	t.Helper()
	if l.Unit == limits.Parallel {
		return pool.Counter{Class: l.Window.Class(), Key: l.Key}
	}
	start, _ := l.Window.Bounds(time.Now())
	return pool.Counter{Class: l.Window.Class(), Key: l.Key, Start: start.Unix()}
}

func TestShow_what_is_used_leased_and_by_whom(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	record := &contract.VirtualKey{Hash: ident.HashKey(plain), Name: "sk-...0123", UserID: "u", Limits: contract.Limits{
		Rates: contract.Rates{RPD: new(int64(100))}, MaxParallel: new(int64(5)), Budgets: []contract.Budget{{MaxNano: 10e9}},
		Models: map[string]contract.ModelLimits{"gpt": {Rates: contract.Rates{TPM: new(int64(50))}}},
	}}
	k.put(k.Names.PrincipalsBucket(), contract.VirtualKeyKey(record.Hash), record)
	set := limits.OfKey(record)
	day, parallel, money, model := present(t, &set.Always[0]), present(t, &set.Always[1]), present(t, &set.Always[2]), present(t, &set.Models["gpt"][0])
	one, two := k.Join("one"), k.Join("two")
	one.Lease(day, 60)
	one.Set(day, contract.LimitHolder{Leased: 10, Reserved: 5})
	two.Lease(day, 30)
	two.Set(day, contract.LimitHolder{Leased: 20, Refused: 2})
	one.Set(parallel, contract.LimitHolder{Leased: 1, Reserved: 2})
	one.Lease(money, 4e9)
	one.Spend(money, 3e9)
	// Each owns 12 beforehand: one has used 10 of them, two has seen nothing.
	one.Set(model, contract.LimitHolder{Leased: 2, Share: 12})

	got := k.show("key", plain)
	require.Equal(t, record.Hash, got["id"])
	all := got["limits"].([]any)
	require.Len(t, all, 4)
	_, midnight := limits.Day.Bounds(time.Now())
	require.Equal(t, map[string]any{
		"scope": "api_key", "name": "sk-...0123", "unit": "requests", "window": "1d", "max": 100.0, "used": 55.0, "leased": 30.0, "reserved": 5.0, "remaining": 40.0,
		"resets_at": midnight.Format(time.RFC3339), "replicas": []any{
			map[string]any{"replica": "one", "leased": 10.0, "reserved": 5.0, "refused": 0.0},
			map[string]any{"replica": "two", "leased": 20.0, "reserved": 0.0, "refused": 2.0},
		},
	}, all[0])
	require.Equal(t, map[string]any{
		"scope": "api_key", "name": "sk-...0123", "unit": "max_parallel_requests", "window": nil, "max": 5.0, "used": 2.0, "leased": 1.0, "reserved": 2.0, "remaining": 3.0,
		"resets_at": nil, "replicas": []any{map[string]any{"replica": "one", "leased": 1.0, "reserved": 2.0, "refused": 0.0}},
	}, all[1])
	require.Equal(t, map[string]any{
		"scope": "api_key", "name": "sk-...0123", "unit": "budget", "window": nil, "max": 10.0, "used": 3.0, "leased": 1.0, "reserved": 0.0, "remaining": 7.0,
		"resets_at": nil, "replicas": []any{map[string]any{"replica": "one", "leased": 1.0, "reserved": 0.0, "refused": 0.0}},
	}, all[2])
	byModel := all[3].(map[string]any)
	require.Equal(t, []any{"gpt", 10.0, 2.0, 40.0}, []any{byModel["model"], byModel["used"], byModel["leased"], byModel["remaining"]})

	two.Mute(true)
	one.Degrade(true)
	first := k.show("key", record.Hash)["limits"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"one", "two"}, first["degraded"])

	owner, err := k.s.Show(t.Context(), caller.Caller{UserID: "u"}, "key", plain)
	require.NoError(t, err)
	require.Nil(t, owner.Limits[0].Replicas)
	require.Nil(t, owner.Limits[0].Degraded)
	require.NotNil(t, owner.Limits[0].Used)
}

func TestShow_finds_everybody(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	one := contract.Limits{Rates: contract.Rates{RPM: new(int64(1))}}
	budget := contract.Budget{MaxNano: 1e9, Duration: "1d"}
	bucket := k.Names.PrincipalsBucket()
	k.put(bucket, contract.UserKey("u/1"), contract.User{ID: "u/1", Limits: one})
	k.put(bucket, contract.TeamKey("t"), contract.Team{ID: "t", Limits: one})
	k.put(bucket, contract.OrgKey("o"), contract.Organization{ID: "o", Limits: one})
	k.put(bucket, contract.CustomerKey("c"), contract.Customer{ID: "c", Limits: one})
	k.put(bucket, contract.CustomerKey("plain"), contract.Customer{ID: "plain"})
	k.put(bucket, contract.TagKey("g"), contract.Tag{Name: "g", Limits: contract.Limits{Budgets: []contract.Budget{budget}}})
	k.put(bucket, contract.TagKey("rates"), contract.Tag{Name: "rates", Limits: one})
	k.put(bucket, contract.TeamKey("gone"), contract.Team{Head: contract.Head{Deleted: true}})
	k.put(k.Names.ConfigBucket(), contract.KeyLimitSettings, contract.LimitSettings{
		Proxy: one, Priorities: &contract.Priorities{Shares: map[string]contract.Share{"prod": {Type: "percent", Value: 0.5}}, Default: 0.5}, Customers: &contract.Limits{Budgets: []contract.Budget{budget}},
		Providers: map[string]contract.Budget{"openai": budget}, Tags: map[string]contract.Budget{"g": budget, "rates": budget, "set": budget},
	})
	k.put(k.Names.ConfigBucket(), contract.KeyRouterSettings, contract.RouterSettings{EnforceRateLimits: true})
	for _, id := range []string{"d1", "d2"} {
		k.put(k.Names.ConfigBucket(), contract.DeploymentKey(id), contract.Deployment{ID: id, ModelName: "openai/gpt", Routing: contract.Routing{RPM: 5, Budget: &budget}})
	}
	for _, c := range []struct {
		kind, id string
		want     []string // scope and unit
	}{
		{"user", "u/1", []string{"user requests"}},
		{"team", "t", []string{"team requests"}},
		{"organization", "o", []string{"organization requests"}},
		{"customer", "c", []string{"end_user requests"}},
		{"customer", "plain", []string{"end_user budget"}},
		{"customer", "whoever", []string{"end_user budget"}},
		{"tag", "g", []string{"tag budget"}},
		{"tag", "rates", []string{"tag requests", "tag budget"}},
		{"tag", "set", []string{"tag budget"}},
		{"provider", "openai", []string{"provider budget"}},
		{"proxy", "all", []string{"proxy requests"}},
		{"model", "d1", []string{"deployment requests", "deployment budget"}},
		{"model", "openai/gpt", []string{
			"deployment requests", "deployment budget", "deployment requests", "deployment budget",
			"model_group requests", "priority_model requests", "priority_model requests",
		}},
	} {
		var got []string
		for _, l := range k.show(c.kind, c.id)["limits"].([]any) {
			l := l.(map[string]any)
			got = append(got, l["scope"].(string)+" "+l["unit"].(string))
			require.EqualValues(t, 0, l["used"])
			require.Equal(t, l["max"], l["remaining"])
		}
		require.Equal(t, c.want, got, c)
	}
	master := caller.Caller{Master: true}
	for kind, id := range map[string]string{"key": "sk-unknown-1", "team": "gone", "user": "nobody", "model": "none", "provider": "none", "tag": "none", "organization": "none"} {
		require.Equal(t, http.StatusNotFound, k.status(master, kind, id), kind)
	}
	require.Equal(t, http.StatusBadRequest, k.status(master, "planet", "earth"))
	require.Equal(t, http.StatusOK, k.status(caller.Caller{UserID: "u/1"}, "user", "u/1"))
	require.Equal(t, http.StatusForbidden, k.status(caller.Caller{UserID: "other", KeyHash: "x"}, "user", "u/1"))
	require.Equal(t, http.StatusForbidden, k.status(caller.Caller{KeyHash: "x"}, "user", ""))
	require.Equal(t, http.StatusOK, k.status(caller.Caller{TeamID: "t"}, "team", "t"))
	require.Equal(t, http.StatusForbidden, k.status(caller.Caller{TeamID: "t", UserID: "c"}, "customer", "c"))
	require.Equal(t, http.StatusForbidden, k.status(caller.Caller{TeamID: "t"}, "proxy", "all"))
}

func TestShow_while_NATS_is_away(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.put(k.Names.PrincipalsBucket(), contract.TeamKey("t"), contract.Team{ID: "t", Limits: contract.Limits{Rates: contract.Rates{RPM: new(int64(1)), RPD: new(int64(1))}}})
	require.NoError(t, k.JS.DeleteStream(t.Context(), k.Names.LimitStream("m")))
	all := k.show("team", "t")["limits"].([]any)
	first, second := all[0].(map[string]any), all[1].(map[string]any)
	require.Nil(t, first["used"])
	require.NotEmpty(t, first["unknown"])
	require.EqualValues(t, 0, second["used"], "what can be known is told")
	k.server.Stop()
	require.Equal(t, http.StatusServiceUnavailable, k.status(caller.Caller{Master: true}, "team", "t"))
}
