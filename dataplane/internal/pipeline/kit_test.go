package pipeline_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/counting"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/oai"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/price"
)

const master = "sk-master"

// scripted is a backend whose answer is given piece by piece.
type scripted struct {
	status int
	header map[string]string
	pieces []string
	err    error // after the pieces; nil is the end
	panics bool
	failed error // instead of an answer

	mu    sync.Mutex
	calls []provider.Call
}

func (s *scripted) Offers(surface provider.Surface) bool { return surface <= provider.Embeddings }

func (s *scripted) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return oai.Chat(ctx, s, call, req)
}

func (s *scripted) Do(_ context.Context, call *provider.Call) (provider.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := *call
	kept.Body, kept.Members = bytes.Clone(call.Body), slices.Clone(call.Members)
	for i := range kept.Members { // their names stand in the body, whose memory is used again
		kept.Members[i].Name = bytes.Clone(kept.Members[i].Name)
	}
	s.calls = append(s.calls, kept)
	if s.panics {
		panic("backend is broken")
	}
	if s.failed != nil {
		return nil, s.failed
	}
	return &reply{script: s, pieces: slices.Clone(s.pieces)}, nil
}

type reply struct {
	script *scripted
	pieces []string
}

func (r *reply) Read(p []byte) (int, error) {
	if len(r.pieces) == 0 {
		if r.script.err != nil {
			return 0, r.script.err
		}
		return 0, io.EOF
	}
	n := copy(p, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}

func (r *reply) Close() error              { return nil }
func (r *reply) Status() int               { return cmp.Or(r.script.status, http.StatusOK) }
func (r *reply) Header(name string) string { return r.script.header[name] }
func (r *reply) ContentLength() int64      { return -1 }

type ledger struct {
	mu     sync.Mutex
	events []contract.Usage
}

func (l *ledger) Record(u *contract.Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, *u)
}

func (l *ledger) only(t *testing.T) contract.Usage {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Len(t, l.events, 1)
	return l.events[0]
}

type nobody struct{}

func (nobody) Resolve(context.Context, [32]byte) (principal.Identity, error) {
	return principal.Identity{}, nil
}

func (nobody) Customer(_ context.Context, id string) (*principal.Customer, error) {
	return &principal.Customer{Customer: contract.Customer{ID: id}}, nil
}

func (nobody) For(_ context.Context, id principal.Identity, user string) (principal.Identity, error) {
	id.Behalf = &principal.Behalf{UserID: user}
	return id, nil
}

func (nobody) Tag(_ context.Context, name string) (*principal.Tag, error) {
	return &principal.Tag{Tag: contract.Tag{Name: name}}, nil
}

type builder struct{ backend provider.Backend }

func (b builder) Build(provider.Config) (provider.Backend, error) { return b.backend, nil }

// newPipeline serves one model, "m", which its vendor calls "vendor-m", at 1
// dollar for a million tokens in and 2 for a million out.
func newPipeline(tb testing.TB, backend provider.Backend) (*pipeline.Pipeline, *ledger) {
	tb.Helper()
	l := &ledger{}
	router := route.New(route.Options{Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Clock: time.Now})
	tb.Cleanup(router.Close)
	p := pipeline.New(pipeline.Options{
		Principals: nobody{}, Recorder: l, Router: router, Counter: counting.New(), Replica: "r", Version: "v", Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
	})
	rate, _, problems := price.ParseLiteLLM([]byte(`{"input_cost_per_token":1e-6,"output_cost_per_token":2e-6}`))
	require.Empty(tb, problems)
	env := route.Environment{Builder: builder{backend}, Getenv: func(string) string { return "" }, Logger: slog.New(slog.DiscardHandler), Router: router}
	p.Configure(&snapshot.Config{Auth: contract.AuthSettings{MasterKeySHA256: ident.HashKey(master)}}, route.Build(env, []*contract.Deployment{{
		ID: "d", ModelName: "m", Provider: "openai", Model: "vendor-m", Rate: rate,
	}}, &contract.RouterSettings{NumRetries: new(0)}, nil))
	return p, l
}

func serve(p *pipeline.Pipeline, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+master)
	p.Serve(w, r, pipeline.Endpoint{Surface: provider.ChatCompletions, Name: "/chat/completions", Chats: true}, "")
	return w
}

var errBroken = errors.New("connection reset")
