package pricebook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/controlplane/internal/pricebook"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/price"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is a price file with gpt-4o at so many dollars for a million tokens,
// and n models in all.
func file(dollars, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"sample_spec":{"x":1},"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":%de-6}`, dollars)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,"m%d":{"litellm_provider":"openai"}`, i)
	}
	return b.String() + "}"
}

func cost(t *testing.T, book *price.Book) money.Nano {
	t.Helper()
	m := book.Lookup(price.Query{Provider: "openai", Model: "gpt-4o"})
	require.NotNil(t, m)
	return m.Rate.Cost(&price.Usage{InputTokens: 1_000_000})
}

const (
	tabled = 2_500_000_000
	dollar = 1_000_000_000
)

func keeper(js jetstream.JetStream, names contract.Names, s pricebook.Sources) *pricebook.Keeper {
	return pricebook.New(pricebook.Options{
		Sources: s, JS: js, Names: names, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
	})
}

// bus is a NATS server with the config bucket.
func bus(t *testing.T) (jetstream.JetStream, contract.Names, jetstream.KeyValue) {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	cp := names.ControlPlanePermissions()
	server := natstest.Start(t, natsembed.Options{Users: []natsembed.User{
		{Name: "controlplane", Password: "c", PublishAllow: cp.Publish, SubscribeAllow: append(cp.Subscribe, "_INBOX.>")},
	}})
	js, err := jetstream.New(server.Connect("controlplane"))
	require.NoError(t, err)
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: names.ConfigBucket()})
	require.NoError(t, err)
	return js, names, kv
}

// server serves whatever prices hold, with an ETag.
type server struct {
	body    atomic.Pointer[string]
	status  atomic.Int64
	fetched atomic.Int64 // answers with a body
}

func serve(t *testing.T, body string) (*server, string) {
	t.Helper()
	s := &server{}
	s.body.Store(&body)
	s.status.Store(http.StatusOK)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := *s.body.Load()
		tag := fmt.Sprintf(`"%x"`, len(b))
		w.Header().Set("ETag", tag)
		switch {
		case s.status.Load() != http.StatusOK:
			w.WriteHeader(int(s.status.Load()))
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(http.StatusNotModified)
		default:
			s.fetched.Add(1)
			_, _ = w.Write([]byte(b))
		}
	}))
	t.Cleanup(h.Close)
	return s, h.URL
}

func TestKeeper_keeps_the_last_good_prices(t *testing.T) {
	t.Parallel()
	js, names, _ := bus(t)
	up, url := serve(t, file(7, 60))
	path := filepath.Join(t.TempDir(), "prices.json")
	k := keeper(js, names, pricebook.Sources{URL: url, Path: path, MinModels: 50, MaxShrink: 0.5})
	require.EqualValues(t, tabled, cost(t, k.Book()), "before anything is loaded")

	status, err := k.Reload(t.Context())
	require.ErrorContains(t, err, "price file", "the file at the path is missing")
	require.Equal(t, 60, status.Models, "which does not keep the other from being used")
	require.EqualValues(t, 7*dollar, cost(t, k.Book()))

	require.NoError(t, os.WriteFile(path, []byte(file(9, 1)), 0o600))
	status, err = k.Reload(t.Context())
	require.NoError(t, err)
	require.Equal(t, 60, status.Models)
	require.EqualValues(t, 9*dollar, cost(t, k.Book()), "the file lies over the address, and may be small")
	require.EqualValues(t, 1, up.fetched.Load(), "nothing is fetched twice")

	for name, body := range map[string]string{
		"too few": file(1, 40), "no object": "[]", "cut off": file(1, 60)[:500], "empty": "",
	} {
		up.body.Store(&body)
		for range 2 { // what was refused is not taken for unchanged
			_, err = k.Reload(t.Context())
			require.Error(t, err, name)
		}
	}
	up.status.Store(http.StatusBadGateway)
	_, err = k.Reload(t.Context())
	require.ErrorContains(t, err, "502")
	require.EqualValues(t, 9*dollar, cost(t, k.Book()))
	require.Equal(t, 60, k.Status().Models)

	require.NoError(t, os.Remove(path))
	large := file(3, 200)
	up.body.Store(&large)
	up.status.Store(http.StatusOK)
	_, err = k.Reload(t.Context())
	require.Error(t, err)
	require.EqualValues(t, 9*dollar, cost(t, k.Book()), "a file that is gone keeps its prices")
	shrunk := file(4, 99)
	up.body.Store(&shrunk)
	_, err = k.Reload(t.Context())
	require.ErrorContains(t, err, "shrunk from 200 to 99")
}

func TestKeeper_refuses_other_hosts_without_https(t *testing.T) {
	t.Parallel()
	js, names, _ := bus(t)
	h := httptest.NewServer(http.RedirectHandler("http://prices.example.com/map.json", http.StatusFound))
	t.Cleanup(h.Close)
	_, err := keeper(js, names, pricebook.Sources{URL: h.URL}).Reload(t.Context())
	require.ErrorContains(t, err, "https")

	big := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte(" "), price.MaxOverlay+2))
	}))
	t.Cleanup(big.Close)
	_, err = keeper(js, names, pricebook.Sources{URL: big.URL}).Reload(t.Context())
	require.ErrorContains(t, err, "MB")
}

