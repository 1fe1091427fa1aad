package pipeline_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

func TestLimits_of_every_owner_are_kept_and_named(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5")}, config: snapshot.Config{Limits: contract.LimitSettings{
		Customers: &contract.Limits{Rates: contract.Rates{RPM: new(int64(1))}},
		Tags:      map[string]contract.Budget{"dear": {MaxNano: 1, Duration: "1d"}},
	}}})
	one := contract.Limits{Rates: contract.Rates{RPM: new(int64(1))}}
	model := contract.Limits{Models: map[string]contract.ModelLimits{"m": {Rates: contract.Rates{RPM: new(int64(1))}}}}
	cent := contract.Limits{Budgets: []contract.Budget{{MaxNano: 1, Duration: "30d"}}}
	l.put(contract.TeamKey("t"), contract.Team{ID: "t", Limits: one})
	l.put(contract.TeamKey("poor"), contract.Team{ID: "poor", Limits: cent})
	l.put(contract.TeamKey("tm"), contract.Team{ID: "tm", Limits: model, OrgID: "om"})
	l.put(contract.OrgKey("o"), contract.Organization{ID: "o", Limits: one})
	l.put(contract.OrgKey("om"), contract.Organization{ID: "om"})
	l.put(contract.UserKey("u"), contract.User{ID: "u", Limits: one})
	l.put(contract.UserKey("broke"), contract.User{ID: "broke", Limits: cent})
	l.put(contract.MemberKey("x", "y"), contract.Membership{TeamID: "x", UserID: "y", Limits: one})
	l.put(contract.MemberKey("x", "z"), contract.Membership{TeamID: "x", UserID: "z", Limits: cent})
	l.put(contract.CustomerKey("own"), contract.Customer{ID: "own", Limits: cent})
	l.put(contract.TagKey("busy"), contract.Tag{Name: "busy", Limits: one})
	tagged := func(tag string) contract.VirtualKey {
		return contract.VirtualKey{Metadata: []byte(`{"tags":["` + tag + `"]}`)}
	}
	for name, tc := range map[string]struct {
		key    contract.VirtualKey
		more   string
		header map[string]string
		text   string
		kind   any
	}{
		"key":        {key: contract.VirtualKey{Limits: one}, text: "Rate limit exceeded for api_key: sk-...key. Limit type: requests. Current limit: 1, Remaining: 0. Limit resets at: "},
		"key model":  {key: contract.VirtualKey{Limits: model}, text: "Rate limit exceeded for model_per_key: sk-...key model:m. "},
		"user":       {key: contract.VirtualKey{UserID: "u"}, text: "Rate limit exceeded for user: u. "},
		"team":       {key: contract.VirtualKey{TeamID: "t"}, text: "Rate limit exceeded for team: t. "},
		"team model": {key: contract.VirtualKey{TeamID: "tm"}, text: "Rate limit exceeded for model_per_team: tm:m. "},
		"member":     {key: contract.VirtualKey{TeamID: "x", UserID: "y"}, text: "Rate limit exceeded for team_member: x:y. "},
		"org":        {key: contract.VirtualKey{OrgID: "o"}, text: "Rate limit exceeded for organization: o. "},
		"customer":   {more: `,"user":"somebody"`, text: "Rate limit exceeded for end_user: somebody. "},
		"header":     {more: `,"user":"other"`, header: map[string]string{"x-litellm-customer-id": "first"}, text: "Rate limit exceeded for end_user: first. "},
		"tag":        {key: tagged("busy"), text: "Rate limit exceeded for tag: busy. "},

		"key budget": {key: contract.VirtualKey{Limits: cent}, text: "Budget has been exceeded! Current cost: 0.000000001, Max budget: 0.000000001", kind: "budget_exceeded"},
		"key window": {
			key:  contract.VirtualKey{Limits: contract.Limits{Budgets: []contract.Budget{{MaxNano: 1e9}, {MaxNano: 1, Duration: "24h"}}}},
			text: "ExceededBudget: Key over 24h budget. Spend=$0.000000001, Limit=$0.000000001", kind: "budget_exceeded",
		},
		"key model's": {
			key:  contract.VirtualKey{Alias: "nick", Limits: contract.Limits{Models: map[string]contract.ModelLimits{"m": {Budget: &contract.Budget{MaxNano: 1, Duration: "1d"}}}}},
			text: "LiteLLM Virtual Key: sk-...key model's, key_alias: nick, exceeded budget for model=m", kind: "budget_exceeded",
		},
		"user budget":   {key: contract.VirtualKey{UserID: "broke"}, text: "ExceededBudget: User=broke over budget. Spend=0.000000001, Budget=0.000000001", kind: "budget_exceeded"},
		"team budget":   {key: contract.VirtualKey{TeamID: "poor"}, text: "Budget has been exceeded! Team=poor Current cost: ", kind: "budget_exceeded"},
		"member budget": {key: contract.VirtualKey{TeamID: "x", UserID: "z"}, text: "Budget has been exceeded! User=z in Team=x Current cost: ", kind: "budget_exceeded"},
		"customer's":    {more: `,"metadata":{"user_id":"own"}`, text: "ExceededBudget: End User=own over budget. ", kind: "budget_exceeded"},
		"tag's": {
			key: tagged("dear"), text: "No deployments available - crossed budget: Exceeded budget for tag='dear', tag_spend=0.000000001, tag_budget_limit=0.000000001", kind: "None",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := l.key(name, tc.key)
			r := request{key: key, body: strings.TrimSuffix(ask, "}") + tc.more + "}", header: tc.header}
			require.Equal(t, http.StatusOK, l.serve(r).Code)
			w := l.serve(r)
			require.Equal(t, http.StatusTooManyRequests, w.Code, w.Body)
			text, kind := said(t, w)
			require.Contains(t, text, tc.text)
			require.NotEmpty(t, w.Header().Get("Retry-After"), w.Header())
			if tc.kind == nil {
				tc.kind = "throttling_error"
				require.Equal(t, "requests", w.Header().Get("rate_limit_type"))
				require.Equal(t, "50", w.Header().Get("Retry-After"), "the rest of the minute")
				require.Contains(t, text, w.Header().Get("reset_at"))
			}
			require.Equal(t, tc.kind, kind)
			require.NotContains(t, w.Body.String(), ident.HashKey(key))
		})
	}
}

