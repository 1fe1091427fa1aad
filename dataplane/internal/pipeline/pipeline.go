// Package pipeline carries one LLM request through the data plane:
// authenticate, understand, authorise, admit, route, call, forward, settle. The
// order is written once, in run; an exchange carries the request and each stage
// adds to it.
//
// What a request may use is reserved before it goes on (admit), and again for
// each call of a deployment (enter); what it did use is charged when it ends,
// however that is (close). Counting itself is package quota's.
//
// Where the deployment speaks the client's wire, bytes pass through and are
// only looked into (native). Where it does not, the dialect of the route and
// the deployment's backend meet in the internal form (translate).
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

	"github.com/tianjillm/tianjillm/dataplane/internal/batch"
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/conversation"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/dataplane/internal/transcript"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/price"
)

const (
	defaultMaxBody = 64 << 20
	// maxReply bounds a reply that is not a stream.
	maxReply = 256 << 20
	// maxClientText bounds what a client can put into a usage event.
	maxClientText = 256
	retrySoon     = time.Second
)

// Principals finds identities, and the customers and tags that requests name.
// Cache in package principal is one.
type Principals interface {
	Resolve(ctx context.Context, sum [32]byte) (principal.Identity, error)
	// For returns the identity where a request of a key names another user.
	For(ctx context.Context, id principal.Identity, user string) (principal.Identity, error)
	// Customer and Tag return one without limits, and an error, when nobody can
	// be asked.
	Customer(ctx context.Context, id string) (*principal.Customer, error)
	Tag(ctx context.Context, name string) (*principal.Tag, error)
}

// Recorder keeps usage events.
type Recorder interface {
	Record(u *contract.Usage)
}

// Options are what a pipeline is made of.
type Options struct {
	Principals Principals
	// Tokens may be nil: then keys are the only credentials.
	Tokens   Tokens
	Recorder Recorder
	Router   *route.Router
	// Counter may be nil: tokens are then estimated from bytes.
	Counter Counter
	// Cache may be nil.
	Cache Cache
	// Quota may be nil: then nothing is limited. Shares may be nil: then the
	// capacity of model groups is not shared out.
	Quota  Quota
	Shares Shares
	// Conversations may be nil where no route needs it.
	Conversations Conversations
	// Brought may be nil: requests then bring no credentials of their own.
	Brought Brought
	// Transcripts may be nil: then nothing of what is said is kept.
	Transcripts Transcripts
	// IDs seal the ids of responses that vendors keep. Nil makes them of the
	// master key.
	IDs      *conversation.IDs
	Replica  string
	Version  string
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Pipeline serves LLM requests. It is safe for concurrent use and owns no
// goroutine.
type Pipeline struct {
	opts    Options
	state   atomic.Pointer[state]
	metrics *metrics
	memory  memory
	files   *batch.Files
	pool    sync.Pool
	version []string

	// sockets dials vendors over WebSockets; sessions are those that are open,
	// which ending ends.
	sockets  *http.Client
	sessions sync.WaitGroup
	ending   chan struct{}
	end      func()
}

// state is one configuration, prepared for requests.
type state struct {
	config  *snapshot.Config
	table   *route.Table
	master  [sha256.Size]byte
	hasKey  bool
	maxBody int64
	rules   policy.Rules
	compat  bool // statuses of LiteLLM 1.83
	rates   rates
	groups  groups
	held    held
	ids     *conversation.IDs
}

// New returns a pipeline that answers 503 until it has been configured.
func New(o Options) *Pipeline {
	p := &Pipeline{opts: o, metrics: newMetrics(o.Registry), files: batch.NewFiles(), version: []string{o.Version}, ending: make(chan struct{})}
	p.end = sync.OnceFunc(func() { close(p.ending) })
	p.sockets = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // credentials go to the deployment's host, and nowhere else
	}}
	p.pool.New = func() any {
		x := &exchange{}
		x.allow, x.count = x.mayUse, x.inputTokens
		return x
	}
	return p
}

