package route_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func to(model string, targets ...string) contract.Fallback {
	f := contract.Fallback{Model: model}
	for _, t := range targets {
		f.To = append(f.To, contract.FallbackTarget{Model: t})
	}
	return f
}

func TestRetries(t *testing.T) {
	t.Parallel()
	rate, server, bad := failure(429, "RateLimitError"), failure(500, "InternalServerError"), failure(400, "BadRequestError")
	auth, missing, window := failure(401, "AuthenticationError"), failure(404, "NotFoundError"), failure(400, "ContextWindowExceededError")
	one, two := []*contract.Deployment{dep("a", "m")}, []*contract.Deployment{dep("a", "m"), dep("b", "m")}
	own := []*contract.Deployment{dep("a", "m", func(d *contract.Deployment) { d.NumRetries = new(1) })}
	spare := []*contract.Deployment{dep("a", "m"), dep("s", "spare")}
	retries := func(n int) func(*route.Ask) { return func(a *route.Ask) { a.Retries = &n } }
	none := func(*route.Ask) {}
	for _, c := range []struct {
		name        string
		settings    contract.RouterSettings
		deployments []*contract.Deployment
		fails       route.Failure
		edit        func(*route.Ask)
		want        string // one of these, by "|"
	}{
		{"two by default, with a wait where there is only one", contract.RouterSettings{}, one, server, none, "a,a~,a~"},
		{"the others first, at once", contract.RouterSettings{}, two, server, none, "a,b,a~|a,b,b~|b,a,a~|b,a,b~"},
		{"the router's number", contract.RouterSettings{NumRetries: new(1)}, one, server, none, "a,a~"},
		{"the request's number", contract.RouterSettings{NumRetries: new(1)}, one, server, retries(0), "a"},
		{"the request's number is bounded", contract.RouterSettings{}, one, server, retries(1 << 40), "a" + strings.Repeat(",a~", 10)},
		{"the deployment's number", contract.RouterSettings{NumRetries: new(3)}, own, server, none, "a,a~"},
		{"the request's before the deployment's", contract.RouterSettings{}, own, server, retries(2), "a,a~,a~"},
		{"bad requests are not repeated", contract.RouterSettings{}, two, bad, none, "a|b"},
		{"nor what does not exist", contract.RouterSettings{}, two, missing, none, "a|b"},
		{"nor what is too long", contract.RouterSettings{}, two, window, none, "a|b"},
		{"bad credentials are, with others", contract.RouterSettings{}, two, auth, none, "a,b|b,a"},
		{"bad credentials are not with the same", contract.RouterSettings{}, one, auth, none, "a"},
		{"a policy", contract.RouterSettings{RetryPolicy: map[string]int{"BadRequestError": 1}}, one, bad, none, "a,a~"},
		{"a policy holds for kinds of its class", contract.RouterSettings{RetryPolicy: map[string]int{"BadRequestError": 1}}, one, window, none, "a,a~"},
		{"a policy for all others", contract.RouterSettings{RetryPolicy: map[string]int{"Default": 1, "Timeout": 0}}, one, bad, none, "a,a~"},
		{"a policy of none", contract.RouterSettings{RetryPolicy: map[string]int{"InternalServerError": 0}}, one, server, none, "a"},
		{"the group's policy", contract.RouterSettings{RetryPolicy: map[string]int{"InternalServerError": 0}, GroupRetryPolicy: map[string]map[string]int{"m": {"InternalServerError": 1}}}, one, server, none, "a,a~"},
		{"a request that wants no retries gets none", contract.RouterSettings{RetryPolicy: map[string]int{"InternalServerError": 3}}, one, server, retries(0), "a"},
		{"limited: repeated", contract.RouterSettings{NumRetries: new(1)}, one, rate, none, "a,a~"},
		{"limited: not with something to fall back to", contract.RouterSettings{Fallbacks: []contract.Fallback{to("m", "spare")}}, spare, rate, none, "a,s!"},
		{"failed: repeated before something else is tried", contract.RouterSettings{NumRetries: new(1), Fallbacks: []contract.Fallback{to("m", "spare")}}, spare, server, none, "a,a~,s!,s~"},
	} {
		k := newKit(t, &c.settings, c.deployments...)
		script := map[string]route.Failure{"a": c.fails, "b": c.fails}
		if c.settings.NumRetries != nil {
			script["s"] = c.fails
		}
		for range 20 { // what is picked among equals is random
			way, _, _ := k.run("m", script, c.edit)
			require.Contains(t, strings.Split(c.want, "|"), way, c.name)
			k.clock.pass(time.Minute)
		}
	}
}