func TestBudget_of_a_user_is_not_for_the_teams_keys(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5")}})
	l.put(contract.UserKey("u"), contract.User{ID: "u", Limits: contract.Limits{Budgets: []contract.Budget{{MaxNano: 1}}}})
	l.put(contract.TeamKey("t"), contract.Team{ID: "t"})
	team, own := l.key("team", contract.VirtualKey{UserID: "u", TeamID: "t"}), l.key("own", contract.VirtualKey{UserID: "u"})
	require.Equal(t, http.StatusOK, l.chat(team).Code)
	require.Equal(t, http.StatusOK, l.chat(team).Code)
	w := l.chat(own)
	require.Equal(t, http.StatusTooManyRequests, w.Code, "what the user spent in the team counts all the same")
	text, _ := said(t, w)
	require.Contains(t, text, "Spend=")
}

func TestBudget_status_of_before(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5")}, config: snapshot.Config{General: contract.GeneralSettings{LitellmCompat: "1.83"}}})
	key := l.key("k", contract.VirtualKey{Limits: contract.Limits{Budgets: []contract.Budget{{MaxNano: 1}}}})
	require.Equal(t, http.StatusOK, l.chat(key).Code)
	w := l.chat(key)
	require.Equal(t, http.StatusBadRequest, w.Code)
	_, kind := said(t, w)
	require.Equal(t, "budget_exceeded", kind)
	require.Empty(t, w.Header().Get("Retry-After"), "it is for good")
}

func TestBudget_does_not_refuse_what_costs_nothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5"), "free": answering("10", "5")}, adjust: func(d *contract.Deployment) {
		if d.ModelName == "free" {
			d.Rate = rate(t, `{"input_cost_per_token":0,"output_cost_per_token":0}`)
		}
	}})
	key := l.key("k", contract.VirtualKey{Limits: contract.Limits{Budgets: []contract.Budget{{MaxNano: 1}}}})
	require.Equal(t, http.StatusOK, l.chat(key).Code)
	require.Equal(t, http.StatusTooManyRequests, l.chat(key).Code)
	require.Equal(t, http.StatusOK, l.serve(request{key: key, body: strings.Replace(ask, `"m"`, `"free"`, 1)}).Code)
}

