package pipeline_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/shared/price"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

// lab is a pipeline with the real engine and the real principals, at a NATS
// server of its own.
type lab struct {
	*pipeline.Pipeline

	tb      testing.TB
	server  *natstest.Server
	names   contract.Names
	kv      jetstream.KeyValue
	cache   *principal.Cache
	engine  *quota.Engine
	ledger  *ledger
	env     route.Environment
	records []*contract.Deployment
	config  snapshot.Config
}

// alone is a plan of one replica.
type alone struct{}

func (alone) Share(time.Time) (int, bool, bool) { return 0, false, true }
func (alone) Replicas() int                     { return 1 }
func (alone) Peers() []string                   { return nil }

// setup is what a lab is made of. Each backend serves a model of its name, at 1
// dollar for a million tokens in and 2 for a million out.
type setup struct {
	backends byModel
	adjust   func(*contract.Deployment)
	config   snapshot.Config
	cache    pipeline.Cache
	shares   pipeline.Shares
	// parallel waits until calls under way can be counted, which takes a second.
	parallel bool
	// recorder replaces the lab's ledger.
	recorder pipeline.Recorder
	// transcripts may be nil.
	transcripts pipeline.Transcripts
}

func newLab(tb testing.TB, s setup) *lab {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	l := &lab{tb: tb, names: names, server: natstest.Start(tb, natsembed.Options{}), ledger: &ledger{}, config: s.config}
	l.provision()
	nc := l.connect()
	js, err := jetstream.New(nc)
	require.NoError(tb, err)
	log := slog.New(slog.DiscardHandler)
	bucket := principal.NewBucket(nc, js, names, func() bool { return true })
	l.cache = principal.New(principal.Options{Source: bucket, Logger: log, Registry: prometheus.NewRegistry(), Clock: time.Now})
	slots, err := slot.Open(slot.Options{Conn: nc, JS: js, Names: names, Replica: "r", Logger: log})
	require.NoError(tb, err)
	if s.parallel {
		require.Eventually(tb, slots.Ready, 10*time.Second, time.Millisecond)
	}
	l.engine, err = quota.Open(quota.Options{
		Conn: nc, JS: js, Names: names, Replica: "r", Plan: alone{}, Slots: slots, Clock: steady(), Logger: log, Registry: prometheus.NewRegistry(),
	})
	require.NoError(tb, err)
	router := route.New(route.Options{Logger: log, Registry: prometheus.NewRegistry(), Clock: time.Now})
	tb.Cleanup(func() {
		l.engine.Close()
		slots.Close()
		l.cache.Close()
		bucket.Close()
		router.Close()
	})
	if s.recorder == nil {
		s.recorder = l.ledger
	}
	l.Pipeline = pipeline.New(pipeline.Options{
		Principals: l.cache, Recorder: s.recorder, Router: router, Quota: l.engine, Shares: s.shares, Cache: s.cache, Transcripts: s.transcripts, Replica: "r", Version: "v",
		Logger: log, Registry: prometheus.NewRegistry(),
	})
	l.env = route.Environment{Builder: s.backends, Getenv: func(string) string { return "" }, Logger: log, Router: router}
	rate, _, problems := price.ParseLiteLLM([]byte(`{"input_cost_per_token":1e-6,"output_cost_per_token":2e-6}`))
	require.Empty(tb, problems)
	for name := range s.backends {
		d := &contract.Deployment{ID: name + "-id", ModelName: name, Provider: "openai", Model: name, Rate: rate}
		if s.adjust != nil {
			s.adjust(d)
		}
		l.records = append(l.records, d)
	}
	slices.SortFunc(l.records, func(a, b *contract.Deployment) int { return strings.Compare(a.ID, b.ID) })
	l.config.Auth.MasterKeySHA256, l.config.Deployments = ident.HashKey(master), l.records
	l.configure(l.config)
	return l
}

func (l *lab) configure(c snapshot.Config) {
	l.engine.Configure(c.Limits.FailClosed)
	l.Configure(&c, route.Build(l.env, l.records, &c.Router, l.Table()))
}

// steady is a clock that stands still early in the present minute, so that no
// window ends during a test.
func steady() func() time.Time {
	at := time.Now().Truncate(time.Minute).Add(10 * time.Second)
	return func() time.Time { return at }
}

