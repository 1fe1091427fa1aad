package pipeline_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/priority"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// later is a limiter that is made when there is an engine.
type later struct{ *priority.Limiter }

// newShares is a lab in which half of what the models can do is prod's, and one
// tenth dev's.
func newShares(t *testing.T, s setup) *lab {
	t.Helper()
	shares := &later{}
	s.shares = shares
	s.config.General.LitellmHeaders = true
	l := newLab(t, s)
	shares.Limiter = priority.New(l.engine)
	shares.Configure(&contract.Priorities{
		Shares: map[string]contract.Share{"prod": {Type: "percent", Value: 0.5}, "dev": {Type: "percent", Value: 0.1}}, Default: 0.4, Saturation: 0.5,
	}, l.records)
	return l
}

func of(priority string) contract.VirtualKey {
	return contract.VirtualKey{Metadata: []byte(`{"priority":"` + priority + `"}`)}
}

func TestShares_are_enforced_when_the_model_is_busy(t *testing.T) {
	t.Parallel()
	l := newShares(t, setup{
		backends: byModel{"a": answering("1", "1"), "b": answering("1", "1")},
		adjust:   func(d *contract.Deployment) { d.RPM = 20 },
		config:   snapshot.Config{Router: contract.RouterSettings{Fallbacks: []contract.Fallback{{Model: "b", To: []contract.FallbackTarget{{Model: "a"}}}}}},
	})
	prod, dev := l.key("prod", of("prod")), l.key("dev", of("dev"))
	r := request{body: strings.Replace(ask, `"m"`, `"a"`, 1)}
	by := func(key string) request { r.key = key; return r }
	for range 10 {
		w := l.serve(by(dev))
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "dev", w.Header().Get("X-Litellm-Priority"))
	}
	w := l.serve(by(dev))
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, kind := said(t, w)
	require.Contains(t, text, "Priority-based rate limit exceeded. Priority: dev, Rate limit type: requests, Remaining: 0, Model saturation: 50.0%")
	require.Equal(t, "throttling_error", kind)
	h := w.Header()
	require.Equal(t, []string{"dev", "dev", "50.00%", "50.00%", "requests", "50"}, []string{
		h.Get("X-Tianji-Priority"), h.Get("X-Litellm-Priority"), h.Get("X-Tianji-Saturation"), h.Get("X-Litellm-Saturation"), h.Get("rate_limit_type"), h.Get("Retry-After"),
	})
	for range 10 {
		require.Equal(t, http.StatusOK, l.serve(by(prod)).Code, "the other's share is not touched")
	}
	w = l.serve(by(prod))
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	text, _ = said(t, w)
	require.Contains(t, text, "Model capacity reached for a. Priority: prod, Rate limit type: requests, Remaining: 0")
	require.Empty(t, w.Header().Get("X-Tianji-Saturation"))
}

// A refusal by a share is deferred to the fallbacks, as every other.
func TestShares_leave_the_request_to_fallbacks(t *testing.T) {
	t.Parallel()
	l := newShares(t, setup{
		backends: byModel{"a": answering("1", "1"), "b": answering("1", "1")},
		adjust:   func(d *contract.Deployment) { d.RPM = 2 },
		config:   snapshot.Config{Router: contract.RouterSettings{Fallbacks: []contract.Fallback{{Model: "a", To: []contract.FallbackTarget{{Model: "b"}}}}}},
	})
	r := request{key: l.key("dev", of("dev")), body: strings.Replace(ask, `"m"`, `"a"`, 1)}
	for _, by := range []string{"a-id", "b-id"} { // one each may be borrowed, and a tenth of two is none
		w := l.serve(r)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		require.Equal(t, by, w.Header().Get("X-Tianji-Model-Id"))
	}
	require.Equal(t, http.StatusTooManyRequests, l.serve(r).Code)
}

// The capacity is the deployments', by whatever name they are called.
func TestShares_have_no_way_around(t *testing.T) {
	t.Parallel()
	l := newShares(t, setup{backends: byModel{"a": answering("1", "1")}, adjust: func(d *contract.Deployment) { d.RPM = 2 }})
	l.config.Router.Aliases = map[string]contract.GroupAlias{"nick": {Model: "a"}}
	l.configure(l.config)
	key := l.key("prod", of("prod"))
	want := http.StatusOK
	for _, name := range []string{"nick", "openai/a", "a-id", "a"} {
		w := l.serve(request{key: key, body: strings.Replace(ask, `"m"`, `"`+name+`"`, 1)})
		require.Equal(t, want, w.Code, "%s: %s", name, w.Body)
		want = http.StatusTooManyRequests
	}
}