func TestParallel(t *testing.T) {
	t.Parallel()
	hold := &holding{scripted: answering("1", "1"), entered: make(chan struct{}, 8), leave: make(chan struct{})}
	l := newLab(t, setup{parallel: true, backends: byModel{"m": hold}})
	most := contract.Limits{MaxParallel: new(int64(2))}
	key := l.key("k", contract.VirtualKey{Limits: most})
	done := make(chan int, 2)
	for range 2 {
		go func() { done <- l.chat(key).Code }()
		<-hold.entered
	}
	w := l.chat(key)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, kind := said(t, w)
	require.Equal(t, "Rate limit exceeded: max parallel requests for api_key: sk-...k. Limit type: max_parallel_requests. Current limit: 2, Remaining: 0", text)
	require.Equal(t, "throttling_error", kind)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Equal(t, "max_parallel_requests", w.Header().Get("rate_limit_type"))
	require.Empty(t, w.Header().Get("reset_at"))
	close(hold.leave)
	require.Equal(t, http.StatusOK, <-done)
	require.Equal(t, http.StatusOK, <-done)
	require.Zero(t, l.reserved(limitsOf(key, most).Always))
	require.Equal(t, http.StatusOK, l.chat(key).Code)
}

func TestMaster_key_is_held_to_the_whole_installation_only(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("1", "1")}, config: snapshot.Config{Limits: contract.LimitSettings{
		Customers: &contract.Limits{Rates: rates(0, 0)}, Proxy: contract.Limits{Rates: contract.Rates{RPM: new(int64(2))}},
	}}})
	r := request{key: master, body: strings.TrimSuffix(ask, "}") + `,"user":"c"}`}
	require.Equal(t, http.StatusOK, l.serve(r).Code)
	require.Equal(t, http.StatusOK, l.serve(r).Code)
	w := l.serve(r)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ := said(t, w)
	require.Contains(t, text, "Rate limit exceeded for proxy: proxy. ")
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("1", "1"), "other": answering("1", "1")}, adjust: func(d *contract.Deployment) {
		if d.ModelName == "other" {
			d.Region = "us-east-1"
		}
	}})
	l.put(contract.CustomerKey("bad"), contract.Customer{ID: "bad", Blocked: true})
	l.put(contract.CustomerKey("led"), contract.Customer{ID: "led", DefaultModel: "other"})
	l.put(contract.CustomerKey("eu"), contract.Customer{ID: "eu", Region: "eu"})
	key := l.key("k", contract.VirtualKey{})
	narrow := l.key("narrow", contract.VirtualKey{Models: []string{"m"}})
	with := func(key, member string) request {
		return request{key: key, body: strings.TrimSuffix(ask, "}") + member + "}"}
	}
	for _, r := range []request{
		with(key, `,"user":"bad"`), with(key, `,"litellm_metadata":{"user":"bad"}`), with(key, `,"metadata":{"user_id":"bad"}`), with(key, `,"safety_identifier":"bad"`),
		{key: master, body: ask, header: map[string]string{"X-Tianji-End-User-Id": "bad"}},
	} {
		w := l.serve(r)
		require.Equal(t, http.StatusBadRequest, w.Code, r)
		text, kind := said(t, w)
		require.Equal(t, "{'error': 'User blocked from making LLM API Calls. User=bad'}", text)
		require.Equal(t, "None", kind)
	}
	w := l.serve(with(key, `,"user":"led"`))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), `"model":"other"`)
	require.Equal(t, http.StatusForbidden, l.serve(with(narrow, `,"user":"led"`)).Code, "a customer is no way around what a key may use")
	w = l.serve(request{key: key, body: strings.Replace(strings.TrimSuffix(ask, "}")+`,"user":"eu"}`, `"m"`, `"other"`, 1)})
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ := said(t, w)
	require.Contains(t, text, "No deployments available")
	require.Equal(t, "led", l.ledger.only(t).EndUser)
}

func TestCacheControls(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("1", "1")}})
	key := l.key("k", contract.VirtualKey{CacheControls: []string{"no-cache"}, Limits: contract.Limits{Rates: contract.Rates{RPM: new(int64(1))}}})
	with := func(cache string) request {
		return request{key: key, body: strings.TrimSuffix(ask, "}") + `,"cache":` + cache + `}`}
	}
	w := l.serve(with(`{"type":"s-maxage"}`))
	require.Equal(t, http.StatusForbidden, w.Code)
	text, _ := said(t, w)
	require.Equal(t, "Not allowed to set type as a cache control. Contact admin to change permissions.", text)
	require.Equal(t, http.StatusOK, l.serve(with(`{"no-cache":true}`)).Code, "what was refused was not counted")
}

