package pipeline_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/responses"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/money"
)

// end is a way in which a request ends.
type end struct {
	backend provider.Backend
	// run makes the request of a key, to the model of the end's name. Nil is a
	// chat; more are members of its body.
	run  func(l *lab, key, model string)
	more string
	// counts says that it is a request in the end, and spends that it uses
	// tokens and money.
	counts, spends bool
}

// offering is a backend of every surface.
type offering struct{ *scripted }

func (offering) Offers(provider.Surface) bool { return true }

// forwarding is a backend that hands requests on.
type forwarding struct{ *scripted }

func (f forwarding) Root() string { return "https://vendor" }

func (f forwarding) Forward(ctx context.Context, fw *provider.Forward) (provider.Reply, error) {
	return f.Do(ctx, &provider.Call{Body: fw.Whole})
}

// talking is a backend of realtime sessions.
type talking struct {
	*scripted

	url string
}

func (t talking) Realtime(context.Context) (string, http.Header, error) {
	return t.url, http.Header{}, nil
}

func passing(l *lab, key, model string) {
	d := l.Table().Deployment(model + "-id")
	w := httptest.NewRecorder()
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint,err113 // as net/http
			panic(cause)
		}
	}()
	l.Proxy(w, request{key: key, body: `{"model":"` + model + `","input":"x"}`, header: map[string]string{"Content-Type": "application/json"}}.to("/openai/v1/x"), pipeline.Passage{
		Endpoint: pipeline.Endpoint{Name: "/openai"}, Path: "/v1/x", Wire: openai.Dialect{},
		Find: func(*route.Table, string, func(string) string) (*route.Deployment, error) { return d, nil },
	})
}

func leavingAfter(l *lab, key, model string, first bool) {
	ctx, cancel := context.WithCancel(l.tb.Context())
	defer cancel()
	w := &leaving{httptest.NewRecorder(), cancel}
	if first {
		cancel()
	}
	r := request{key: key, body: `{"model":"` + model + `","stream":true,"messages":[]}`}.to("/")
	l.Serve(w, r.WithContext(ctx), chats(), "")
}

func serving(e pipeline.Endpoint, body string) func(*lab, string, string) {
	return func(l *lab, key, model string) {
		l.Serve(httptest.NewRecorder(), request{key: key, body: strings.ReplaceAll(body, "MODEL", model)}.to("/"), e, "")
	}
}

func twice(run func(*lab, string, string)) func(*lab, string, string) {
	return func(l *lab, key, model string) {
		other := l.key("warm-"+model, contract.VirtualKey{})
		run(l, other, model)
		run(l, key, model)
	}
}

func realtime(l *lab, key, model string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.Realtime(w, r) }))
	defer server.Close()
	ctx, cancel := context.WithTimeout(l.tb.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(server.URL, "http")+"/v1/realtime?model="+model, &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + key}},
	})
	if err != nil {
		return
	}
	require.NoError(l.tb, conn.Write(ctx, websocket.MessageText, []byte(`{"type":"response.create"}`)))
	_, _, err = conn.Read(ctx)
	require.NoError(l.tb, err)
	_ = conn.Close(websocket.StatusNormalClosure, "")
	l.EndSessions() // waits until it is booked
}

// vendorSocket answers each event with one answer.
func vendorSocket(tb testing.TB) string {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			if _, _, err := conn.Read(r.Context()); err != nil {
				return
			}
			if conn.Write(r.Context(), websocket.MessageText, []byte(`{"type":"response.done","response":{"usage":{"input_tokens":30,"output_tokens":12}}}`)) != nil {
				return
			}
		}
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

