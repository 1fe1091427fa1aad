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

func tags(tags ...string) func(*contract.Deployment) {
	return func(d *contract.Deployment) { d.Tags = tags }
}

func order(n int64) func(*contract.Deployment) {
	return func(d *contract.Deployment) { d.Order = &n }
}

// only are the deployments that serve a request, in order, or the status of
// the refusal.
func (k *kit) only(name string, edits ...func(*route.Ask)) string {
	k.tb.Helper()
	r, _, err := k.begin(name, edits...)
	if err != nil {
		var e *apierr.Error
		require.ErrorAs(k.tb, err, &e)
		return e.Message
	}
	r.Reset()
	seen := k.picks(200, name, edits...)
	var ids []string
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		if seen[id] > 0 {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, " ")
}

func TestTags(t *testing.T) {
	t.Parallel()
	const denied = "Not allowed to access model due to tags configuration. Passed model=m and tags="
	with := func(ts ...string) func(*route.Ask) { return func(a *route.Ask) { a.Tags = ts } }
	agent := func(a *route.Ask) { a.UserAgent = "curl/8" }
	byAgent := func(d *contract.Deployment) { d.TagRegex = []string{"^User-Agent: curl/"} }
	for _, c := range []struct {
		name        string
		settings    contract.RouterSettings
		deployments []*contract.Deployment
		edit        func(*route.Ask)
		want        string
	}{
		{"off", contract.RouterSettings{}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m")}, with("y"), "a b"},
		{"any", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m", tags("y")), dep("c", "m", tags("z"))}, with("x", "y"), "a b"},
		{"all", contract.RouterSettings{TagFiltering: true, TagMatchAll: true}, []*contract.Deployment{dep("a", "m", tags("x", "y")), dep("b", "m", tags("y"))}, with("x", "y"), "a"},
		{"a match wins over default", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m", tags("default"))}, with("x"), "a"},
		{"default takes what nothing matches", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m", tags("default"))}, with("y"), "b"},
		{"default takes what has no tag", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m", tags("default")), dep("c", "m")}, with(), "b"},
		{"untagged takes what has no tag", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m")}, with(), "b"},
		{"all take it where all have tags", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m", tags("y"))}, with(), "a b"},
		{"no match", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", tags("x")), dep("b", "m")}, with("y", "it's"), denied + `['y', "it's"]`},
		{"user agent", contract.RouterSettings{TagFiltering: true}, []*contract.Deployment{dep("a", "m", byAgent), dep("b", "m", tags("x"))}, agent, "a"},
		{"strict tags are not overridden by the user agent", contract.RouterSettings{TagFiltering: true, TagMatchAll: true}, []*contract.Deployment{dep("a", "m", byAgent, tags("x")), dep("b", "m")}, agent, "b"},
	} {
		k := newKit(t, &c.settings, c.deployments...)
		require.Equal(t, c.want, k.only("m", c.edit), c.name)
	}

	// A deployment that cools down is not one that the tags do not allow.
	k := newKit(t, &contract.RouterSettings{TagFiltering: true}, dep("a", "m", tags("x")), dep("b", "m"))
	_, _, err := k.run("m", map[string]route.Failure{"a": failure(429, "RateLimitError")}, with("x"))
	require.Error(t, err)
	require.Contains(t, k.only("m", with("x")), "No deployments available for selected model, Try again in 5 seconds.")
}

func TestRegion(t *testing.T) {
	t.Parallel()
	in := func(region string) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.Region = region }
	}
	aws := func(d *contract.Deployment) {
		d.Params = map[string]json.RawMessage{"aws_region_name": json.RawMessage(`"eu-west-1"`)}
	}
	k := newKit(t, nil, dep("a", "m", in("eu")), dep("b", "m", in("us-east-1")), dep("c", "m"), dep("d", "m", aws), dep("e", "m", in("eu-west-2")))
	for region, want := range map[string]string{"": "a b c d e", "eu": "a d", "EU": "a d", "us": "b", "us-east-1": "b", "eu-west-2": "e"} {
		require.Equal(t, want, k.only("m", func(a *route.Ask) { a.Region = region }), region)
	}
	require.Contains(t, k.only("m", func(a *route.Ask) { a.Region = "ap" }), "No deployments available for selected model")
}

func TestOrder(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil, dep("a", "m", order(1)), dep("b", "m", order(1)), dep("c", "m", order(2)), dep("d", "m"))
	require.Equal(t, "a b", k.only("m"))
	limited := failure(429, "RateLimitError")

	way, r, err := k.run("m", map[string]route.Failure{"a": limited, "b": limited})
	require.NoError(t, err)
	require.Regexp(t, "^(a,b|b,a),c$", way, "the next order serves when the lower one can not")
	retries, fallbacks := r.Attempts()
	require.Equal(t, [2]int{2, 0}, [2]int{retries, fallbacks})
	require.Equal(t, "c", k.only("m"), "as long as it cools down")
	k.clock.pass(6 * time.Second)
	require.Equal(t, "a b", k.only("m"))

	// What is not retried goes to the next order as a fallback.
	refused := failure(400, "BadRequestError")
	way, r, err = k.run("m", map[string]route.Failure{"a": refused, "b": refused, "c": refused})
	require.NoError(t, err)
	require.Regexp(t, "^[ab],c!,d!$", way)
	_, fallbacks = r.Attempts()
	require.Equal(t, 2, fallbacks)
}

func TestPreCallChecks_context_window(t *testing.T) {
	t.Parallel()
	window := func(n int64) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.MaxInputTokens = n }
	}
	asked := 0
	tokens := func(n int64) func(*route.Ask) {
		return func(a *route.Ask) { a.InputTokens = func() int64 { asked++; return n } }
	}
	k := newKit(t, &contract.RouterSettings{PreCallChecks: true}, dep("a", "m", window(10)), dep("b", "m", window(100)), dep("c", "free"))
	require.Equal(t, "c", k.only("free", tokens(1000)))
	require.Zero(t, asked, "nobody counts tokens that nobody needs")
	require.Equal(t, "a b", k.only("m", tokens(10)))
	require.Equal(t, "b", k.only("m", tokens(11)))
	_, _, err := k.begin("m", tokens(101))
	require.EqualError(t, err, "litellm.ContextWindowExceededError: litellm.BadRequestError: litellm._pre_call_checks: Context Window exceeded for given call. "+
		"No models have context window large enough for this call.\nModel=openai/model-of-a, Max Input Tokens=10, Got=101Model=openai/model-of-b, Max Input Tokens=100, Got=101"+
		"\nmodel=m. context_window_fallbacks=None. fallbacks=None.\n\nSet 'context_window_fallback' - https://docs.litellm.ai/docs/routing#fallbacks"+
		". Received Model Group=m\nAvailable Model Group Fallbacks=None")

	asked = 0
	_, _, err = k.run("m", map[string]route.Failure{"a": failure(500, "InternalServerError"), "b": failure(500, "InternalServerError")}, tokens(1))
	require.Error(t, err)
	require.Equal(t, 1, asked, "they are counted once a request")

	k = newKit(t, nil, dep("a", "m", window(10)))
	require.Equal(t, "a", k.only("m", tokens(1000)), "unless asked for, nothing is checked")
}

func TestLimits_of_a_minute(t *testing.T) {
	t.Parallel()
	rate := func(rpm, tpm int64) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.RPM, d.TPM = rpm, tpm }
	}
	// A strategy that keeps to limits leaves out who is over them; the reset is
	// that of the minute.
	k := newKit(t, &contract.RouterSettings{Strategy: "usage-based-routing-v2"}, dep("a", "m", rate(2, 0)), dep("b", "m", rate(3, 0)))
	k.clock.pass(20 * time.Second)
	require.Equal(t, map[string]int{"a": 2, "b": 3}, k.picks(5, "m"))
	_, _, err := k.begin("m")
	require.EqualError(t, err, "No deployments available for selected model, Try again in 40 seconds. Passed model=m. pre-call-checks=False, cooldown_list=[]")
	k.clock.pass(40 * time.Second)
	k.picks(5, "m")

	// Those that were picked and never sent do not count.
	k.clock.pass(time.Minute)
	for range 20 {
		r, _, err := k.begin("m")
		require.NoError(t, err)
		r.Reset()
	}
	k.picks(5, "m")

	// Tokens count when they are known.
	k = newKit(t, &contract.RouterSettings{EnforceRateLimits: true}, dep("a", "m", rate(0, 100)))
	r, _, err := k.begin("m")
	require.NoError(t, err)
	r.Started()
	r.Finished(route.Outcome{Tokens: 120})
	_, _, err = k.begin("m")
	require.EqualError(t, err, "litellm.RateLimitError: Model rate limit exceeded. TPM limit=100, current usage=120. Received Model Group=m\nAvailable Model Group Fallbacks=None")
	var e *apierr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, [2]any{429, time.Minute}, [2]any{e.Status, e.RetryAfter})

	k = newKit(t, &contract.RouterSettings{PreCallChecks: true}, dep("a", "m", rate(1, 0)))
	k.picks(1, "m")
	_, _, err = k.begin("m")
	require.EqualError(t, err, "No deployments available for selected model. Passed model=m")

	k = newKit(t, nil, dep("a", "m", rate(1, 1)))
	k.picks(10, "m") // simple-shuffle takes them for weights
}