func TestSuccess_tells_how_limits_stand(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{
		parallel: true, backends: byModel{"m": answering("100", "20"), "s": &scripted{header: events, pieces: []string{chunk("s", "a"), usageChunk, done}}},
		config: snapshot.Config{General: contract.GeneralSettings{LitellmHeaders: true}},
	})
	limit := contract.Limits{Rates: rates(10, 5000), MaxParallel: new(int64(3)), Models: map[string]contract.ModelLimits{"m": {Rates: rates(7, 900)}}}
	limit.RPD = new(int64(1000))
	key := l.key("k", contract.VirtualKey{Limits: limit, TeamID: "t"})
	l.put(contract.TeamKey("t"), contract.Team{ID: "t", Limits: contract.Limits{Rates: contract.Rates{RPM: new(int64(100))}}})
	h := l.chat(key).Header()
	for name, want := range map[string]string{
		"x-ratelimit-api_key-limit-requests": "10", "x-ratelimit-api_key-remaining-requests": "9",
		"x-ratelimit-api_key-limit-tokens": "5000", "x-ratelimit-api_key-remaining-tokens": "4880",
		"x-ratelimit-api_key-limit-max_parallel_requests": "3", "x-ratelimit-api_key-remaining-max_parallel_requests": "2",
		"x-ratelimit-model_per_key-limit-requests": "7", "x-ratelimit-model_per_key-remaining-tokens": "780",
		"x-ratelimit-team-remaining-requests": "99",
		"x-ratelimit-limit-requests":          "10", "x-ratelimit-remaining-requests": "9", "x-ratelimit-limit-tokens": "5000", "x-ratelimit-remaining-tokens": "4880",
		"x-litellm-key-rpm-limit": "10", "x-tianji-key-tpm-limit": "5000", "x-litellm-key-remaining-requests-m": "6", "x-litellm-key-remaining-tokens-m": "780",
	} {
		require.Equal(t, want, h.Get(name), "%s: %v", name, h)
	}
	require.Regexp(t, `^[1-9][0-9]?s$`, h.Get("x-ratelimit-reset-requests"))
	h = l.serve(request{key: key, body: `{"model":"s","stream":true,"messages":[]}`}).Header()
	require.Equal(t, "8", h.Get("x-ratelimit-api_key-remaining-requests"))
	require.Less(t, h.Get("x-ratelimit-remaining-tokens"), "4880", "what the stream will use is reserved")
	require.Empty(t, h.Get("x-ratelimit-model_per_key-limit-requests"), "it is another model's")
	require.Empty(t, l.chat(l.key("free", contract.VirtualKey{})).Header().Get("x-ratelimit-limit-requests"))
}

func TestDynamic_rates_are_kept_while_the_model_fails(t *testing.T) {
	t.Parallel()
	failing := &flipping{good: answering("1", "1"), bad: refusing(http.StatusServiceUnavailable, "overloaded")}
	l := newLab(t, setup{backends: byModel{"m": failing}, config: snapshot.Config{Router: contract.RouterSettings{NumRetries: new(0)}}})
	key := l.key("k", contract.VirtualKey{Limits: contract.Limits{Rates: contract.Rates{RPM: new(int64(2))}, Requests: contract.Dynamic}})
	for range 5 {
		require.Equal(t, http.StatusOK, l.chat(key).Code, "nothing fails")
	}
	failing.fail.Store(true)
	for range 2 {
		require.Equal(t, http.StatusServiceUnavailable, l.chat(key).Code)
	}
	require.Equal(t, http.StatusTooManyRequests, l.chat(key).Code)
}

func TestTokens_are_reserved_by_what_is_likely(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("10", "20")}})
	limit := contract.Limits{Rates: contract.Rates{TPM: new(int64(400))}}
	key := l.key("k", contract.VirtualKey{Limits: limit})
	body := strings.TrimSuffix(ask, "}") + `,"max_tokens":100000}`
	for i := range 13 {
		w := l.serve(request{key: key, body: body})
		if w.Code != http.StatusOK {
			text, _ := said(t, w)
			require.Contains(t, text, "Limit type: tokens. Current limit: 400, Remaining: ")
			require.GreaterOrEqual(t, i, 10, "30 tokens each: %s", text)
			return
		}
	}
	t.Fatal("13 times 30 tokens passed a limit of 400, with 40 and more reserved for each")
}

