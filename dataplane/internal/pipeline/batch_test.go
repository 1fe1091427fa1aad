package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// vendor is OpenAI as far as batches go: it keeps files and takes batches.
type vendor struct {
	provider.Backend

	mu     sync.Mutex
	files  map[string]string
	status int           // of a batch
	hold   chan struct{} // closed when a batch is there, which is not answered then
	asked  []string
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{files: map[string]string{}, status: http.StatusOK}
	server := httptest.NewServer(v)
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	row, _ := catalog.Lookup("openai")
	v.Backend, err = compat.New(&row, provider.Config{
		Provider: "openai", Model: "vendor-m", APIKey: "sk-vendor", APIBase: server.URL + "/v1", Getenv: func(string) string { return "" },
	}, client)
	require.NoError(t, err)
	return v
}

// Forward implements provider.Forwarder.
func (v *vendor) Forward(ctx context.Context, f *provider.Forward) (provider.Reply, error) {
	return v.Backend.(provider.Forwarder).Forward(ctx, f)
}

func (v *vendor) Root() string { return "" }

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	v.mu.Lock()
	v.asked = append(v.asked, r.Method+" "+r.URL.Path)
	hold, status := v.hold, v.status
	file, ok := v.files[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v1/files/"), "/content")]
	v.mu.Unlock()
	switch {
	case r.Method == http.MethodGet && !ok:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, file)
	case hold != nil:
		close(hold)
		<-r.Context().Done()
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"id":"batch_1","object":"batch"}`)
	}
}

// calls are what the vendor was asked for since the last time.
func (v *vendor) calls() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	asked := v.asked
	v.asked = nil
	return asked
}

// keep gives the vendor a file of n requests for each model.
func (v *vendor) keep(name string, n int, models ...string) {
	var lines strings.Builder
	for _, m := range models {
		for range n {
			fmt.Fprintf(&lines, `{"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[]}}`+"\n", m)
		}
	}
	v.files[name] = lines.String()
}

// newBatches is a lab whose model m is vendor-m of a vendor that takes batches.
func newBatches(t *testing.T, s contract.LimitSettings) (*lab, *vendor) {
	t.Helper()
	v := newVendor(t)
	l := newLab(t, setup{backends: byModel{"vendor-m": v}, config: snapshot.Config{Limits: s}, adjust: func(d *contract.Deployment) {
		d.ID, d.ModelName = "m-id", "m"
	}})
	return l, v
}

const post = "POST /v1/batches"

// submitTo sends a batch by some path.
func (l *lab) submitTo(ctx context.Context, path, key, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := request{key: key, body: body, header: map[string]string{"Content-Type": "application/json"}}.to(path)
	l.Proxy(w, r.WithContext(ctx), pipeline.Passage{
		Endpoint: pipeline.Endpoint{Name: "/batches"}, Path: path, Wire: openai.Dialect{}, CallType: "abatch",
		Find: func(t *route.Table, _ string, _ func(string) string) (*route.Deployment, error) {
			return t.Deployment("m-id"), nil
		},
	})
	return w
}