func TestRetries_wait(t *testing.T) {
	t.Parallel()
	wait := func(settings contract.RouterSettings, nth int, f route.Failure) time.Duration {
		k := newKit(t, &settings, dep("a", "m"))
		r, _, err := k.begin("m")
		require.NoError(t, err)
		for i := 1; ; i++ {
			r.Started()
			next, ok := r.Next(f)
			require.True(t, ok)
			if i == nth {
				return next.Wait
			}
		}
	}
	many := contract.RouterSettings{NumRetries: new(9)}
	slow := contract.RouterSettings{NumRetries: new(9), RetryAfterMS: 20_000}
	for _, c := range []struct {
		settings contract.RouterSettings
		nth      int
		f        route.Failure
		least    time.Duration
	}{
		{many, 1, failure(500, ""), 500 * time.Millisecond},
		{many, 2, failure(500, ""), time.Second},
		{many, 4, failure(500, ""), 4 * time.Second},
		{many, 9, failure(500, ""), 8 * time.Second},
		{slow, 1, failure(500, ""), 20 * time.Second},
		{many, 1, failure(429, "", 7*time.Second), 7 * time.Second},
		{many, 1, failure(429, "", time.Hour), 500 * time.Millisecond},
	} {
		got := wait(c.settings, c.nth, c.f)
		require.GreaterOrEqual(t, got, c.least, c)
		require.Less(t, got, c.least+750*time.Millisecond, c)
	}
}

