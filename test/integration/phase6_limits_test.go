package integration_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// These are the acceptance scenarios of limits, over HTTP against two data
// planes: what one admits, the other must know of.

const hello = `{"model":"gpt","messages":[{"role":"user","content":"Hello"}]}`

// everywhere are clients of one key at every data plane in turn.
func everywhere(s *stack.Stack, key string) []*stack.Client {
	var all []*stack.Client
	for _, base := range s.DataPlanes() {
		all = append(all, s.Client(key).At(base))
	}
	return all
}

// begin begins a stream as soon as it is let in.
func begin(t *testing.T, c *stack.Client, body string) (r *http.Response) {
	t.Helper()
	stack.Await(t, "a slot", func() bool {
		r = c.Open(t, http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
		if r.StatusCode != http.StatusOK {
			require.NoError(t, r.Body.Close())
		}
		return r.StatusCode == http.StatusOK
	})
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}

// inOneMinute repeats f when the minute ended while it ran: a window that rolls
// over in between proves nothing.
func inOneMinute(t *testing.T, f func() (check func())) {
	t.Helper()
	for range 3 {
		minute := time.Now().Truncate(time.Minute)
		check := f()
		if time.Now().Truncate(time.Minute).Equal(minute) {
			check()
			return
		}
	}
	t.Fatal("three minutes ended while this ran")
}

func TestLimits_of_calls_under_way(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	models := v.Deployment("held-key", "held-key") + v.Deployment("held-team", "held-team") + v.Deployment("held-user", "held-user")
	s := stack.Start(t, stack.Options{Config: strings.Replace(sdkConfig(v), "router_settings:", models+"router_settings:", 1), DataPlanes: 2})
	for name, limited := range map[string]func(t *testing.T) string{
		"key": func(t *testing.T) string {
			t.Helper()
			return s.NewKey(t, map[string]any{"max_parallel_requests": 2})
		},
		"team": func(t *testing.T) string {
			t.Helper()
			return s.NewKey(t, map[string]any{"team_id": s.NewTeam(t, map[string]any{"max_parallel_requests": 2})})
		},
		"user": func(t *testing.T) string {
			t.Helper()
			return s.NewKey(t, map[string]any{"user_id": s.NewUser(t, map[string]any{"max_parallel_requests": 2})})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := "held-" + name
			gate := make(chan struct{})
			v.Script(model, fakevendor.Answer(fakevendor.Options{Gate: gate}))
			key := limited(t)
			clients := everywhere(s, key)
			body := fmt.Sprintf(`{"model":%q,"stream":true,"messages":[]}`, model)
			open := []*http.Response{begin(t, clients[0], body), begin(t, clients[1], body)}
			for _, c := range clients {
				r := c.Post(t, "/v1/chat/completions", body)
				require.Equal(t, http.StatusTooManyRequests, r.Status)
				require.Contains(t, string(r.Body), "Rate limit exceeded: max parallel requests")
				require.Equal(t, "max_parallel_requests", r.Header.Get("Rate_limit_type"))
				require.NotEmpty(t, r.Header.Get("Retry-After"))
				require.NotContains(t, string(r.Body), key)
			}
			require.NoError(t, open[0].Body.Close()) // the client hangs up in the middle
			open[0] = begin(t, clients[1], body)
			close(gate)
			for _, r := range open {
				content, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.Contains(t, string(content), "[DONE]")
			}
		})
	}
}

