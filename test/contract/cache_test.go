package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

const cacheConfig = `
model_list:
  - model_name: mock
    litellm_params: {model: mock/echo}
litellm_settings:
  cache: true
  cache_params: {type: redis, ttl: 600, namespace: tests}
general_settings: {litellm_headers: true}
`

// What one replica was told another knows, and what is flushed through one is
// gone from both.
func TestCache_of_answers(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: cacheConfig, DataPlanes: 2})
	one, two := s.Master().At(s.DataPlane(0)), s.Master().At(s.DataPlane(1))
	stack.Await(t, "the cache is shared", func() bool { return one.Get(t, "/cache/ping").Status == http.StatusOK })
	ping := two.Get(t, "/cache/ping").OK(t)
	require.Equal(t, "healthy", ping["status"])
	require.Equal(t, "redis", ping["cache_type"])
	require.Equal(t, true, ping["ping_response"])
	require.Equal(t, "success", ping["set_cache_response"])
	require.Contains(t, ping, "litellm_cache_params")

	keyOf := func(r stack.Reply) string {
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		return r.Header.Get("X-Litellm-Cache-Key")
	}
	require.Empty(t, keyOf(one.Post(t, chatPath, hello("mock"))))
	first := one.Post(t, chatPath, hello("mock"))
	key := keyOf(first)
	require.Len(t, key, 64)
	probe := hello("mock")
	probe["cache"] = map[string]any{"no-store": true} // or who asks too early would keep another answer
	stack.Await(t, "the other replica has it", func() bool { return keyOf(two.Post(t, chatPath, probe)) == key })
	require.JSONEq(t, string(first.Body), string(two.Post(t, chatPath, hello("mock")).Body))

	require.Equal(t, map[string]any{"status": "success"}, two.Post(t, "/cache/delete", map[string]any{"keys": []string{"tests:" + key, "key2"}}).OK(t))
	stack.Await(t, "deleted everywhere", func() bool { return keyOf(one.Post(t, chatPath, hello("mock"))) == "" })
	stack.Await(t, "stored again", func() bool { return keyOf(one.Post(t, chatPath, hello("mock"))) == key })
	info := one.Get(t, "/cache/redis/info").OK(t)
	require.Contains(t, info, "num_clients")
	require.Contains(t, info, "clients")
	require.Contains(t, info["info"], "shared")

	require.Equal(t, map[string]any{"status": "success"}, one.Post(t, "/cache/flushall", map[string]any{}).OK(t))
	require.Empty(t, keyOf(one.Post(t, chatPath, hello("mock"))))

	wrong := hello("mock")
	wrong["cache"] = map[string]any{"ttl": "soon"}
	refusal{http.StatusBadRequest, "invalid_request_error", "cache.ttl", "cache.ttl: want a number of seconds"}.check(t, one.Post(t, chatPath, wrong))
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "Cache Delete Failed"}.check(t, one.Post(t, "/cache/delete", map[string]any{"keys": "x"}))

	s.StopNATS()
	refusal{http.StatusServiceUnavailable, "cache_ping_error", "cache_ping", "Service Unhealthy"}.check(t, one.Get(t, "/cache/ping"))
	require.Equal(t, http.StatusServiceUnavailable, one.Post(t, "/cache/flushall", map[string]any{}).Status)
	require.Equal(t, http.StatusOK, one.Post(t, chatPath, hello("mock")).Status)
}

func TestCache_that_is_off(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	refusal{http.StatusServiceUnavailable, "cache_ping_error", "cache_ping", "Cache not initialized"}.check(t, s.Master().Get(t, "/cache/ping"))
}