func TestCooldown(t *testing.T) {
	t.Parallel()
	// cooled lets "a" fail n times in a minute, after some successes, and says
	// for how long it is out of use then.
	cooled := func(settings contract.RouterSettings, edit func(*contract.Deployment), peers, successes, n int, f route.Failure) time.Duration {
		deployments := []*contract.Deployment{dep("a", "m", edit)}
		for i := range peers {
			deployments = append(deployments, dep(string(rune('b'+i)), "m", order(9)))
		}
		k := newKit(t, &settings, deployments...)
		d := k.table.Deployment("a")
		for i := range successes + n {
			r := &route.Route{}
			got, err := r.Begin(k.router, k.table, k.ask("m"))
			require.NoError(t, err)
			require.Same(t, d, got, "it is in use until then")
			r.Started()
			if i < successes {
				r.Finished(route.Outcome{})
			} else {
				r.Finished(route.Outcome{Failure: &f})
			}
		}
		return d.CoolingFor(k.clock.Now())
	}
	asIs := func(*contract.Deployment) {}
	rate, server, auth := failure(429, "RateLimitError"), failure(500, "InternalServerError"), failure(401, "AuthenticationError")
	later := failure(429, "RateLimitError", 20*time.Second)
	late := failure(408, "Timeout")
	late.CallersTimeout = true
	none := contract.RouterSettings{}
	allowed := contract.RouterSettings{AllowedFails: new(int64(2))}
	policy := contract.RouterSettings{AllowedFailsPolicy: map[string]int64{"RateLimitError": 1, "BadRequestError": 0}}
	ownTime := func(d *contract.Deployment) { d.CooldownMS = new(int64(60_000)) }
	never := func(d *contract.Deployment) { d.CooldownMS = new(int64(0)) }
	ownPolicy := func(d *contract.Deployment) { d.AllowedFailsPolicy = map[string]int64{"RateLimitError": 2} }
	s := time.Second
	for _, c := range []struct {
		name      string
		settings  contract.RouterSettings
		edit      func(*contract.Deployment)
		peers     int
		successes int
		fails     int
		f         route.Failure
		want      time.Duration
	}{
		{"limited, with others", none, asIs, 1, 0, 1, rate, 5 * s},
		{"limited, alone", none, asIs, 0, 0, 10, rate, 0},
		{"bad credentials, with others", none, asIs, 1, 0, 1, auth, 5 * s},
		{"bad credentials, alone", none, asIs, 0, 0, 10, auth, 0},
		{"not found, with others", none, asIs, 1, 0, 1, failure(404, "NotFoundError"), 5 * s},
		{"a few failures", none, asIs, 1, 0, 4, server, 0},
		{"most of five", none, asIs, 1, 2, 3, server, 5 * s},
		{"half of six", none, asIs, 1, 3, 3, server, 0},
		{"half, alone", none, asIs, 0, 0, 999, server, 0},
		{"a thousand, alone", none, asIs, 0, 0, 1000, server, 5 * s},
		{"bad requests are the client's fault", none, asIs, 1, 0, 100, failure(400, "BadRequestError"), 0},
		{"so is not being allowed", none, asIs, 1, 0, 100, failure(403, "PermissionDeniedError"), 0},
		{"connection errors never count", none, asIs, 1, 0, 100, failure(500, "APIConnectionError"), 0},
		{"nor timeouts that the client set", none, asIs, 1, 0, 100, late, 0},
		{"allowed failures", allowed, asIs, 1, 0, 2, rate, 0},
		{"more than allowed", allowed, asIs, 1, 0, 3, rate, 5 * s},
		{"more than allowed, alone", allowed, asIs, 0, 5, 3, server, 5 * s},
		{"by class", policy, asIs, 1, 0, 1, rate, 0},
		{"more, by class", policy, asIs, 1, 0, 2, rate, 5 * s},
		{"by class, bad requests too", policy, asIs, 0, 0, 1, failure(400, "ContextWindowExceededError"), 5 * s},
		{"the deployment's policy", policy, ownPolicy, 1, 0, 3, rate, 5 * s},
		{"the deployment's number before the router's policy", policy, func(d *contract.Deployment) { d.AllowedFails = new(int64(2)) }, 1, 0, 3, rate, 5 * s},
		{"disabled", contract.RouterSettings{DisableCooldowns: true}, asIs, 1, 0, 20, rate, 0},
		{"the router's time", contract.RouterSettings{CooldownMS: new(int64(9000))}, asIs, 1, 0, 1, rate, 9 * s},
		{"the vendor's time before the router's", contract.RouterSettings{CooldownMS: new(int64(9000))}, asIs, 1, 0, 1, later, 20 * s},
		{"the deployment's time before all", contract.RouterSettings{CooldownMS: new(int64(9000))}, ownTime, 1, 0, 1, later, 60 * s},
		{"a vendor's time is bounded", none, asIs, 1, 0, 1, failure(429, "RateLimitError", 100*time.Hour), time.Hour},
		{"no time is never", none, never, 1, 0, 20, later, 0},
		{"no time at all is never", contract.RouterSettings{CooldownMS: new(int64(0))}, asIs, 1, 0, 20, rate, 0},
	} {
		edit := func(d *contract.Deployment) { order(1)(d); c.edit(d) }
		require.Equal(t, c.want, cooled(c.settings, edit, c.peers, c.successes, c.fails, c.f), c.name)
	}
}

// A count of failures is that of a minute, and a client that sends nonsense
// does not spoil it.
func TestCooldown_counts_a_minute(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{AllowedFails: new(int64(1))}, dep("a", "m"))
	fail := func(f route.Failure) {
		r, _, err := k.begin("m")
		require.NoError(t, err)
		r.Started()
		r.Finished(route.Outcome{Failure: &f})
	}
	server := failure(500, "InternalServerError")
	for range 5 {
		fail(server)
		fail(failure(400, "BadRequestError"))
		k.clock.pass(time.Minute)
	}
	fail(server)
	fail(server)
	_, _, err := k.begin("m")
	require.EqualError(t, err, "No deployments available for selected model, Try again in 5 seconds. Passed model=m. pre-call-checks=False, cooldown_list=['a']")
	var e *apierr.Error
	require.ErrorAs(t, err, &e)
	require.JSONEq(t, `{"error":{"message":"No deployments available for selected model, Try again in 5 seconds. Passed model=m. pre-call-checks=False, cooldown_list=['a']","type":"None","param":"None","code":"429"}}`, string(e.JSON()))
	require.Equal(t, "5", e.RetryAfterSeconds())
	k.clock.pass(5 * time.Second)
	fail(failure(400, "BadRequestError"))
}