func TestTokens_larger_than_the_limit_pass_once(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("5000", "20")}})
	limit := contract.Limits{Rates: contract.Rates{TPM: new(int64(1000))}}
	key := l.key("k", contract.VirtualKey{Limits: limit})
	r := request{key: key, body: `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("word ", 4000) + `"}]}`}
	require.Equal(t, http.StatusOK, l.serve(r).Code)
	require.Equal(t, http.StatusTooManyRequests, l.chat(key).Code)
	require.EqualValues(t, 5020, l.used(&limitsOf(key, limit).Always[0]), "the truth is charged")
	none := l.key("none", contract.VirtualKey{Limits: contract.Limits{Rates: contract.Rates{TPM: new(int64(0))}}})
	require.Equal(t, http.StatusTooManyRequests, l.chat(none).Code)
}

func TestTokens_of_a_type(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]int64{"input": 7, "output": 5, "total": 12, "": 12} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cached := &scripted{pieces: []string{`{"model":"v","usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}}`}}
			l := newLab(t, setup{backends: byModel{"m": cached}, config: snapshot.Config{Limits: contract.LimitSettings{TokenType: kind}}})
			limit := contract.Limits{Rates: contract.Rates{TPM: new(int64(1000))}}
			key := l.key("k", contract.VirtualKey{Limits: limit})
			require.Equal(t, http.StatusOK, l.chat(key).Code)
			require.Equal(t, want, l.used(&limitsOf(key, limit).Always[0]))
		})
	}
}

func TestNames_that_nobody_made_are_asked_for_once(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("1", "1")}})
	key := l.key("k", contract.VirtualKey{UserID: "nobody", TeamID: "none", Metadata: []byte(`{"tags":["unheard"]}`)})
	r := request{key: key, body: strings.TrimSuffix(ask, "}") + `,"user":"unknown"}`}
	require.Equal(t, http.StatusOK, l.serve(r).Code)
	l.server.Stop()
	began := time.Now()
	for range 100 {
		require.Equal(t, http.StatusOK, l.serve(r).Code)
	}
	require.Less(t, time.Since(began), 5*time.Second)
	// Those that were never asked for are let through, unless that is forbidden.
	for i := range 20 {
		r.header = map[string]string{"X-Tianji-Customer-Id": fmt.Sprint("new", i)}
		require.Equal(t, http.StatusOK, l.serve(r).Code)
	}
	c := l.config
	c.Limits.FailClosed = true
	l.configure(c)
	w := l.serve(r)
	require.Equal(t, http.StatusServiceUnavailable, w.Code, w.Body)
}

func FuzzLimits(f *testing.F) {
	for _, seed := range []string{
		ask, askStream, `{"model":"m","max_tokens":-1,"user":7,"metadata":{"user_id":"x","tags":["a","a",""]},"safety_identifier":"y"}`,
		`{"model":"m","generationConfig":{"maxOutputTokens":1e99},"litellm_metadata":[],"cache":{"ttl":1}}`,
		`{"model":"m","messages":[{"content":[{"image_url":{"url":"data:image/png;base64,` + strings.Repeat("QUJD", 2000) + `"}}]}]}`,
	} {
		f.Add(seed, "customer", "a, b,,a")
	}
	l := newLab(f, setup{parallel: true, backends: byModel{"m": &unrecorded{answering("10", "5")}}, recorder: forgetful{}})
	limit := contract.Limits{Rates: rates(1<<40, 1<<40), MaxParallel: new(int64(2)), Budgets: []contract.Budget{{MaxNano: 1 << 60}}}
	key := l.key("k", contract.VirtualKey{Limits: limit, Metadata: []byte(`{"allow_client_tags":true}`)})
	set := limitsOf(key, limit)
	f.Fuzz(func(t *testing.T, body, customer, tags string) {
		w := l.serve(request{key: key, body: body, header: map[string]string{"X-Litellm-Customer-Id": customer, "X-Litellm-Tags": tags}})
		require.NotZero(t, w.Code)
		require.NotEqual(t, http.StatusTooManyRequests, w.Code, "a slot is free and nothing is used up: %s", w.Body)
		require.Zero(t, l.reserved(set.Always))
	})
}