func ends(tb testing.TB) map[string]end {
	tb.Helper()
	count := chats()
	count.Surface, count.Count = provider.CountTokens, &pipeline.Count{
		Decode: func([]byte, []jsonx.Member) (*chat.Request, error) { return &chat.Request{}, nil },
		Answer: func(int64) []byte { return []byte(`{"input_tokens":1}`) },
	}
	embeddings := pipeline.Endpoint{Surface: provider.Embeddings, Name: "/embeddings"}
	background := pipeline.Endpoint{Surface: provider.Responses, Name: "/responses", Dialect: responses.Dialect{}}
	cached := twice(serving(chats(), `{"model":"MODEL","messages":[],"cache":{"use-cache":true}}`))
	vectors := &scripted{pieces: []string{`{"object":"list","model":"v","data":[{"object":"embedding","index":0,"embedding":[1]}],"usage":{"prompt_tokens":4,"total_tokens":4}}`}}
	return map[string]end{
		"answer":           {backend: answering("10", "5"), counts: true, spends: true},
		"stream":           {backend: &scripted{header: events, pieces: []string{chunk("v", "a"), usageChunk, done}}, more: `,"stream":true`, counts: true, spends: true},
		"unreported":       {backend: &scripted{pieces: []string{`{"model":"v"}`}}, counts: true, spends: true},
		"refusing-vendor":  {backend: refusing(http.StatusTooManyRequests, "slow down"), counts: true},
		"refusing-request": {backend: refusing(http.StatusBadRequest, "no"), counts: true},
		"connection":       {backend: &scripted{failed: errBroken}, counts: true},
		"panic":            {backend: &scripted{panics: true}, counts: true},
		"garbage":          {backend: &scripted{pieces: []string{`nonsense`}}, counts: true},
		"cut-answer":       {backend: &scripted{pieces: []string{`{"id":`}, err: errBroken}, counts: true},
		"cut-stream":       {backend: &scripted{header: events, pieces: []string{chunk("v", "one"), chunk("v", "two")}, err: errBroken}, more: `,"stream":true`, counts: true, spends: true},
		"timeout-not-a-number": {
			backend: answering("1", "1"), counts: true,
			run: func(l *lab, key, model string) {
				l.serve(request{key: key, body: strings.Replace(ask, `"m"`, `"`+model+`"`, 1), header: map[string]string{"X-Tianji-Timeout": "soon"}})
			},
		},
		"gone-midway": {
			backend: &scripted{header: events, pieces: []string{chunk("v", "one"), chunk("v", "two")}, err: context.Canceled}, counts: true, spends: true,
			run: func(l *lab, key, model string) { leavingAfter(l, key, model, false) },
		},
		"gone-before": {
			backend: &scripted{failed: context.Canceled},
			run:     func(l *lab, key, model string) { leavingAfter(l, key, model, true) },
		},
		"unknown-model": {
			backend: answering("1", "1"),
			run: func(l *lab, key, _ string) {
				l.serve(request{key: key, body: strings.Replace(ask, `"m"`, `"nothing"`, 1)})
			},
		},
		"routed-nowhere":  {backend: answering("1", "1"), more: `,"user":"eu"`},
		"deployment-full": {backend: answering("1", "1")},
		"mock-failure":    {backend: answering("1", "1"), more: `,"mock_testing_fallbacks":true`, counts: true},
		"fallback":        {backend: &scripted{failed: errBroken}, more: `,"fallbacks":["spare"]`, counts: true, spends: true},
		"fallback-full":   {backend: refusing(http.StatusInternalServerError, "no"), more: `,"fallbacks":["deployment-full"]`, counts: true},
		"cache-hit":       {backend: answering("10", "5"), run: cached, counts: true},
		"embedding":       {backend: vectors, run: serving(embeddings, `{"model":"MODEL","input":["x"]}`), counts: true, spends: true},
		"embedding-part": {
			backend: vectors, counts: true, spends: true,
			run: func(l *lab, key, model string) {
				ask := func(key, input string) {
					serving(embeddings, `{"model":"MODEL","input":`+input+`,"cache":{"use-cache":true}}`)(l, key, model)
				}
				ask(l.key("warm-"+model, contract.VirtualKey{}), `["x"]`)
				ask(key, `["x","y"]`)
			},
		},
		"embedding-hit": {backend: vectors, run: twice(serving(embeddings, `{"model":"MODEL","input":["x"],"cache":{"use-cache":true}}`)), counts: true},
		"counting":      {backend: &native{}, run: serving(count, `{"model":"MODEL","messages":[]}`), counts: true},
		"background":    {backend: offering{&scripted{pieces: []string{`{"id":"resp_1","status":"queued","usage":null}`}}}, run: serving(background, `{"model":"MODEL","input":"x","background":true}`), counts: true, spends: true},
		"asked-about": {backend: answering("1", "1"), run: func(l *lab, key, _ string) {
			l.ServeResponse(httptest.NewRecorder(), request{key: key}.to("/v1/responses/resp_x"), "resp_x", "")
		}, counts: true},
		"passage":         {backend: forwarding{&scripted{header: map[string]string{"Content-Type": "application/json"}, pieces: []string{`{"model":"v","usage":{"prompt_tokens":3,"completion_tokens":2}}`}}}, run: passing, counts: true, spends: true},
		"passage-stream":  {backend: forwarding{&scripted{header: events, pieces: []string{chunk("v", "a"), usageChunk, done}}}, run: passing, counts: true, spends: true},
		"passage-refused": {backend: forwarding{refusing(http.StatusForbidden, "no")}, run: passing, counts: true},
		"passage-failed":  {backend: forwarding{&scripted{failed: errBroken}}, run: passing, counts: true},
		"passage-cut":     {backend: forwarding{&scripted{header: events, pieces: []string{chunk("v", "a")}, err: errBroken}}, run: passing, counts: true},
		"passage-full":    {backend: forwarding{answering("1", "1")}, run: passing},
		"session":         {backend: talking{&scripted{}, vendorSocket(tb)}, run: realtime, counts: true, spends: true},
		"session-refused": {backend: talking{&scripted{}, "http://127.0.0.1:1"}, run: realtime, counts: true},
	}
}