// Configure swaps in a new configuration; requests under way keep theirs.
func (p *Pipeline) Configure(c *snapshot.Config, t *route.Table) {
	s := &state{config: c, table: t, maxBody: defaultMaxBody, compat: c.General.LitellmCompat == "1.83", rates: rates{book: c.Prices}, held: newHeld(c)}
	s.rules = policy.NewRules(c.Auth.AllowedRoutes, c.Auth.AdminOnlyRoutes)
	s.groups.memory, s.groups.rates = &p.memory, &s.rates
	if n, err := hex.Decode(s.master[:], []byte(c.Auth.MasterKeySHA256)); err == nil && n == sha256.Size {
		s.hasKey = true
	}
	if c.General.MaxRequestBytes > 0 {
		s.maxBody = c.General.MaxRequestBytes
	}
	if s.ids = p.opts.IDs; s.ids == nil && s.hasKey {
		s.ids, _ = conversation.NewIDs(c.Auth.MasterKeySHA256) // it fails for an empty one only
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

// EndSessions asks the clients of open sessions to connect again and waits until
// what they used is booked. The server does not know of them any more.
func (p *Pipeline) EndSessions() {
	p.end()
	p.sessions.Wait()
}

// Endpoint says what a route asks for.
type Endpoint struct {
	Surface provider.Surface
	// Name is the route without prefixes, for messages and metrics.
	Name string
	// Dialect is how the client speaks; nil is OpenAI's.
	Dialect dialect.Dialect
	// Chats says that a deployment that does not offer the surface, but chats,
	// can serve it: by Translator, or else by Dialect.
	Chats      bool
	Translator dialect.Dialect
	// Stream says that the route itself asks for a stream.
	Stream bool
	// ModelInPath says that the path names the model and the body has none.
	ModelInPath bool
	// Translated says that the wire of the surface does not do as it is.
	Translated bool
	// StreamType is the content type of a stream that is not of events.
	StreamType string
	// Count serves requests to count tokens where the deployment does not.
	Count *Count
	// Request and Answer translate a surface whose wire is not OpenAI's and
	// that is no chat, such as Gemini's embeddings, as a whole. Nil is none.
	Request func(body []byte) ([]byte, error)
	Answer  func(body []byte) ([]byte, error)
}

// Count is how a dialect asks for the number of tokens of a chat.
type Count struct {
	Decode func(body []byte, members []jsonx.Member) (*chat.Request, error)
	Answer func(tokens int64) []byte
}

// exchange is one request on its way. It is reused; nothing may keep it.
type exchange struct {
	p        *Pipeline
	state    *state
	w        http.ResponseWriter
	r        *http.Request
	endpoint Endpoint
	plain    bool // the client speaks OpenAI's dialect, which has a fast path
	start    time.Time

	id        ident.UUID
	callID    string // the client's own id where it sent one
	identity  principal.Identity
	master    bool
	body      *[]byte
	members   []provider.Member
	model     string // the name the client asked for
	modelJSON []byte // the same as a JSON string
	// allow and count are the exchange's own methods, made once.
	allow      func(group string) bool
	count      func() int64
	customer   *principal.Customer // whom the request is for, or nil
	region     string              // where it may go; "" is anywhere
	account    account
	target     route.Target
	route      route.Route
	deployment *route.Deployment
	backend    provider.Backend  // the deployment's, or one of the request's own credentials
	brought    route.Client      // what the request brings
	callersKey bool              // backend is of the request's own credentials
	failed     *route.Deployment // of the last attempt
	own        []byte            // the client's body, where a fallback changed it
	call       provider.Call
	chat       *chat.Request // the request in the internal form, once it was needed
	lookup     lookup
	recalled   remembered
	// callersTimeout says that the request set its own timeout.
	callersTimeout bool
	free           bool // nothing is to be booked: the answer was paid for before
	wantsUsage     bool // the client asked for the usage of its stream
	passage        *Passage
	anonymous      bool // an open passage for somebody without a key
	usage          contract.Usage
	tokens         tokens
	said           *[]byte             // what a stream has said so far
	heard          *transcript.Capture // what is said, where that is kept, or nil
	measures       price.Usage         // what is paid for beside tokens
	settled        bool
	headerSent     bool
	sealed         sealedID
	editSpace      [3]jsonx.Edit
	values         []string // backing of the values of the response headers
}

// Serve answers one request. pathModel is the model named in the path, or "".
func (p *Pipeline) Serve(w http.ResponseWriter, r *http.Request, e Endpoint, pathModel string) {
	p.serve(w, r, e, func(x *exchange) error { return x.run(pathModel) })
}

func (p *Pipeline) serve(w http.ResponseWriter, r *http.Request, e Endpoint, run func(*exchange) error) {
	x, _ := p.pool.Get().(*exchange)
	plain := e.Dialect == nil
	if plain {
		e.Dialect = openai.Dialect{}
	}
	*x = exchange{
		p: p, w: w, r: r, endpoint: e, plain: plain, start: time.Now(), members: x.members[:0], route: x.route, account: x.account,
		allow: x.allow, count: x.count, state: p.state.Load(),
	}
	p.metrics.inFlight.Inc()
	defer x.finish()
	x.id = ident.NewUUID(x.start)
	x.callID = clientCallID(r.Header)
	if x.callID == "" {
		x.callID = x.id.String()
	}
	if x.state == nil {
		x.fail(notConfigured())
		return
	}
	if err := run(x); err != nil {
		x.fail(err)
	}
}

func notConfigured() *apierr.Error {
	return apierr.Unavailable(apierr.TypeUnavailable, "This data plane has no configuration yet. Please retry shortly.", time.Second)
}

// run is the order of stages.
func (x *exchange) run(pathModel string) error {
	if err := x.authenticate(); err != nil {
		return err
	}
	if err := x.readBody(); err != nil {
		return err
	}
	if err := x.translateBody(); err != nil {
		return err
	}
	if err := x.understand(pathModel); err != nil {
		return err
	}
	if err := x.meet(); err != nil {
		return err
	}
	if err := x.authorise(); err != nil {
		return err
	}
	if err := x.mayControl(); err != nil {
		return err
	}
	x.bring()
	x.overhear()
	if err := x.admit(); err != nil {
		return err
	}
	if served, err := x.fromCache(); served || err != nil {
		return err
	}
	return x.forward()
}

// finish settles what is not settled yet, whatever happened, and gives the
// exchange back.
func (x *exchange) finish() {
	p := x.p
	if cause := recover(); cause != nil {
		if cause == http.ErrAbortHandler { //nolint:errorlint,err113 // net/http compares it so as well
			defer panic(cause)
		} else {
			x.panicked(cause)
		}
	}
	x.close()
	x.retell()
	p.metrics.inFlight.Dec()
	x.releaseBody()
	members := x.members
	clear(members)
	x.route.Reset()
	*x = exchange{members: members[:0], route: x.route, account: x.account.fresh(), allow: x.allow, count: x.count}
	p.pool.Put(x)
}

func (x *exchange) panicked(cause any) {
	x.p.opts.Logger.LogAttrs(x.r.Context(), slog.LevelError, "panic in request", slog.String("call_id", x.callID), slog.Any("panic", cause))
	x.fail(apierr.Public(fmt.Errorf("panic: %v", cause)))
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