func TestFallbacks(t *testing.T) {
	t.Parallel()
	server, bad := failure(500, "InternalServerError"), failure(400, "BadRequestError")
	window, policy := failure(400, "ContextWindowExceededError"), failure(400, "ContentPolicyViolationError")
	all := []*contract.Deployment{dep("a", "m"), dep("b", "n"), dep("c", "o"), dep("d", "p"), dep("w", "openai/*", func(d *contract.Deployment) { d.Model = "*" })}
	none := func(*route.Ask) {}
	settings := func(general ...contract.Fallback) contract.RouterSettings {
		return contract.RouterSettings{NumRetries: new(0), Fallbacks: general}
	}
	body := func(raw string) func(*route.Ask) {
		return func(a *route.Ask) { a.Fallbacks = json.RawMessage(raw) }
	}
	special := contract.RouterSettings{
		NumRetries: new(0), Fallbacks: []contract.Fallback{to("m", "n")}, ContextWindowFallbacks: []contract.Fallback{to("m", "o")}, ContentPolicyFallbacks: []contract.Fallback{to("m", "p")},
	}
	every := func(f route.Failure, ids string) map[string]route.Failure {
		script := map[string]route.Failure{}
		for id := range strings.FieldsSeq(ids) {
			script[id] = f
		}
		return script
	}
	for _, c := range []struct {
		name     string
		settings contract.RouterSettings
		model    string
		script   map[string]route.Failure
		edit     func(*route.Ask)
		want     string
	}{
		{"none", settings(), "m", every(server, "a"), none, "a"},
		{"in order", settings(to("m", "n", "o")), "m", every(server, "a b"), none, "a,b!,c!"},
		{"of any error", settings(to("m", "n")), "m", every(bad, "a"), none, "a,b!"},
		{"of the fallback's own", settings(to("m", "n"), to("n", "o")), "m", every(server, "a b"), none, "a,b!,c!"},
		{"of the fallback's own first, then the rest", settings(to("m", "n", "p"), to("n", "o")), "m", every(server, "a b c"), none, "a,b!,c!,d!"},
		{"not in a circle", settings(to("m", "n"), to("n", "m", "n")), "m", every(server, "a b"), none, "a,b!"},
		{"for any group", settings(to("*", "n")), "m", every(server, "a"), none, "a,b!"},
		{"a group's own before those for any", settings(to("*", "n"), to("m", "o")), "m", every(server, "a"), none, "a,c!"},
		{"default", contract.RouterSettings{NumRetries: new(0), DefaultFallbacks: []string{"n"}}, "m", every(server, "a"), none, "a,b!"},
		{"one that does not exist is skipped", settings(to("m", "nothing", "n")), "m", every(server, "a"), none, "a,b!"},
		{"without the provider", settings(to("gpt-4", "n")), "openai/gpt-4", every(server, "w"), none, "w,b!"},
		{"by the name of the pattern", settings(to("openai/*", "n")), "openai/gpt-4", every(server, "w"), none, "w,b!"},
		{"to a model of a pattern", settings(to("m", "openai/gpt-4")), "m", every(server, "a"), none, "a,w!"},
		{"at most five", contract.RouterSettings{NumRetries: new(0), Fallbacks: []contract.Fallback{to("m", "openai/1", "openai/2", "openai/3", "openai/4", "openai/5", "openai/6")}}, "m", every(server, "a w"), none, "a,w!,w!,w!,w!,w!"},
		{"at most as many as set", contract.RouterSettings{NumRetries: new(0), MaxFallbacks: new(1), Fallbacks: []contract.Fallback{to("m", "n", "o")}}, "m", every(server, "a b"), none, "a,b!"},
		{"context window", special, "m", every(window, "a"), none, "a,c!"},
		{"content policy", special, "m", every(policy, "a"), none, "a,d!"},
		{"others", special, "m", every(bad, "a"), none, "a,b!"},
		{"the general ones where there are no special ones", settings(to("m", "n")), "m", every(window, "a"), none, "a,b!"},
		{"not when the request says so", settings(to("m", "n")), "m", every(server, "a"), func(a *route.Ask) { a.DisableFallbacks = true }, "a"},
		{"the request's own", settings(to("m", "n")), "m", every(server, "a c"), body(`["o","p"]`), "a,c!,d!"},
		{"the request's own, once", settings(), "m", every(server, "a c d"), body(`["o","p","o"]`), "a,c!,d!"},
		{"the request's own, as in the settings", settings(to("m", "n")), "m", every(server, "a"), body(`[{"m":["p"]}]`), "a,d!"},
		{"the request's own for context windows", special, "m", every(window, "a"), func(a *route.Ask) { a.ContextWindowFallbacks = json.RawMessage(`[{"m":["p"]}]`) }, "a,d!"},
		{"the request's own, if allowed", settings(), "m", every(server, "a"), func(a *route.Ask) {
			a.Fallbacks = json.RawMessage(`["n","o"]`)
			a.AllowGroup = func(name string) bool { return name != "n" }
		}, "a,c!"},
		{"the configured ones are the admin's", settings(to("m", "n", "o")), "m", every(server, "a"), func(a *route.Ask) { a.AllowGroup = func(name string) bool { return name == "m" } }, "a,b!"},
		{"the configured ones, if asked to check", settings(to("m", "n", "o")), "m", every(server, "a"), func(a *route.Ask) {
			a.CheckConfigured = true
			a.AllowGroup = func(name string) bool { return name != "n" }
		}, "a,c!"},
		{"mocked", settings(to("m", "n")), "m", nil, func(a *route.Ask) { a.Mock = route.MockFallbacks }, "a,b!"},
		{"mocked context window", special, "m", nil, func(a *route.Ask) { a.Mock = route.MockContextFallbacks }, "a,c!"},
		{"mocked content policy", special, "m", nil, func(a *route.Ask) { a.Mock = route.MockContentPolicyFallbacks }, "a,d!"},
		{"mocked limit", contract.RouterSettings{}, "m", nil, func(a *route.Ask) { a.Mock = route.MockRateLimitError }, "a,a~"},
		{"mocked limit in the fallback too", special, "m", nil, func(a *route.Ask) { a.Mock = route.MockRateLimitError }, "a,b!"},
	} {
		k := newKit(t, &c.settings, all...)
		way, r, _ := k.run(c.model, c.script, c.edit)
		require.Equal(t, c.want, way, c.name)
		_, fallbacks := r.Attempts()
		require.Equal(t, strings.Count(c.want, "!"), fallbacks, c.name)
	}
}

