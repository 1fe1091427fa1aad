// Package fakevendor is an LLM vendor on loopback that speaks OpenAI's wire the
// way OpenAI does, keeps the requests that it got, and fails in every way that
// a vendor can when a test scripts it to.
//
// What a model answers is scripted by its name, so that tests that run at the
// same time do not disturb each other. It does not check parameters, keeps no
// conversation, and is for tests only. Its goroutines are those of its server;
// they end with the test.
package fakevendor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Key is the credential that the vendor wants; calls with any other are
// answered 401, as OpenAI does.
const Key = "sk-vendor-credential-0123456789"

// Call is a request as it arrived.
type Call struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
	Model               string
	Stream              bool
	// Ended is closed when the vendor is done with the call, for example
	// because the caller hung up.
	Ended chan struct{}

	includeUsage bool
	tools        json.RawMessage
	toolChoice   json.RawMessage
	lastRole     string
	base64       bool
	inputs       int
}

// Vendor is a running vendor. It is safe for concurrent use.
type Vendor struct {
	address  string
	server   *http.Server
	listener *countingListener
	inFlight atomic.Int64
	done     chan struct{}

	mu      sync.Mutex
	scripts map[string][]Behaviour
	calls   map[string][]*Call
}

// Start runs a vendor until the test ends.
func Start(tb testing.TB) *Vendor {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	v := &Vendor{
		address: l.Addr().String(), listener: &countingListener{Listener: l}, done: make(chan struct{}),
		scripts: map[string][]Behaviour{}, calls: map[string][]*Call{},
	}
	v.server = &http.Server{Handler: v, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = v.server.Serve(v.listener) // always ends with an error; Close below is the reason
	}()
	tb.Cleanup(func() {
		close(v.done)
		_ = v.server.Close() // nothing is lost
		<-served
	})
	return v
}

// URL is the base that deployments call.
func (v *Vendor) URL() string { return "http://" + v.address + "/v1" }

// Deployment is an entry of model_list that leads here: clients ask for name,
// the vendor is asked for model. params are further lines of litellm_params.
func (v *Vendor) Deployment(name, model string, params ...string) string {
	return DeploymentAt(v.URL(), name, model, params...)
}

// DeploymentAt is the same for another address.
func DeploymentAt(base, name, model string, params ...string) string {
	lines := append([]string{
		"  - model_name: " + name, "    model_info: {id: " + name + "-deployment}", "    litellm_params:",
		"      model: openai/" + model, "      api_base: " + base, "      api_key: " + Key,
		"      input_cost_per_token: 0.000001", "      output_cost_per_token: 0.000002",
	}, indent(params)...)
	return strings.Join(lines, "\n") + "\n"
}

func indent(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "      " + l
	}
	return out
}

// Script sets what the next calls of a model are answered, one step a call;
// the last step is repeated. A model without a script answers as [Answer] does.
func (v *Vendor) Script(model string, steps ...Behaviour) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.scripts[model] = steps
}

// Calls returns the calls of a model so far.
func (v *Vendor) Calls(model string) []*Call {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]*Call(nil), v.calls[model]...)
}

// Last returns the newest call of a model, of which there must be one.
func (v *Vendor) Last(tb testing.TB, model string) *Call {
	tb.Helper()
	calls := v.Calls(model)
	require.NotEmpty(tb, calls, "the vendor was not asked for %s", model)
	return calls[len(calls)-1]
}

// InFlight is how many calls are not answered yet.
func (v *Vendor) InFlight() int { return int(v.inFlight.Load()) }

// Connections is how many connections are open.
func (v *Vendor) Connections() int { return int(v.listener.open.Load()) }

// ServeHTTP keeps the call and answers it by the model's script.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.inFlight.Add(1)
	defer v.inFlight.Add(-1)
	c, err := read(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request_error", "We could not parse the JSON body of your request.", "")
		return
	}
	defer close(c.Ended)
	x := &exchange{w: w, r: r, call: c, done: v.done}
	if step := v.record(c); r.Header.Get("Authorization") == "Bearer "+Key {
		step(x)
		return
	}
	writeError(w, http.StatusUnauthorized, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key")
}

// record keeps the call and returns the step of the script that is due.
func (v *Vendor) record(c *Call) Behaviour {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls[c.Model] = append(v.calls[c.Model], c)
	steps := v.scripts[c.Model]
	if len(steps) == 0 {
		return Answer(Options{})
	}
	if len(steps) > 1 {
		v.scripts[c.Model] = steps[1:]
	}
	return steps[0]
}

func read(r *http.Request) (*Call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	var asked struct {
		Model         string `json:"model"`
		Stream        bool   `json:"stream"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
		Tools      json.RawMessage `json:"tools"`
		ToolChoice json.RawMessage `json:"tool_choice"`
		Messages   []struct {
			Role string `json:"role"`
		} `json:"messages"`
		EncodingFormat string          `json:"encoding_format"`
		Input          json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, fmt.Errorf("decode body: %w", err)
	}
	c := &Call{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body, Model: asked.Model, Stream: asked.Stream,
		Ended: make(chan struct{}), includeUsage: asked.StreamOptions.IncludeUsage, tools: asked.Tools, toolChoice: asked.ToolChoice,
		base64: asked.EncodingFormat == "base64", inputs: 1,
	}
	if n := len(asked.Messages); n > 0 {
		c.lastRole = asked.Messages[n-1].Role
	}
	var list []json.RawMessage
	if json.Unmarshal(asked.Input, &list) == nil && len(list) > 0 && (list[0][0] == '"' || list[0][0] == '[') {
		c.inputs = len(list)
	}
	return c, nil
}

// countingListener counts the connections that are open.
type countingListener struct {
	net.Listener

	open atomic.Int64
}

// Accept implements net.Listener.
func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &countedConn{Conn: c, closed: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
}

type countedConn struct {
	net.Conn

	closed func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// closed waits for the end of the call or of the vendor.
func closed(ctx context.Context, done <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-done:
	}
}
