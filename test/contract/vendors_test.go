package contract_test

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakebedrock"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/stack"
)

// The deployments that stand in for those that fail: in general, for a prompt
// that is too long, for one that a vendor does not want.
const (
	standIn = "stand-in"
	wide    = "wide"
	lenient = "lenient"
)

// withFallback is put behind the name of a group for its alias that has
// something to fall back to.
const withFallback = "-or-else"

// bench is an installation in front of vendors that fail.
type bench struct {
	peers    []*peer
	requests []*request // to be asked one by one
	slow     []*request // that wait for a timeout

	models, aliases, general, contextWindow, contentPolicy strings.Builder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{peers: peers(t)}
	nowhere := strings.TrimSuffix(fakevendor.RefusedURL(t), "/v1")
	for _, name := range []string{standIn, wide, lenient} {
		b.models.WriteString(b.peers[0].vendor.Deployment(name, "gpt-"+name))
	}
	for _, p := range b.peers {
		for _, m := range slices.Concat(refusals(), accidents(), breaks(p)) {
			b.add(p, &m, nowhere)
		}
		for _, r := range p.tooLong {
			b.addRejection(p, r, "ContextWindowExceededError", &b.contextWindow, wide)
		}
		for _, r := range p.unwanted {
			b.addRejection(p, r, "ContentPolicyViolationError", &b.contentPolicy, lenient)
		}
	}
	return b
}

// group adds a deployment, and an alias that has general fallbacks.
func (b *bench) group(p *peer, end, base string, params []string) {
	b.models.WriteString(p.entry(end, base, params))
	alias := p.group(end) + withFallback
	b.aliases.WriteString("    " + alias + ": " + p.group(end) + "\n")
	b.general.WriteString("    - " + alias + ": [" + standIn + "]\n")
}

// add adds the requests that meet a mishap.
func (b *bench) add(p *peer, m *mishap, nowhere string) {
	if m.do == nil {
		b.group(p, m.end(), nowhere, m.params)
	} else {
		b.group(p, m.end(), "", m.params)
		p.vendor.Script(p.native(m.end()), m.do)
	}
	for _, s := range speeches() {
		if !s.all && !m.few {
			continue
		}
		for _, stream := range []bool{false, true} {
			want := m.outcome(s.name, stream)
			if want == nil {
				continue
			}
			q := request{
				speech: &s, peer: p, model: p.group(m.end()), native: p.native(m.end()), final: m.final, stream: stream, want: *want, by: p.group(m.end()) + "-deployment",
			}
			b.ask(&q, m.slow)
			if want.class != "" && !want.begun && (s.all || stream) {
				b.ask(q.orElse(standIn), m.slow)
			}
		}
	}
}

// addRejection adds a group that refuses a prompt.
func (b *bench) addRejection(p *peer, r rejection, class string, fallbacks *strings.Builder, to string) {
	end := to + "-" + string(rune('a'+strings.Count(fallbacks.String(), p.name+"-")))
	b.group(p, end, "", nil)
	p.vendor.Script(p.native(end), fakevendor.Fail(r.status, r.message))
	fallbacks.WriteString("    - " + p.group(end) + withFallback + ": [" + to + "]\n")
	for _, s := range speeches() {
		q := request{
			speech: &s, peer: p, model: p.group(end), native: p.native(end), final: true, stream: s.all, by: p.group(end) + "-deployment",
			want: outcome{status: http.StatusBadRequest, class: class, text: r.message},
		}
		b.ask(&q, false)
		b.ask(q.orElse(to), false)
	}
}

// orElse is the same request to the alias that has something to fall back to.
func (q *request) orElse(to string) *request {
	other := *q
	other.model, other.by, other.want = q.model+withFallback, to+"-deployment", outcome{status: http.StatusOK}
	return &other
}

func (b *bench) ask(q *request, slow bool) {
	if slow {
		b.slow = append(b.slow, q)
		return
	}
	b.requests = append(b.requests, q)
}

func (b *bench) config() string {
	return "model_list:\n" + b.models.String() + "litellm_settings: {expose_router_debug_in_errors: false}\nrouter_settings:\n  num_retries: 0\n  disable_cooldowns: true\n" +
		"  model_group_alias:\n" + b.aliases.String() + "  fallbacks:\n" + b.general.String() +
		"  context_window_fallbacks:\n" + b.contextWindow.String() + "  content_policy_fallbacks:\n" + b.contentPolicy.String()
}

// all are the requests, the slow ones last.
func (b *bench) all() []*request { return slices.Concat(b.requests, b.slow) }

// sideBySide is how many requests are under way at a time; slow ones do nothing but
// wait and all go at once.
const sideBySide = 16

// run asks everything.
func (b *bench) run(t *testing.T, s *stack.Stack, key string) {
	t.Helper()
	var wg sync.WaitGroup
	next := make(chan *request)
	for range sideBySide {
		wg.Go(func() {
			for q := range next {
				q.ask(t, s, key)
			}
		})
	}
	for _, q := range b.requests {
		next <- q
	}
	close(next)
	wg.Wait()
	for _, q := range b.slow {
		wg.Go(func() { q.ask(t, s, key) })
	}
	wg.Wait()
}