// However a request ends, it has nothing of any limit in the end but what it
// used, and what it used is what was booked.
func TestEnds_leave_nothing_reserved(t *testing.T) {
	t.Parallel()
	all := ends(t)
	backends := byModel{"spare": answering("10", "5")}
	for name, e := range all {
		backends[name] = e.backend
	}
	answers, err := cache.New(cache.Options{Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	require.NoError(t, err)
	t.Cleanup(answers.Close)
	answers.Configure(&contract.CacheSettings{Enabled: true, DefaultOff: true})
	provided := contract.Budget{MaxNano: int64(100 * money.NanosPerUSD), Duration: "1d"}
	l := newLab(t, setup{parallel: true, backends: backends, cache: answers, config: snapshot.Config{
		Router: contract.RouterSettings{NumRetries: new(0), EnforceRateLimits: true, DisableCooldowns: true},
		Limits: contract.LimitSettings{Providers: map[string]contract.Budget{"openai": provided}},
	}, adjust: func(d *contract.Deployment) {
		d.RPM, d.TPM, d.MaxParallel, d.Budget = 1000, 1_000_000, 50, &provided
		if strings.HasSuffix(d.ID, "-full-id") && d.ID != "fallback-full-id" {
			d.Budget = &contract.Budget{}
		}
	}})
	l.put(contract.CustomerKey("eu"), contract.Customer{ID: "eu", Region: "eu"})
	t.Cleanup(func() { // behind all of them
		vendors := limits.Of(limits.Owner{Scope: limits.Provider, Tokens: []string{contract.Token("openai")}}, &contract.Limits{Budgets: []contract.Budget{provided}})
		require.Zero(t, l.reserved(vendors.Always), "of the vendor")
	})
	for name, e := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := contract.Limits{Rates: rates(1000, 1_000_000), MaxParallel: new(int64(4)), Budgets: []contract.Budget{provided}}
			key := l.key("end-"+name, contract.VirtualKey{Limits: held})
			if e.run != nil {
				e.run(l, key, name)
			} else {
				r := request{key: key, body: strings.TrimSuffix(strings.Replace(ask, `"m"`, `"`+name+`"`, 1), "}") + e.more + "}"}
				l.Serve(&watching{httptest.NewRecorder(), func() int64 { return l.reserved(limitsOf(key, held).Always) }, t}, r.to("/"), chats(), "")
			}
			own := limitsOf(key, held)
			require.Zero(t, l.reserved(own.Always), "of the key")
			theirs := limits.Of(limits.Owner{Scope: limits.Deployment, Tokens: []string{contract.Token(name + "-id")}}, &held)
			require.Zero(t, l.reserved(theirs.Always), "of the deployment")

			want := [3]int64{}
			if e.counts {
				want[0] = 1
			}
			if booked := l.booked(key); booked != nil && !booked.CacheHit {
				want[1], want[2] = booked.InputTokens-booked.CachedInputTokens+booked.OutputTokens, booked.CostNano
			}
			require.Equal(t, e.spends, want[1] > 0 && want[2] > 0, "%v", want)
			require.Equal(t, want, l.usedOf(own), "requests, tokens, money")

			booked := l.booked(key)
			if !e.counts {
				require.Nil(t, booked, "nobody was called")
				return
			}
			if want = [3]int64{}; booked != nil && booked.DeploymentID == name+"-id" && booked.Model != "" {
				want = [3]int64{1, booked.InputTokens + booked.OutputTokens, booked.CostNano}
			} else if strings.HasPrefix(name, "fallback") {
				want[0] = 1 // it was called in vain
			}
			if e.run == nil {
				require.Equal(t, want, l.usedOf(theirs), "of the deployment")
			}
		})
	}
}

// usedOf is how many requests, tokens and nano-dollars are handed out.
func (l *lab) usedOf(set *limits.Set) [3]int64 {
	return [3]int64{l.used(&set.Always[0]), l.used(&set.Always[1]), l.used(&set.Always[3])}
}

// watching is a client that sees to it that nothing is held any more when it
// hears of an error, or has the whole of an answer.
type watching struct {
	*httptest.ResponseRecorder

	reserved func() int64
	t        *testing.T
}

func (w *watching) WriteHeader(status int) {
	if w.Header().Get("Content-Type") == "application/json" {
		require.Zero(w.t, w.reserved())
	}
	w.ResponseRecorder.WriteHeader(status)
}

// booked is the last event of a key, or nil.
func (l *lab) booked(key string) *contract.Usage {
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	for i := len(l.ledger.events) - 1; i >= 0; i-- {
		if u := &l.ledger.events[i]; u.KeyHash == ident.HashKey(key) {
			return u
		}
	}
	return nil
}
