package contract_test

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// failure is a vendor that fails, and what the client gets of it.
type failure struct {
	name      string
	behaviour fakevendor.Behaviour
	params    []string // of the deployment
	refused   bool     // nobody listens
	want      refusal
	after     string
	// jsonOnly and streamOnly failures need that kind of call.
	jsonOnly, streamOnly bool
	// begun means that the stream has begun before it fails.
	begun bool
}

func (f failure) model() string { return strings.ReplaceAll(f.name, " ", "-") }

func failures() []failure {
	status := func(code int, class string) failure {
		f := failure{
			name: "status " + strconv.Itoa(code), behaviour: fakevendor.Fail(code, "The vendor's reason."),
			want: refusal{code, nil, nil, "litellm." + class + ": " + class + ": OpenAIException - The vendor's reason."},
		}
		if code == http.StatusTooManyRequests {
			f.want.kind, f.after, f.behaviour = "throttling_error", "17", fakevendor.FailLater(code, "The vendor's reason.", "17")
		}
		return f
	}
	lost := refusal{http.StatusInternalServerError, nil, nil, "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error."}
	slow := refusal{http.StatusRequestTimeout, nil, nil, "litellm.Timeout: Timeout: OpenAIException - Request timed out."}
	garbage := func(message string) refusal {
		return refusal{http.StatusInternalServerError, nil, nil, "litellm.APIError: APIError: OpenAIException - " + message}
	}
	const stream = "text/event-stream"
	return []failure{
		status(http.StatusBadRequest, "BadRequestError"),
		status(http.StatusUnauthorized, "AuthenticationError"),
		status(http.StatusForbidden, "PermissionDeniedError"),
		status(http.StatusNotFound, "NotFoundError"),
		status(http.StatusRequestTimeout, "Timeout"),
		status(http.StatusUnprocessableEntity, "UnprocessableEntityError"),
		status(http.StatusTooManyRequests, "RateLimitError"),
		status(http.StatusInternalServerError, "InternalServerError"),
		status(http.StatusBadGateway, "BadGatewayError"),
		status(http.StatusServiceUnavailable, "ServiceUnavailableError"),
		{name: "an error page", behaviour: fakevendor.Status(http.StatusBadGateway, "<html>502</html>"), want: refusal{http.StatusBadGateway, nil, nil, "BadGatewayError: OpenAIException - the provider gave no reason"}},
		{name: "refused", refused: true, want: lost},
		{name: "hung up", behaviour: fakevendor.HangUp(), want: lost},
		{name: "silent", behaviour: fakevendor.Hang(), params: []string{"timeout: 0.2"}, want: slow},
		{name: "cut body", behaviour: fakevendor.CutBody(), want: lost},
		{name: "truncated JSON", behaviour: fakevendor.TruncatedJSON(), want: garbage("the answer is not a JSON object")},
		{name: "garbage JSON", behaviour: fakevendor.Raw("application/json", "\x00\x01 not JSON"), want: garbage("the answer is not a JSON object")},
		{name: "a web page", behaviour: fakevendor.Raw("text/html", "<html>hello</html>"), want: garbage("the answer is not a JSON object")},
		{name: "an array", behaviour: fakevendor.Raw("application/json", "[1]"), jsonOnly: true, want: garbage("the answer is not a JSON object")},
		{name: "nothing", behaviour: fakevendor.Raw("application/json", ""), jsonOnly: true, want: garbage("the answer is not a JSON object")},
		{name: "an empty stream", behaviour: fakevendor.Raw(stream, ""), streamOnly: true, want: garbage("the stream ended before its first event")},
		{name: "a garbage stream", behaviour: fakevendor.Raw(stream, "data: <html>\n\ndata: [DONE]\n\n"), streamOnly: true, want: garbage("the stream does not carry JSON events")},
		{name: "a cut stream", behaviour: fakevendor.Answer(fakevendor.Options{CutAfter: 2}), streamOnly: true, begun: true, want: lost},
	}
}

func failureConfig(t *testing.T, v *fakevendor.Vendor) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("model_list:\n")
	for _, f := range failures() {
		base := v.URL()
		if f.refused {
			base = fakevendor.RefusedURL(t)
		}
		b.WriteString(fakevendor.DeploymentAt(base, f.model(), "gpt-"+f.model(), f.params...))
		if f.behaviour != nil {
			v.Script("gpt-"+f.model(), f.behaviour)
		}
	}
	b.WriteString("router_settings: {num_retries: 0}\n")
	return b.String()
}