// TestVendors_failures: whatever a vendor does, the client gets the right
// status in its own envelope with the vendor's reason and nothing secret, or the
// right fallback's answer; each request is booked once; and nothing is left. It
// runs alone, because it counts what is left behind.
//
//nolint:paralleltest // see above
func TestVendors_failures(t *testing.T) {
	b := newBench(t)
	s := stack.Start(t, stack.Options{Config: b.config()})
	key := s.NewKey(t, nil)
	b.run(t, s, key)
	for _, q := range b.all() {
		t.Run(q.name(), func(t *testing.T) {
			q.check(t)
			q.tellsNoSecret(t, key)
		})
	}
	b.asksOnce(t)
	b.isBooked(t, s, key)
	b.leavesNothing(t, s, key)
}

// tellsNoSecret looks for credentials in everything that the client got.
func (q *request) tellsNoSecret(t *testing.T, key string) {
	t.Helper()
	var all strings.Builder
	require.NoError(t, q.reply.Header.Write(&all))
	all.Write(q.reply.Body)
	for _, secret := range []string{
		fakevendor.Key, fakebedrock.AccessKeyID, fakegemini.AccessToken, "PRIVATE KEY", stack.MasterKey,
		key, ident.HashKey(key), ident.KeyToken(key), "Set-Cookie", "org-vendor",
	} {
		require.NotContains(t, all.String(), secret)
	}
}

// asksOnce holds how often each vendor was asked: what is not worth it is not
// tried again. A call whose connection is closed before the first byte of the
// answer may be sent again on another.
func (b *bench) asksOnce(t *testing.T) {
	t.Helper()
	type target struct {
		peer  *peer
		model string
	}
	asked := map[target]int{}
	for _, q := range b.all() {
		asked[target{q.peer, q.native}]++
	}
	for to, n := range asked {
		calls := len(to.peer.vendor.Calls(to.model))
		switch {
		case strings.HasSuffix(to.model, "-refused"):
			require.Zero(t, calls, to.model)
		case strings.HasSuffix(to.model, "-hung-up"):
			require.GreaterOrEqual(t, calls, n, to.model)
			require.LessOrEqual(t, calls, 2*n, to.model)
		default:
			require.Equal(t, n, calls, to.model)
		}
	}
	for _, p := range b.peers {
		for _, c := range p.vendor.Refused() {
			t.Errorf("%s refused %s %s: %s\n%s", p.name, c.Method, c.Path, c.Refusal, c.Body)
		}
	}
}

// isBooked holds the ledger against the requests: each has one row.
func (b *bench) isBooked(t *testing.T, s *stack.Stack, key string) {
	t.Helper()
	s.Settle(t)
	rows := map[string]stack.SpendRow{}
	for _, r := range s.SpendRows(t, key) {
		require.NotContains(t, rows, r.RequestID)
		rows[r.RequestID] = r
	}
	require.Len(t, rows, len(b.all()))
	for _, q := range b.all() {
		r, ok := rows[q.reply.Header.Get("X-Tianji-Call-Id")]
		require.True(t, ok, q.name())
		require.Equal(t, q.want.status, r.HTTPStatus, q.name())
		require.Equal(t, q.by, r.ModelID, q.name())
		status := "success"
		if q.want.class != "" {
			status = "failure"
		}
		require.Equal(t, status, r.Status, q.name())
		paid := q.want.class == "" || q.want.begun
		require.Equal(t, paid, r.CompletionTokens > 0, "%s: %d tokens", q.name(), r.CompletionTokens)
		require.Equal(t, paid, r.SpendNano > 0, "%s: %d nano-dollars", q.name(), r.SpendNano)
	}
}

// leavesNothing asks everything again and waits until goroutines and
// connections are as few as before.
func (b *bench) leavesNothing(t *testing.T, s *stack.Stack, key string) {
	t.Helper()
	url := s.DataPlane(0)
	connections := func() (open, inFlight int) {
		for _, p := range b.peers {
			open, inFlight = open+p.vendor.Connections(), inFlight+p.vendor.InFlight()
		}
		return open, inFlight
	}
	idle := func() bool {
		open, inFlight := connections()
		return inFlight == 0 && open == int(s.Metric(t, url, "tianji_dataplane_upstream_idle_connections")) &&
			s.Metric(t, url, "tianji_dataplane_requests_in_flight") == 0
	}
	stack.Await(t, "vendors have only idle connections", idle)
	before := runtime.NumGoroutine()
	openBefore, _ := connections()
	b.run(t, s, key)
	stack.Await(t, "vendors have only idle connections again", idle)
	open, _ := connections()
	// A connection costs the vendor's server a goroutine and the client's and
	// the gateway's a few more. A leak of one a request would be far more.
	slack := 3*max(0, open-openBefore) + len(b.requests)/10
	stack.Await(t, "goroutines are as few as before", func() bool { return runtime.NumGoroutine() <= before+slack })
}
