// Package pipeline carries one LLM request through the data plane:
// authenticate, authorise, route, call, forward, settle. The order is written
// once, in Serve; an exchange carries the request and each stage adds to it.
package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

const (
	defaultMaxBody = 64 << 20
	// maxReply bounds a reply that is not a stream.
	maxReply = 256 << 20
	// maxClientText bounds what a client can put into a usage event.
	maxClientText = 256
)

// Principals finds identities.
type Principals interface {
	Resolve(ctx context.Context, sum [32]byte) (principal.Identity, error)
}

// Recorder keeps usage events.
type Recorder interface {
	Record(u *contract.Usage)
}

// Options are what a pipeline is made of.
type Options struct {
	Principals Principals
	Recorder   Recorder
	Replica    string
	Version    string
	Logger     *slog.Logger
	Registry   prometheus.Registerer
}

// Pipeline serves LLM requests. It is safe for concurrent use and owns no
// goroutine.
type Pipeline struct {
	opts    Options
	state   atomic.Pointer[state]
	metrics *metrics
	pool    sync.Pool
	version []string
}

// state is one configuration, prepared for requests.
type state struct {
	config  *snapshot.Config
	table   *route.Table
	master  [sha256.Size]byte
	hasKey  bool
	maxBody int64
	compat  bool // statuses of LiteLLM 1.83
}

// New returns a pipeline that answers 503 until it has been configured.
func New(o Options) *Pipeline {
	p := &Pipeline{opts: o, metrics: newMetrics(o.Registry), version: []string{o.Version}}
	p.pool.New = func() any { return &exchange{} }
	return p
}

// Configure swaps in a new configuration; requests under way keep theirs.
func (p *Pipeline) Configure(c *snapshot.Config, t *route.Table) {
	s := &state{config: c, table: t, maxBody: defaultMaxBody, compat: c.General.LitellmCompat == "1.83"}
	if n, err := hex.Decode(s.master[:], []byte(c.Auth.MasterKeySHA256)); err == nil && n == sha256.Size {
		s.hasKey = true
	}
	if c.General.MaxRequestBytes > 0 {
		s.maxBody = c.General.MaxRequestBytes
	}
	p.state.Store(s)
}

// Table returns the present routing table, or nil before there is one.
func (p *Pipeline) Table() *route.Table {
	if s := p.state.Load(); s != nil {
		return s.table
	}
	return nil
}

// Endpoint says what a route asks for.
type Endpoint struct {
	Surface provider.Surface
	// Name is the route without prefixes, for messages and metrics.
	Name string
}

// exchange is one request on its way. It is reused; nothing may keep it.
type exchange struct {
	p        *Pipeline
	state    *state
	w        http.ResponseWriter
	r        *http.Request
	endpoint Endpoint
	start    time.Time

	id         ident.UUID
	callID     string // the client's own id where it sent one
	identity   principal.Identity
	master     bool
	body       *[]byte
	members    []provider.Member
	model      string // the name the client asked for
	modelJSON  []byte // the same as a JSON string
	deployment *route.Deployment
	call       provider.Call
	wantsUsage bool // the client asked for the usage of its stream
	usage      contract.Usage
	tokens     tokens
	settled    bool
	headerSent bool
	values     []string // backing of the values of the response headers
}

// Serve answers one request. pathModel is the model named in the path, or "".
func (p *Pipeline) Serve(w http.ResponseWriter, r *http.Request, e Endpoint, pathModel string) {
	x, _ := p.pool.Get().(*exchange)
	*x = exchange{p: p, w: w, r: r, endpoint: e, start: time.Now(), members: x.members[:0], state: p.state.Load()}
	p.metrics.inFlight.Inc()
	defer x.finish()
	if err := x.run(pathModel); err != nil {
		x.fail(err)
	}
}

// run is the order of stages.
func (x *exchange) run(pathModel string) error {
	x.id = ident.NewUUID(x.start)
	x.callID = clientCallID(x.r.Header)
	if x.callID == "" {
		x.callID = x.id.String()
	}
	if x.state == nil {
		return apierr.Unavailable(apierr.TypeUnavailable, "This data plane has no configuration yet. Please retry shortly.", time.Second)
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	if err := x.readBody(); err != nil {
		return err
	}
	if err := x.understand(pathModel); err != nil {
		return err
	}
	if err := x.authorise(); err != nil {
		return err
	}
	return x.forward()
}

// finish settles what is not settled yet, whatever happened, and gives the
// exchange back.
func (x *exchange) finish() {
	p := x.p
	if cause := recover(); cause != nil {
		p.opts.Logger.LogAttrs(x.r.Context(), slog.LevelError, "panic in request", slog.String("call_id", x.callID), slog.Any("panic", cause))
		x.fail(apierr.Public(fmt.Errorf("panic: %v", cause)))
	}
	p.metrics.inFlight.Dec()
	x.releaseBody()
	members := x.members
	clear(members)
	*x = exchange{members: members[:0]}
	p.pool.Put(x)
}

// clientCallID returns the id that a client gave its call, if it is fit to be
// sent back. It is never used for billing: two calls may carry the same one.
func clientCallID(h http.Header) string {
	for _, name := range [...]string{"X-Tianji-Call-Id", "X-Litellm-Call-Id"} {
		if v := h[name]; len(v) > 0 && printable(v[0]) {
			return v[0]
		}
	}
	return ""
}

func printable(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