func TestLimits_of_requests_a_minute(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	inOneMinute(t, func() func() {
		clients := everywhere(s, s.NewKey(t, map[string]any{"rpm_limit": 10}))
		first := clients[0].Post(t, "/v1/chat/completions", hello)
		replies := make([]stack.Reply, 40)
		var wait sync.WaitGroup
		for i := range replies {
			wait.Go(func() { replies[i] = clients[i%2].Post(t, "/v1/chat/completions", hello) })
		}
		wait.Wait()
		resets := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))
		return func() {
			require.Equal(t, http.StatusOK, first.Status)
			require.Equal(t, "10", first.Header.Get("X-Ratelimit-Api_key-Limit-Requests"))
			require.Equal(t, "9", first.Header.Get("X-Ratelimit-Api_key-Remaining-Requests"))
			admitted := 1
			for _, r := range replies {
				if r.Status == http.StatusOK {
					admitted++
					continue
				}
				require.Equal(t, http.StatusTooManyRequests, r.Status, string(r.Body))
				after, err := strconv.Atoi(r.Header.Get("Retry-After"))
				require.NoError(t, err)
				require.InDelta(t, resets.Seconds(), after, 15, "the true time to the reset")
				require.Equal(t, "requests", r.Header.Get("Rate_limit_type"))
			}
			require.LessOrEqual(t, admitted, 10)
			for range 20 { // who was refused for a moment may try again
				for _, c := range clients {
					if c.Post(t, "/v1/chat/completions", hello).Status == http.StatusOK {
						admitted++
					}
				}
			}
			if time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)) < resets { // still the same minute
				require.Equal(t, 10, admitted, "not one more, and not one less")
			}
		}
	})
}

func TestLimits_of_a_day_and_of_models(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	day := everywhere(s, s.NewKey(t, map[string]any{"rpd_limit": 3}))
	count := func(clients []*stack.Client, body string, n int) (admitted int) {
		for i := range n {
			if clients[i%len(clients)].Post(t, "/v1/chat/completions", body).Status == http.StatusOK {
				admitted++
			}
		}
		return admitted
	}
	require.Equal(t, 3, count(day, hello, 20))

	// A budget for one model, in its own period, does not touch another model.
	budget := everywhere(s, s.NewKey(t, map[string]any{"model_max_budget": map[string]any{"gpt": map[string]any{"budget_limit": 1e-9, "time_period": "1d"}}}))
	require.Equal(t, 1, count(budget, hello, 10), "the last one that is admitted runs it over")
	refused := budget[1].Post(t, "/v1/chat/completions", hello)
	require.Equal(t, http.StatusTooManyRequests, refused.Status)
	require.Contains(t, string(refused.Body), "budget_exceeded")
	require.Equal(t, 5, count(budget, strings.Replace(hello, "gpt", "mock", 1), 5))
}

func TestLimits_of_money_over_data_planes(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	budget := int64(20 * answerNano)
	for name, key := range map[string]string{
		"key":  s.NewKey(t, map[string]any{"max_budget": float64(budget) / 1e9}),
		"team": s.NewKey(t, map[string]any{"team_id": s.NewTeam(t, map[string]any{"max_budget": float64(budget) / 1e9})}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clients := everywhere(s, key)
			var admitted atomic.Int64
			var wait sync.WaitGroup
			for i := range 8 {
				wait.Go(func() {
					for range 30 {
						if clients[i%2].Post(t, "/v1/chat/completions", hello).Status == http.StatusOK {
							admitted.Add(1)
						}
					}
				})
			}
			wait.Wait()
			stack.Await(t, "the rest of the budget, and no more", func() bool {
				for _, c := range clients {
					if c.Post(t, "/v1/chat/completions", hello).Status == http.StatusOK {
						admitted.Add(1)
					}
				}
				return admitted.Load() >= 20
			})
			require.LessOrEqual(t, admitted.Load(), int64(21), "over by the last one that was admitted, at most")
			r := clients[0].Post(t, "/v1/chat/completions", hello)
			require.Equal(t, http.StatusTooManyRequests, r.Status)
			require.Contains(t, string(r.Body), "Budget has been exceeded")
			require.NotContains(t, string(r.Body), key)
			s.Settle(t)
		})
	}
}

