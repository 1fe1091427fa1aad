package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/route"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		allowed []string
		path    string
		want    bool
	}{
		{nil, "/anything", true},
		{[]string{"/chat/completions"}, "/chat/completions", true},
		{[]string{"/chat"}, "/chat/completions", true},
		{[]string{"/chat"}, "/chatter", false},
		{[]string{"/"}, "/chat", false},
		{[]string{"/key/*"}, "/key/info", true},
		{[]string{"/key/*"}, "/key", false},
		{[]string{"/v1/chat*"}, "/v1/chat/completions", true},
		{[]string{"*"}, "/anything", true},
		{[]string{"/model/{id}/update"}, "/model/m/update", true},
		{[]string{"/model/{id}/update"}, "/model//update", false},
		{[]string{"/model/{id}/update"}, "/model/m/delete", false},
		{[]string{"/model/{id}/update"}, "/model/m/update/more", false},
		{[]string{"/model/{id}/update"}, "/model/m", false},
		{[]string{"llm_api_routes"}, "/v1/embeddings", true},
		{[]string{"llm_api_routes"}, "/openai/deployments/x/chat/completions", true},
		{[]string{"llm_api_routes"}, "/anthropic/v1/messages", true},
		{[]string{"llm_api_routes"}, "/v1beta/models/gemini-pro:generateContent", true},
		{[]string{"llm_api_routes"}, "/v1/responses/resp_1/cancel", true},
		{[]string{"llm_api_routes"}, "/v1/audio/speech", true},
		{[]string{"llm_api_routes"}, "/model/info", true},
		{[]string{"llm_api_routes"}, "/model/new", false},
		{[]string{"llm_api_routes"}, "/key/generate", false},
		{[]string{"openai_routes"}, "/openai/v1/models", false},
		{[]string{"anthropic_routes"}, "/v1/messages/batches/b/results", true},
		{[]string{"anthropic_routes"}, "/v1/chat/completions", false},
		{[]string{"management_routes"}, "/v1/chat/completions", false},
		{[]string{"management_routes"}, "/key/k/regenerate", true},
		{[]string{"management_routes"}, "/spend/logs", true},
		{[]string{"management_routes"}, "/spend/calculate", false},
		{[]string{"info_routes"}, "/key/info", true},
		{[]string{"info_routes"}, "/key/delete", false},
		{[]string{"info_routes", "/key/delete"}, "/key/delete", true},
		{[]string{"self_managed_routes"}, "/model/m/update", true},
		{[]string{"public_routes"}, "/health/readiness", true},
		{[]string{"global_spend_tracking_routes"}, "/global/spend/keys", true},
		{[]string{"no_such_group"}, "/chat/completions", false},
		{[]string{""}, "/x", false},
	} {
		r := policy.NewRoutes(tc.allowed)
		require.Equal(t, tc.want, r.Allow(tc.path), "%v %s", tc.allowed, tc.path)
	}
}

// A key for all that calls models reaches the routes of the config file too.
func TestRoutes_of_the_config_file(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]bool{"": true, "llm_api_routes": true, "openai_routes": false, "/mine": true, "info_routes llm_api_routes": true} {
		r := policy.NewRoutes(strings.Fields(list))
		require.Equal(t, want, r.AllowPassThrough("/mine/x"), list)
	}
}

// What calls a model or a vendor is in the group for it, and nothing else is:
// a new route can not be forgotten.
func TestLLM_routes_are_a_group(t *testing.T) {
	t.Parallel()
	llm, public := policy.NewRoutes([]string{"llm_api_routes"}), policy.NewRoutes([]string{"public_routes"})
	for _, r := range route.Table() {
		path := strings.NewReplacer("*", "x", ":model", "m", ":id", "i").Replace(r.Path)
		switch r.Access {
		case route.LLM:
			require.True(t, llm.Allow(path), "%s is not in llm_api_routes", r.Path)
		case route.Public:
			require.True(t, public.Allow(path), r.Path)
		case route.AnyKey:
		default:
			require.False(t, llm.Allow(path), "%s is in llm_api_routes", r.Path)
		}
	}
	require.Contains(t, policy.Groups(), "llm_api_routes")
}

func TestRoutes_need_no_allocation(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	narrow := policy.NewRoutes([]string{"llm_api_routes", "/mine/*", "/model/{id}/update"})
	rules := policy.NewRules([]string{"llm_api_routes"}, []string{"/key/*"})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if !narrow.Allow("/v1/chat/completions") || narrow.Allow("/key/generate") || rules.Check("/v1/chat/completions", false) != nil {
			panic("a wrong answer")
		}
	}))
}

func BenchmarkRoutes(b *testing.B) {
	narrow := policy.NewRoutes([]string{"llm_api_routes"})
	b.ReportAllocs()
	for b.Loop() {
		if !narrow.Allow("/v1/chat/completions") {
			b.Fatal("refused")
		}
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add("/model/{id}/update", "/model/m/update")
	f.Add("llm_api_routes", "//v1//chat")
	f.Add("/{", "/x")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, item, path string) {
		one, both := policy.NewRoutes([]string{item}), policy.NewRoutes([]string{item, "info_routes"})
		if one.Allow(path) {
			require.True(t, both.Allow(path), "more items allow more")
		}
	})
}