// published puts together what the bucket holds.
func published(t *testing.T, kv jetstream.KeyValue) (*price.Book, int) {
	t.Helper()
	var parts []*contract.PriceOverlay
	for i := range contract.MaxPriceParts {
		entry, err := kv.Get(t.Context(), contract.PriceOverlayKey(i))
		if err != nil {
			continue
		}
		part := &contract.PriceOverlay{}
		require.NoError(t, json.Unmarshal(entry.Value(), part))
		require.Equal(t, contract.SchemaVersion, part.V)
		if !part.Deleted {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return price.New(), 0
	}
	whole, err := contract.JoinPrices(parts)
	require.NoError(t, err)
	book, _, err := price.New().Overlay(whole)
	require.NoError(t, err)
	return book, len(parts)
}

func TestKeeper_publishes(t *testing.T) {
	t.Parallel()
	js, names, kv := bus(t)
	up, url := serve(t, file(7, 60))
	k := keeper(js, names, pricebook.Sources{URL: url})
	require.NoError(t, k.Publish(t.Context()), "nothing is loaded yet")
	_, n := published(t, kv)
	require.Zero(t, n)
	_, err := k.Reload(t.Context())
	require.NoError(t, err)
	require.NoError(t, k.Publish(t.Context()))
	book, n := published(t, kv)
	require.Equal(t, 1, n)
	require.EqualValues(t, 7*dollar, cost(t, book))

	before, err := kv.Get(t.Context(), contract.PriceOverlayKey(0))
	require.NoError(t, err)
	require.NoError(t, k.Publish(t.Context()))
	after, err := kv.Get(t.Context(), contract.PriceOverlayKey(0))
	require.NoError(t, err)
	require.Equal(t, before.Revision(), after.Revision(), "what is the same is not written again")

	up.status.Store(http.StatusServiceUnavailable)
	restarted := keeper(js, names, pricebook.Sources{URL: url})
	_, err = restarted.Reload(t.Context())
	require.Error(t, err)
	require.EqualValues(t, 7*dollar, cost(t, restarted.Book()), "the published prices stand in for a source that is away")
	require.NoError(t, restarted.Publish(t.Context()))

	require.NoError(t, keeper(js, names, pricebook.Sources{}).Publish(t.Context()))
	_, n = published(t, kv)
	require.Zero(t, n, "without sources there is no overlay")
}

func TestKeeper_runs(t *testing.T) {
	t.Parallel()
	js, names, kv := bus(t)
	_, url := serve(t, file(7, 60))
	k := keeper(js, names, pricebook.Sources{URL: url})
	stopRun := lifecycle.Loop(k.Run)
	stopPublish := lifecycle.Loop(k.PublishChanges)
	require.Eventually(t, func() bool {
		_, n := published(t, kv)
		return n == 1
	}, 10*time.Second, 5*time.Millisecond)
	stopRun()
	stopPublish()
	idle := lifecycle.Loop(keeper(js, names, pricebook.Sources{}).Run)
	idle()
}

func TestFromConfig(t *testing.T) {
	t.Parallel()
	parse := func(text string, environment map[string]string) (pricebook.Sources, error) {
		lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
		cfg, warnings, err := proxyconfig.Parse("config.yaml", []byte(text), lookup)
		require.NoError(t, err)
		require.Empty(t, warnings)
		return pricebook.FromConfig(cfg, lookup)
	}
	s, err := parse("{}", nil)
	require.NoError(t, err)
	require.Equal(t, pricebook.Sources{MinModels: 50, MaxShrink: 0.5}, s, "nothing is fetched that nobody asked for")
	s, err = parse("general_settings: {model_cost_map_url: https://a/x, model_cost_map_path: /p}\nlitellm_settings: {model_cost_map_url: https://b/x}",
		map[string]string{"LITELLM_MODEL_COST_MAP_URL": "https://c/x", "MODEL_COST_MAP_MIN_MODEL_COUNT": "1", "MODEL_COST_MAP_MAX_SHRINK_RATIO": "0"})
	require.NoError(t, err)
	require.Equal(t, pricebook.Sources{URL: "https://a/x", Path: "/p", MinModels: 1}, s)
	s, err = parse("litellm_settings: {model_cost_map_url: https://b/x}", map[string]string{"LITELLM_MODEL_COST_MAP_URL": "https://c/x"})
	require.NoError(t, err)
	require.Equal(t, "https://b/x", s.URL)
	s, err = parse("{}", map[string]string{"LITELLM_MODEL_COST_MAP_URL": "https://c/x"})
	require.NoError(t, err)
	require.Equal(t, "https://c/x", s.URL)
	s, err = parse("{}", map[string]string{"LITELLM_MODEL_COST_MAP_URL": "https://c/x", "LITELLM_LOCAL_MODEL_COST_MAP": "True"})
	require.NoError(t, err)
	require.Empty(t, s.URL)
	for _, environment := range []map[string]string{
		{"LITELLM_MODEL_COST_MAP_URL": "http://c/x"},
		{"LITELLM_MODEL_COST_MAP_URL": "file:///x"},
		{"LITELLM_MODEL_COST_MAP_URL": "prices.json"},
		{"LITELLM_LOCAL_MODEL_COST_MAP": "maybe"},
		{"MODEL_COST_MAP_MIN_MODEL_COUNT": "-1"},
		{"MODEL_COST_MAP_MAX_SHRINK_RATIO": "2"},
	} {
		_, err := parse("{}", environment)
		require.Error(t, err, environment)
	}
	for _, local := range []string{"http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:5/x"} {
		_, err := parse("{}", map[string]string{"LITELLM_MODEL_COST_MAP_URL": local})
		require.NoError(t, err, local)
	}
}