// provision makes the streams and buckets, as the control plane does.
func (l *lab) provision() {
	l.tb.Helper()
	nc := l.server.Connect(natstest.Admin)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(l.tb, err)
	for _, class := range []string{"m", "h", "d", "b"} {
		_, err := js.CreateStream(l.tb.Context(), jetstream.StreamConfig{
			Name: l.names.LimitStream(class), Subjects: []string{l.names.LimitWildcard(class)}, Storage: jetstream.MemoryStorage,
			AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1,
		})
		require.NoError(l.tb, err)
	}
	slots := l.names.SlotsBucket()
	_, err = js.CreateStream(l.tb.Context(), jetstream.StreamConfig{
		Name: contract.KVStream(slots), Subjects: []string{contract.KVSubject(slots, ">")}, Storage: jetstream.MemoryStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true, AllowMsgTTL: true, Discard: jetstream.DiscardNew,
	})
	require.NoError(l.tb, err)
	_, err = js.CreateKeyValue(l.tb.Context(), jetstream.KeyValueConfig{Bucket: l.names.PrincipalsBucket(), Storage: jetstream.MemoryStorage})
	require.NoError(l.tb, err)
}

func (l *lab) connect() *nats.Conn {
	l.tb.Helper()
	nc, err := natsx.Connect(natsx.Options{
		URLs: l.server.URL(natstest.Admin), Names: l.names, Plane: contract.DataPlane, Replica: "r", Logger: slog.New(slog.DiscardHandler),
	}, natsx.Control)
	require.NoError(l.tb, err)
	l.tb.Cleanup(nc.Close)
	require.Eventually(l.tb, nc.IsConnected, 10*time.Second, time.Millisecond)
	js, err := jetstream.New(nc)
	require.NoError(l.tb, err)
	l.kv, err = js.KeyValue(l.tb.Context(), l.names.PrincipalsBucket())
	require.NoError(l.tb, err)
	return nc
}

// put stores a principal.
func (l *lab) put(key string, record any) {
	l.tb.Helper()
	value, err := json.Marshal(record)
	require.NoError(l.tb, err)
	revision, err := l.kv.Put(l.tb.Context(), key, value)
	require.NoError(l.tb, err)
	l.cache.Changed(key, revision, value)
}

// key stores a virtual key and returns it as clients have it.
func (l *lab) key(name string, k contract.VirtualKey) string {
	l.tb.Helper()
	secret := "sk-" + name
	k.Hash = ident.HashKey(secret)
	if k.Name == "" {
		k.Name = "sk-..." + name
	}
	l.put(contract.VirtualKeyKey(k.Hash), k)
	return secret
}

// request is a call to a pipeline.
type request struct {
	key, body string
	header    map[string]string
}

func (r request) to(path string) *http.Request {
	made := httptest.NewRequest(http.MethodPost, path, bytes.NewReader([]byte(r.body)))
	made.Header.Set("Authorization", "Bearer "+r.key)
	for name, value := range r.header {
		made.Header.Set(name, value)
	}
	return made
}

func chats() pipeline.Endpoint {
	return pipeline.Endpoint{Surface: provider.ChatCompletions, Name: "/chat/completions", Chats: true}
}

func (l *lab) serve(r request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	l.Serve(w, r.to("/v1/chat/completions"), chats(), "")
	return w
}

// chat asks model m.
func (l *lab) chat(key string) *httptest.ResponseRecorder {
	return l.serve(request{key: key, body: ask})
}

// limitsOf are the limits of a key, as both planes count them.
func limitsOf(secret string, l contract.Limits) *limits.Set {
	return limits.OfKey(&contract.VirtualKey{Hash: ident.HashKey(secret), Limits: l})
}

// used is what is handed out of a limit.
func (l *lab) used(one *limits.Limit) int64 { return l.engine.Used(one) }

// reserved is what calls under way hold of limits.
func (l *lab) reserved(list []limits.Limit) (n int64) {
	keys := make([]string, 0, len(list))
	for i := range list {
		keys = append(keys, list[i].Key)
	}
	for _, c := range l.engine.Report(keys).Counters {
		n += c.Reserved
	}
	return n
}

// said is the message of an error.
func said(tb testing.TB, w *httptest.ResponseRecorder) (message string, kind any) {
	tb.Helper()
	var body struct {
		Error struct {
			Message string
			Type    any
			Code    string
		} `json:"error"`
	}
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	return body.Error.Message, body.Error.Type
}

func rates(rpm, tpm int64) contract.Rates { return contract.Rates{RPM: &rpm, TPM: &tpm} }

func answering(in, out string) *scripted {
	return &scripted{pieces: []string{`{"id":"x","model":"vendor","choices":[{"index":0,"message":{"role":"assistant","content":"yes"}}],"usage":{"prompt_tokens":` +
		in + `,"completion_tokens":` + out + `}}`}}
}
