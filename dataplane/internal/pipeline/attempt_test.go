package pipeline_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// pool makes all backends deployments of one group.
func pool(d *contract.Deployment) { d.ModelName = "m" }

func TestDeployment_that_is_used_up_is_passed_over(t *testing.T) {
	t.Parallel()
	backends := byModel{"a": answering("1", "1"), "b": answering("1", "1")}
	l := newLab(t, setup{backends: backends, config: snapshot.Config{Router: contract.RouterSettings{EnforceRateLimits: true, NumRetries: new(0)}}, adjust: func(d *contract.Deployment) {
		pool(d)
		d.RPM = 3
	}})
	key := l.key("k", contract.VirtualKey{Limits: contract.Limits{Rates: contract.Rates{RPM: new(int64(100))}}})
	// What another replica has taken, the router here has not heard of.
	theirs := limits.Of(limits.Owner{Scope: limits.Deployment, Tokens: []string{contract.Token("a-id")}}, &contract.Limits{Rates: contract.Rates{RPM: new(int64(3))}})
	var other quota.Grant
	require.Nil(t, l.engine.Admit(t.Context(), &other, []quota.Demand{{Limit: &theirs.Always[0]}}, quota.Cost{Requests: 3}))
	for range 3 {
		w := l.chat(key)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		require.Equal(t, "b-id", w.Header().Get("X-Tianji-Model-Id"))
		require.Empty(t, w.Header().Get("X-Tianji-Attempted-Retries"), "it is no retry")
	}
	w := l.chat(key)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, kind := said(t, w)
	require.Contains(t, text, "litellm.RateLimitError: Model rate limit exceeded. RPM limit=3, current usage=3")
	require.Equal(t, "throttling_error", kind)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	set := limitsOf(key, contract.Limits{Rates: contract.Rates{RPM: new(int64(100))}})
	require.EqualValues(t, 3, l.used(&set.Always[0]), "who was refused has not used anything")
	require.Len(t, l.ledger.events, 3)
}

func TestDeployment_falls_back_when_used_up(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{
		backends: byModel{"a": answering("1", "1"), "b": answering("1", "1")},
		config: snapshot.Config{Router: contract.RouterSettings{
			NumRetries: new(0), Fallbacks: []contract.Fallback{{Model: "a", To: []contract.FallbackTarget{{Model: "b"}}}},
		}},
		adjust: func(d *contract.Deployment) {
			if d.ID == "a-id" {
				d.Budget = &contract.Budget{MaxNano: 1, Duration: "1d"}
			}
		},
	})
	key := l.key("k", contract.VirtualKey{})
	r := request{key: key, body: strings.Replace(ask, `"m"`, `"a"`, 1)}
	require.Equal(t, "a-id", l.serve(r).Header().Get("X-Tianji-Model-Id"))
	w := l.serve(r)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "b-id", w.Header().Get("X-Tianji-Model-Id"))
	require.Equal(t, "1", w.Header().Get("X-Tianji-Attempted-Fallbacks"))
	r.body = strings.TrimSuffix(r.body, "}") + `,"disable_fallbacks":true}`
	w = l.serve(r)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, kind := said(t, w)
	require.Equal(t, "No deployments available - crossed budget: Exceeded budget for deployment model_name: a, litellm_params.model: openai/a, model_id: a-id: 0.000000001 >= 0.000000001", text)
	require.Equal(t, "None", kind)
}

func TestProvider_budget(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"a": answering("1", "1"), "b": answering("1", "1")}, adjust: func(d *contract.Deployment) {
		pool(d)
		if d.ID == "b-id" {
			d.Provider = "groq"
		}
	}, config: snapshot.Config{Limits: contract.LimitSettings{Providers: map[string]contract.Budget{"openai": {MaxNano: 1, Duration: "1d"}, "groq": {MaxNano: 1, Duration: "1d"}}}}})
	key := l.key("k", contract.VirtualKey{})
	require.Equal(t, http.StatusOK, l.chat(key).Code)
	require.Equal(t, http.StatusOK, l.chat(key).Code, "by the other vendor")
	w := l.chat(master)
	require.Equal(t, http.StatusTooManyRequests, w.Code, "vendors' limits are everybody's")
	text, _ := said(t, w)
	require.Contains(t, text, "No deployments available - crossed budget: Exceeded budget for provider ")
	require.Equal(t, "budget", w.Header().Get("rate_limit_type"))
}