func (l *lab) submit(key, file string) *httptest.ResponseRecorder {
	return l.submitTo(l.tb.Context(), "/batches", key, `{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
}

func day(requests, tokens int64) contract.Limits {
	return contract.Limits{Rates: contract.Rates{RPD: &requests, TPD: &tokens}}
}

func TestBatches_are_held_to_all_limits_as_a_whole(t *testing.T) {
	t.Parallel()
	l, v := newBatches(t, contract.LimitSettings{})
	v.keep("thousand", 1000, "vendor-m")
	held := day(1500, 1_000_000)
	key := l.key("k", contract.VirtualKey{Limits: held})
	own := limitsOf(key, held)
	require.Equal(t, http.StatusOK, l.submit(key, "thousand").Code)
	require.Equal(t, []string{"GET /v1/files/thousand/content", post}, v.calls())
	require.Equal(t, []int64{1000, 1000}, []int64{l.used(&own.Always[0]), l.used(&own.Always[1])})
	require.Zero(t, l.reserved(own.Always))

	w := l.submit(key, "thousand")
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ := said(t, w)
	require.Contains(t, text, "Batch rate limit exceeded for api_key: sk-...k. Batch contains 1000 requests but only 500 requests remaining out of 1500 RPM limit. Limit resets at: ")
	require.Equal(t, "requests", w.Header().Get("rate_limit_type"))
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.Equal(t, []string{"GET /v1/files/thousand/content"}, v.calls(), "it was not submitted")
	require.EqualValues(t, 1000, l.used(&own.Always[0]), "and has used nothing")

	v.keep("rest", 500, "vendor-m")
	require.Equal(t, http.StatusOK, l.submitTo(t.Context(), "/v1/batches?x=1", key, `{"input_file_id":"rest"}`).Code, "by another route")
	v.calls()
	require.Equal(t, http.StatusTooManyRequests, l.submit(key, "rest").Code)
	require.Empty(t, v.calls(), "nobody lets files be read who has nothing left")

	free, _ := newBatches(t, contract.LimitSettings{FreeBatches: true})
	key = free.key("k", contract.VirtualKey{Limits: held})
	require.Equal(t, http.StatusOK, free.submit(key, "unknown").Code, "nobody looks into it")
	require.EqualValues(t, 1, free.used(&own.Always[0]))
}

func TestBatches_that_can_not_be_counted_are_refused(t *testing.T) {
	t.Parallel()
	l, v := newBatches(t, contract.LimitSettings{})
	v.keep("other", 2, "vendor-m", "secret-model")
	v.files["broken"] = `{"body":{"model":"vendor-m"}`
	held := day(100, 100_000)
	key := l.key("k", contract.VirtualKey{Limits: held, Models: []string{"m"}})
	own := limitsOf(key, held)
	for file, want := range map[string]struct {
		status int
		text   string
	}{
		"missing": {http.StatusBadRequest, "Batch input file not found: missing"},
		"broken":  {http.StatusBadRequest, "The batch can not be read: line 1: want one JSON object"},
		"other":   {http.StatusForbidden, "Batch input file references a model the caller is not authorized to use: model=secret-model, reason=The requested model"},
	} {
		w := l.submit(key, file)
		require.Equal(t, want.status, w.Code, w.Body)
		text, _ := said(t, w)
		require.Contains(t, text, want.text)
	}
	w := l.submitTo(t.Context(), "/batches", key, `{"input_blob":"https://x"}`)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.NotContains(t, v.calls(), post)
	require.Zero(t, l.used(&own.Always[0]))
	require.Zero(t, l.reserved(own.Always))
	v.keep("own", 2, "vendor-m")
	require.Equal(t, http.StatusOK, l.submit(key, "own").Code, "a model may be named as the vendor does")
	anybody := l.key("anybody", contract.VirtualKey{})
	v.calls()
	require.Equal(t, http.StatusOK, l.submit(anybody, "missing").Code)
	require.Equal(t, []string{post}, v.calls(), "where nothing depends on it, nobody looks")
}

func TestBatches_are_held_to_limits_of_models(t *testing.T) {
	t.Parallel()
	l, v := newBatches(t, contract.LimitSettings{})
	held := contract.Limits{
		Rates:  contract.Rates{RPM: new(int64(100))},
		Models: map[string]contract.ModelLimits{"m": {Rates: contract.Rates{RPM: new(int64(10))}}, "claude": {Rates: contract.Rates{RPM: new(int64(3))}}},
	}
	key := l.key("k", contract.VirtualKey{Limits: held})
	own := limitsOf(key, held)
	used := func() []int64 {
		return []int64{l.used(&own.Always[0]), l.used(&own.Models["m"][0]), l.used(&own.Models["claude"][0])}
	}
	v.keep("six", 6, "vendor-m")
	require.Equal(t, http.StatusOK, l.submit(key, "six").Code)
	require.Equal(t, []int64{6, 6, 0}, used(), "the file's model is the vendor's, the limit's the group that leads to it")
	w := l.submit(key, "six")
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ := said(t, w)
	require.Contains(t, text, "Batch rate limit exceeded for model_per_key: sk-...k:m. Batch contains 6 requests but only 4 requests remaining out of 10 RPM limit.")
	require.Equal(t, []int64{6, 6, 0}, used())

	inline := func(models ...string) string {
		return `{"requests":[{"params":{"model":"` + strings.Join(models, `"}},{"params":{"model":"`) + `"}}]}`
	}
	w = l.submitTo(t.Context(), "/v1/messages/batches", key, inline("vendor-m", "claude", "claude", "claude", "claude"))
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, []int64{6, 6, 0}, used(), "all or nothing, also of several models")
	require.Equal(t, http.StatusOK, l.submitTo(t.Context(), "/v1/messages/batches", key, inline("vendor-m", "claude", "claude", "claude")).Code)
	require.Equal(t, []int64{10, 7, 3}, used())
	require.Zero(t, l.reserved(append(own.Always, own.Models["m"]...)))
}

func TestBatches_count_when_they_may_have_begun(t *testing.T) {
	t.Parallel()
	l, v := newBatches(t, contract.LimitSettings{})
	v.keep("ten", 10, "vendor-m")
	held := day(100, 100_000)
	start := func(name string) (string, func() int64) {
		key := l.key(name, contract.VirtualKey{Limits: held})
		return key, func() int64 { return l.used(&limitsOf(key, held).Always[0]) }
	}
	declined, used := start("declined")
	v.status = http.StatusBadRequest
	require.Equal(t, http.StatusBadRequest, l.submit(declined, "ten").Code)
	require.EqualValues(t, 1, used(), "a request, as every other that fails")

	gone, used := start("gone")
	v.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-v.hold; cancel() }()
	l.submitTo(ctx, "/batches", gone, `{"input_file_id":"ten"}`)
	require.EqualValues(t, 10, used(), "who hangs up has submitted it")
}

func TestBatches_larger_than_a_window(t *testing.T) {
	t.Parallel()
	for split, want := range map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests} {
		l, v := newBatches(t, contract.LimitSettings{SplitBatches: split})
		v.keep("large", 30, "vendor-m")
		key := l.key("k", contract.VirtualKey{Limits: contract.Limits{Rates: contract.Rates{RPM: new(int64(20))}}})
		w := l.submit(key, "large")
		require.Equal(t, want, w.Code)
		if !split {
			text, _ := said(t, w)
			require.Contains(t, text, "Batch contains 30 requests but only 20 requests remaining out of 20 RPM limit.")
		}
	}
}