func TestFallbacks_change_the_request(t *testing.T) {
	t.Parallel()
	server := failure(500, "InternalServerError")
	k := newKit(t, &contract.RouterSettings{NumRetries: new(1), Fallbacks: []contract.Fallback{{Model: "m", To: []contract.FallbackTarget{
		{Model: "n", Merge: map[string]json.RawMessage{"temperature": json.RawMessage("0")}}, {Model: "o"},
	}}}}, dep("a", "m"), dep("b", "n"), dep("c", "o"))
	merges := func(r *route.Route) []string {
		var all []string
		for {
			r.Started()
			next, ok := r.Next(server)
			if !ok {
				return all
			}
			all = append(all, next.Deployment.ID+string(next.Merge))
		}
	}
	r, _, err := k.begin("m")
	require.NoError(t, err)
	require.Equal(t, []string{"a", `b{"temperature":0}`, `b{"temperature":0}`, "c", "c"}, merges(r))

	r, _, err = k.begin("m", func(a *route.Ask) {
		a.Retries = new(0)
		a.Fallbacks = json.RawMessage(`[{"model":"n","messages":[]},{"temperature":1},"o"]`)
	})
	require.NoError(t, err)
	require.Equal(t, []string{`b{"model":"n","messages":[]}`, `a{"temperature":1}`, "c"}, merges(r))
}

// A group that can not be used at all falls back before any call.
func TestFallbacks_from_the_beginning(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{AllowedFails: new(int64(0)), NumRetries: new(0), Fallbacks: []contract.Fallback{to("m", "n", "o")}},
		dep("a", "m"), dep("b", "n"), dep("c", "o"))
	server := failure(500, "InternalServerError")
	way, _, err := k.run("m", map[string]route.Failure{"a": server, "b": server})
	require.NoError(t, err)
	require.Equal(t, "a,b!,c!", way)

	r, id, err := k.begin("m")
	require.NoError(t, err)
	require.Equal(t, "c", id)
	require.True(t, r.InFallback())
	require.Equal(t, "o", r.Current().Name)
	_, fallbacks := r.Attempts()
	require.Equal(t, 2, fallbacks)
}