func TestMaxParallel(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{DefaultMaxParallel: 1},
		dep("a", "m", func(d *contract.Deployment) { d.MaxParallel = 2 }), dep("b", "m"))
	var open []*route.Route
	seen := map[string]int{}
	for range 3 {
		r, id, err := k.begin("m")
		require.NoError(t, err)
		open = append(open, r)
		seen[id]++
	}
	require.Equal(t, map[string]int{"a": 2, "b": 1}, seen)
	_, _, err := k.begin("m")
	require.ErrorContains(t, err, "Max parallel requests")
	open[0].Started()
	open[0].Finished(route.Outcome{Aborted: true})
	open[0].Reset()
	_, id, err := k.begin("m")
	require.NoError(t, err)
	require.Equal(t, open[0].Current().Deployment == nil, id != "", "a place is given back once")
	_, _, err = k.begin("m")
	require.Error(t, err)
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	finish := func(k *kit, id string, o route.Outcome, edits ...func(*route.Ask)) {
		r := &route.Route{}
		_, err := r.Begin(k.router, k.table, k.ask(id, edits...))
		require.NoError(t, err)
		r.Started()
		r.Finished(o)
	}
	stream := func(a *route.Ask) { a.Stream = true }

	k := newKit(t, &contract.RouterSettings{Strategy: "latency-based-routing", LatencyTTLMS: 60_000, LatencyBuffer: 0.5}, dep("a", "m"), dep("b", "m"), dep("c", "m"))
	finish(k, "a", route.Outcome{Took: time.Second})
	require.Equal(t, "b c", k.only("m"), "what was not measured is tried first")
	finish(k, "b", route.Outcome{Took: 1400 * time.Millisecond})
	finish(k, "c", route.Outcome{Took: 40 * time.Second, OutputTokens: 20})
	require.Equal(t, "a b", k.only("m"), "those near the fastest")
	finish(k, "a", route.Outcome{FirstByte: 3 * time.Second, Took: 4 * time.Second}, stream)
	finish(k, "b", route.Outcome{FirstByte: time.Second, Took: 40 * time.Second}, stream)
	finish(k, "c", route.Outcome{FirstByte: 2 * time.Second, Took: 4 * time.Second}, stream)
	require.Equal(t, "b", k.only("m", stream), "of streams it is the first byte that counts")
	late := failure(408, "Timeout")
	finish(k, "b", route.Outcome{Failure: &late}, stream)
	require.Equal(t, "a c", k.only("m", stream), "who does not answer is slow")
	k.clock.pass(time.Minute)
	require.Equal(t, "a b c", k.only("m"), "measurements grow old")

	k = newKit(t, &contract.RouterSettings{Strategy: "usage-based-routing"}, dep("a", "m"), dep("b", "m"))
	finish(k, "a", route.Outcome{Tokens: 10})
	require.Equal(t, "b", k.only("m"))
	finish(k, "b", route.Outcome{Tokens: 11})
	require.Equal(t, "a", k.only("m"))
	k.clock.pass(time.Minute)
	require.Equal(t, "a b", k.only("m"))

	price := func(in, out int) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.Rate = rate(in, out) }
	}
	k = newKit(t, &contract.RouterSettings{Strategy: "cost-based-routing"}, dep("a", "m", price(3, 3)), dep("b", "m", price(1, 4)), dep("c", "m"))
	require.Equal(t, "b", k.only("m"))
	k.env.CostPerMillion = func(d *route.Deployment) (in, out int64) { return map[string]int64{"a": 0, "b": 7, "c": -1}[d.ID], 0 }
	k.configure(&contract.RouterSettings{Strategy: "cost-based-routing"}, dep("a", "m", price(3, 3)), dep("b", "m", price(1, 4)), dep("c", "m"))
	require.Equal(t, "a", k.only("m"), "prices may change without the deployments")
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	set := func(d *contract.Deployment) {
		d.TimeoutMS, d.StreamTimeoutMS, d.StreamIdleTimeoutMS = 3000, 4000, 5000
	}
	settings := &contract.RouterSettings{TimeoutMS: 7000, StreamTimeoutMS: 8000, StreamIdleTimeoutMS: 9000}
	s := time.Second
	for _, c := range []struct {
		name string
		set  *contract.RouterSettings
		dep  *contract.Deployment
		ask  route.TimeoutAsk
		want route.Timeouts
	}{
		{"default", nil, dep("a", "m"), route.TimeoutAsk{}, route.Timeouts{Head: 6000 * s}},
		{"router", settings, dep("a", "m"), route.TimeoutAsk{}, route.Timeouts{Head: 7 * s}},
		{"router, stream", settings, dep("a", "m"), route.TimeoutAsk{Stream: true}, route.Timeouts{Head: 8 * s, Idle: 9 * s}},
		{"deployment", settings, dep("a", "m", set), route.TimeoutAsk{}, route.Timeouts{Head: 3 * s}},
		{"deployment, stream", settings, dep("a", "m", set), route.TimeoutAsk{Stream: true}, route.Timeouts{Head: 4 * s, Idle: 5 * s}},
		{"body", settings, dep("a", "m", set), route.TimeoutAsk{BodyTimeout: s}, route.Timeouts{Head: s}},
		{"body, stream", settings, dep("a", "m", set), route.TimeoutAsk{Stream: true, BodyTimeout: s, BodyStreams: 2 * s}, route.Timeouts{Head: 2 * s, Idle: 5 * s}},
		{"header", settings, dep("a", "m", set), route.TimeoutAsk{Header: s, BodyTimeout: 2 * s}, route.Timeouts{Head: s}},
		{"header, stream", settings, dep("a", "m", set), route.TimeoutAsk{Stream: true, Header: s, BodyStreams: 2 * s}, route.Timeouts{Head: s, Idle: 5 * s}},
		{"header for streams", settings, dep("a", "m", set), route.TimeoutAsk{Stream: true, Header: s, HeaderStream: 2 * s}, route.Timeouts{Head: 2 * s, Idle: 5 * s}},
	} {
		k := newKit(t, c.set, c.dep)
		require.Equal(t, c.want, k.table.Timeouts(k.table.Deployment("a"), &c.ask), c.name)
	}
}