func TestDeployment_parallel_calls(t *testing.T) {
	t.Parallel()
	hold := &holding{scripted: answering("1", "1"), entered: make(chan struct{}, 8), leave: make(chan struct{})}
	l := newLab(t, setup{parallel: true, backends: byModel{"m": hold}, adjust: func(d *contract.Deployment) { d.MaxParallel = 5 }})
	theirs := limits.Of(limits.Owner{Scope: limits.Deployment, Tokens: []string{contract.Token("m-id")}}, &contract.Limits{MaxParallel: new(int64(5))})
	var other quota.Grant
	want := quota.Demand{Limit: &theirs.Always[0]}
	require.Nil(t, l.engine.Admit(t.Context(), &other, []quota.Demand{want, want, want, want}, quota.Cost{}))
	done := make(chan int)
	go func() { done <- l.chat(master).Code }()
	<-hold.entered
	w := l.chat(master)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ := said(t, w)
	require.Contains(t, text, "Rate limit exceeded: max parallel requests for deployment: m. ")
	close(hold.leave)
	require.Equal(t, http.StatusOK, <-done)
	require.Equal(t, http.StatusOK, l.chat(master).Code)
	other.Cancel()
}

// capacity lets each group be called so often.
type capacity struct{ groups map[string]*limits.Limit }

func (c capacity) Demands(buf []quota.Demand, group, _ string) []quota.Demand {
	if l := c.groups[group]; l != nil {
		buf = append(buf, quota.Demand{Limit: l})
	}
	return buf
}

func (capacity) Saturation(string) float64 { return 1 }

func (capacity) Refused(r *quota.Refusal, group, priority string) *apierr.Error {
	return apierr.New(http.StatusTooManyRequests, apierr.TypeThrottling, "Model capacity reached for %s. Priority: %s, Remaining: %d", group, priority, r.Remaining)
}

func TestShares_of_capacity(t *testing.T) {
	t.Parallel()
	groups := map[string]*limits.Limit{}
	for _, g := range []string{"a", "b"} {
		l := limits.New(limits.Group, limits.Requests, limits.Minute, 1, g, contract.Token(g))
		groups[g] = &l
	}
	l := newLab(t, setup{
		backends: byModel{"a": answering("1", "1"), "b": answering("1", "1")}, shares: capacity{groups},
		config: snapshot.Config{Router: contract.RouterSettings{Fallbacks: []contract.Fallback{{Model: "a", To: []contract.FallbackTarget{{Model: "b"}}}}}},
	})
	l.put(contract.TeamKey("t"), contract.Team{ID: "t", Metadata: []byte(`{"priority":"prod"}`)})
	key := l.key("k", contract.VirtualKey{TeamID: "t", Metadata: []byte(`{"priority":"dev"}`)})
	r := request{key: key, body: strings.Replace(ask, `"m"`, `"a"`, 1)}
	for i, id := range []string{"a-id", "b-id"} {
		w := l.serve(r)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		require.Equal(t, id, w.Header().Get("X-Tianji-Model-Id"), "a fallback serves what a group can not")
		require.Equal(t, "prod", w.Header().Get("X-Tianji-Priority"))
		require.Equal(t, []string{"", "1"}[i], w.Header().Get("X-Tianji-Attempted-Fallbacks"))
	}
	w := l.serve(r)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ := said(t, w)
	require.Contains(t, text, "Model capacity reached for a. Priority: prod, Remaining: 0")
	require.Equal(t, "requests", w.Header().Get("rate_limit_type"))
}

func TestKeys_of_a_deployment_have_its_rates(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("1", "1"), "n": answering("1", "1")}, adjust: func(d *contract.Deployment) {
		pool(d)
		d.KeyRPM = new(map[string]int64{"m-id": 5, "n-id": 2}[d.ID])
	}})
	own := contract.Limits{Models: map[string]contract.ModelLimits{"m": {Rates: contract.Rates{RPM: new(int64(3))}}}}
	for i, tc := range []struct {
		limits contract.Limits
		want   int
	}{{contract.Limits{}, 2}, {contract.Limits{}, 2}, {own, 3}} {
		key := l.key(fmt.Sprint("k", i), contract.VirtualKey{Limits: tc.limits})
		for range tc.want {
			require.Equal(t, http.StatusOK, l.chat(key).Code)
		}
		w := l.chat(key)
		require.Equal(t, http.StatusTooManyRequests, w.Code)
		text, _ := said(t, w)
		require.Contains(t, text, "Rate limit exceeded for model_per_key: ")
	}
}