func TestCheckFallbacks(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		``: nil, `null`: nil, `[]`: nil, `["b","a","b"]`: {"a", "b"}, `[{"model":"b","temperature":0},"a"]`: {"a", "b"}, `[{"temperature":0}]`: nil,
		`[{"x":["a","b"]},{"y":["c"]}]`: {"a", "b", "c"},
	} {
		got, err := route.CheckFallbacks(json.RawMessage(raw))
		require.NoError(t, err, raw)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{`{}`, `"a"`, `[1]`, `[""]`, `[{}]`, `[["a"]]`, `[{"model":1}]`, `["a",{"x":["b"]}]`, `[` + strings.Repeat(`"a",`, 40) + `"a"]`} {
		_, err := route.CheckFallbacks(json.RawMessage(raw))
		require.Error(t, err, raw)
	}
}

func FuzzCheckFallbacks(f *testing.F) {
	for _, seed := range []string{`["a"]`, `[{"model":"b","t":0}]`, `[{"x":["a"]}]`, `[{"x":["a"],"y":1}]`, `[[[[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		models, err := route.CheckFallbacks(raw)
		if err != nil {
			require.Empty(t, models)
		}
	})
}

func TestErr(t *testing.T) {
	t.Parallel()
	server, rate := failure(500, "InternalServerError"), failure(429, "RateLimitError")
	fallbacks := []contract.Fallback{to("m", "n"), to("x", "y")}
	only := func(names ...string) func(*route.Ask) {
		return func(a *route.Ask) {
			a.AllowGroup = func(name string) bool { return strings.Contains(strings.Join(names, " "), name) }
		}
	}
	none := func(*route.Ask) {}
	for _, c := range []struct {
		name     string
		settings contract.RouterSettings
		model    string
		edit     func(*route.Ask)
		want     string
	}{
		{"alone", contract.RouterSettings{}, "m", none, "litellm.InternalServerError: 500. Received Model Group=m\nAvailable Model Group Fallbacks=None LiteLLM Retried: 2 times, LiteLLM Max Retries: 2"},
		{
			"no fallback for it",
			contract.RouterSettings{NumRetries: new(0), Fallbacks: fallbacks},
			"o", none,
			"litellm.InternalServerError: 500No fallback model group found for original model_group=o. Fallbacks=[{'m': ['n']}, {'x': ['y']}]. Received Model Group=o\nAvailable Model Group Fallbacks=None",
		},
		{
			"the fallback failed",
			contract.RouterSettings{NumRetries: new(0), Fallbacks: fallbacks},
			"m", none,
			"litellm.InternalServerError: 500. Received Model Group=m\nAvailable Model Group Fallbacks=['n']\nError doing the fallback: litellm.RateLimitError: 429",
		},
		{
			"names that are nobody's business",
			contract.RouterSettings{NumRetries: new(0), Fallbacks: fallbacks},
			"o", only("o m n"),
			"litellm.InternalServerError: 500No fallback model group found for original model_group=o. Fallbacks=[{'m': ['n']}]. Received Model Group=o\nAvailable Model Group Fallbacks=None",
		},
		{"fallbacks switched off", contract.RouterSettings{NumRetries: new(0), Fallbacks: fallbacks}, "m", func(a *route.Ask) { a.DisableFallbacks = true }, "litellm.InternalServerError: 500"},
		{"not exposed", contract.RouterSettings{NumRetries: new(1), HideRouting: true, Fallbacks: fallbacks}, "m", none, "litellm.InternalServerError: 500 LiteLLM Retried: 1 times, LiteLLM Max Retries: 1"},
		{
			"mocked",
			contract.RouterSettings{NumRetries: new(0), Fallbacks: []contract.Fallback{to("m", "n")}},
			"m", func(a *route.Ask) { a.Mock = route.MockFallbacks },
			"litellm.InternalServerError: This is a mock exception for model=m, to trigger a fallback. Fallbacks=[{'m': ['n']}]. Received Model Group=m\nAvailable Model Group Fallbacks=['n']\nError doing the fallback: litellm.RateLimitError: 429",
		},
	} {
		k := newKit(t, &c.settings, dep("a", "m"), dep("b", "n"), dep("c", "o"))
		_, _, err := k.run(c.model, map[string]route.Failure{"a": server, "b": rate, "c": server}, c.edit)
		require.EqualError(t, err, c.want, c.name)
	}
}