func TestLimits_of_priorities(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	config := strings.Replace(sdkConfig(v), "router_settings:", `litellm_settings:
  callbacks: [dynamic_rate_limiter_v3]
  priority_reservation: {prod: 0.8, dev: 0.2}
  priority_reservation_settings: {saturation_threshold: 0.5}
router_settings:`, 1)
	s := stack.Start(t, stack.Options{Config: config, DataPlanes: 2})
	s.Master().Post(t, "/model/new", map[string]any{
		"model_name": "shared", "litellm_params": map[string]any{"model": "mock/echo", "rpm": 100},
	}).OK(t)
	prod := everywhere(s, s.NewKey(t, map[string]any{"metadata": map[string]any{"priority": "prod"}}))
	dev := everywhere(s, s.NewKey(t, map[string]any{"metadata": map[string]any{"priority": "dev"}}))
	stack.Await(t, "the model", func() bool {
		return prod[1].Post(t, "/v1/chat/completions", `{"model":"shared","messages":[]}`).Status == http.StatusOK
	})
	inOneMinute(t, func() func() {
		var low, high, refusedLow int
		ask := func(c *stack.Client) bool {
			return c.Post(t, "/v1/chat/completions", `{"model":"shared","messages":[]}`).Status == http.StatusOK
		}
		for i := range 200 {
			if ask(dev[i%2]) {
				low++
			} else {
				refusedLow++
			}
		}
		for i := range 100 {
			if ask(prod[i%2]) {
				high++
			}
		}
		return func() {
			require.GreaterOrEqual(t, low, 20, "its share at least")
			require.LessOrEqual(t, low, 60, "what is idle may be borrowed until the model is half used, and a lease more")
			require.Positive(t, refusedLow)
			require.GreaterOrEqual(t, high, 30, "the higher priority goes on")
			require.LessOrEqual(t, low+high, 100, "the model's own limit holds")
		}
	})
}

func TestLimits_cache_controls_that_a_key_may_not_set(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	c := s.Client(s.NewKey(t, map[string]any{"allowed_cache_controls": []string{"no-cache"}}))
	with := func(cache string) stack.Reply {
		return c.Post(t, "/v1/chat/completions", `{"model":"gpt","messages":[],"cache":`+cache+`}`)
	}
	require.Equal(t, http.StatusOK, with(`{"no-cache":true}`).Status)
	r := with(`{"s-maxage":60}`)
	require.Equal(t, http.StatusForbidden, r.Status)
	require.Contains(t, string(r.Body), "Not allowed to set s-maxage as a cache control")
	require.Equal(t, http.StatusForbidden, with(`{"type":"s-maxage"}`).Status)
}

func TestLimits_response_ids_belong_to_their_owner(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	ann, bob := everywhere(s, s.NewKey(t, map[string]any{"user_id": s.NewUser(t, nil)})), everywhere(s, s.NewKey(t, map[string]any{"user_id": s.NewUser(t, nil)}))
	made := ann[0].Post(t, "/v1/responses", `{"model":"mock","input":"Hello"}`).OK(t)
	id, _ := made["id"].(string)
	require.NotEmpty(t, id)
	require.Equal(t, http.StatusOK, ann[1].Get(t, "/v1/responses/"+id).Status, "any data plane knows it")
	for method, path := range map[string]string{http.MethodGet: "/v1/responses/" + id, http.MethodDelete: "/v1/responses/" + id, http.MethodPost: "/v1/responses/" + id + "/cancel"} {
		r := bob[1].Do(t, method, path, nil)
		require.Equal(t, http.StatusForbidden, r.Status, "%s %s: %s", method, path, r.Body)
	}
	require.Equal(t, http.StatusForbidden, bob[0].Get(t, "/v1/responses/"+id+"/input_items").Status)
	next, err := json.Marshal(map[string]any{"model": "mock", "input": "more", "previous_response_id": id})
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, bob[0].Post(t, "/v1/responses", string(next)).Status)
	require.Equal(t, http.StatusOK, ann[1].Post(t, "/v1/responses", string(next)).Status)
}

func TestLimits_while_NATS_is_away(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	clients := everywhere(s, s.NewKey(t, map[string]any{"rpd_limit": 1000, "max_parallel_requests": 50}))
	s.Heard(t) // of the key, which would have to be read again
	for _, c := range clients {
		c.Post(t, "/v1/chat/completions", hello).OK(t)
	}
	s.StopNATS()
	for i := range 50 {
		clients[i%2].Post(t, "/v1/chat/completions", hello).OK(t)
	}
	var health struct {
		Degraded []string `json:"degraded"`
	}
	stack.Await(t, "readiness to say so", func() bool {
		return json.Unmarshal(clients[0].Get(t, "/health/readiness").Body, &health) == nil && strings.Contains(strings.Join(health.Degraded, " "), "limits")
	})
	s.StartNATS()
	s.AwaitReady(t)
	for i := range 50 {
		clients[i%2].Post(t, "/v1/chat/completions", hello).OK(t)
	}
}