// TestVendor_failures runs alone, because it counts what is left behind.
//
//nolint:paralleltest // see above
func TestVendor_failures(t *testing.T) {
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: failureConfig(t, v)})
	key := s.NewKey(t, nil)
	expected := map[int]float64{}
	broken := 0.0
	for _, f := range failures() {
		if !f.streamOnly {
			t.Run(f.name, func(t *testing.T) { f.json(t, s, key) })
			expected[f.want.status]++
		}
		if f.jsonOnly {
			continue
		}
		t.Run(f.name+" to a stream", func(t *testing.T) { f.stream(t, s, key) })
		if f.begun {
			broken++
			continue
		}
		expected[f.want.status]++
	}
	url := s.DataPlane(0)
	stack.Await(t, "nothing is under way", func() bool { return s.Metric(t, url, "tianji_dataplane_requests_in_flight") == 0 })
	for status, n := range expected {
		labels := []string{`route="/chat/completions"`, `status="` + strconv.Itoa(status) + `"`}
		require.InDelta(t, n, s.Metric(t, url, "tianji_dataplane_request_errors_total", labels...), 0, "errors with status %d", status)
		if status != http.StatusInternalServerError {
			require.InDelta(t, n, s.Metric(t, url, "tianji_dataplane_requests_total", labels...), 0, "requests with status %d", status)
		}
	}
	require.InDelta(t, broken, s.Metric(t, url, "tianji_dataplane_streams_broken_total"), 0)
	require.InDelta(t, expected[500]+broken, s.Metric(t, url, "tianji_dataplane_requests_total", `status="500"`), 0)
	leavesNothing(t, s, v, key)
}

func (f failure) json(t *testing.T, s *stack.Stack, key string) {
	t.Helper()
	r := s.Client(key).Post(t, chatPath, hello(f.model()))
	f.want.check(t, r)
	require.Equal(t, f.after, r.Header.Get("Retry-After"))
	require.NotEmpty(t, r.Header.Get("X-Tianji-Call-Id"))
	require.NotContains(t, string(r.Body), fakevendor.Key)
}

func (f failure) stream(t *testing.T, s *stack.Stack, key string) {
	t.Helper()
	body := hello(f.model())
	body["stream"] = true
	if !f.begun {
		r := s.Client(key).Post(t, chatPath, body)
		f.want.check(t, r)
		require.Equal(t, f.after, r.Header.Get("Retry-After"))
		return
	}
	e := s.Client(key).Stream(t, chatPath, body)
	defer e.Close()
	events, err := e.Rest()
	require.NoError(t, err, "a stream that fails still ends in order")
	require.Len(t, events, 4, "the opening, two chunks, the error")
	f.want.checkBody(t, []byte(events[3]))
}

// leavesNothing fails in every way again, many times at once, and waits until
// goroutines and connections are as few as before.
func leavesNothing(t *testing.T, s *stack.Stack, v *fakevendor.Vendor, key string) {
	t.Helper()
	round := func() {
		var wg sync.WaitGroup
		for _, f := range failures() {
			for range 4 {
				wg.Go(func() {
					body := hello(f.model())
					body["stream"] = f.streamOnly
					s.Client(key).Post(t, chatPath, body)
				})
			}
		}
		wg.Wait()
	}
	idle := func() bool {
		open := int(s.Metric(t, s.DataPlane(0), "tianji_dataplane_upstream_idle_connections"))
		return v.InFlight() == 0 && v.Connections() == open && s.Metric(t, s.DataPlane(0), "tianji_dataplane_requests_in_flight") == 0
	}
	round()
	stack.Await(t, "the vendor has only idle connections", idle)
	// Each idle connection costs the vendor's server a goroutine, each client
	// connection a few more; a leak of one a request would be five times that.
	before, connections := runtime.NumGoroutine(), v.Connections()
	for range 5 {
		round()
	}
	stack.Await(t, "the vendor has only idle connections again", idle)
	slack := len(failures()) + 3*max(0, v.Connections()-connections)
	stack.Await(t, "goroutines are as few as before", func() bool { return runtime.NumGoroutine() <= before+slack })
}
