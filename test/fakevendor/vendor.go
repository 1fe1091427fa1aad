// Package fakevendor is LLM vendors on loopback that speak each its own wire the
// way the real one does, keep the requests that they got, and fail in every way
// that a vendor can when a test scripts it to.
//
// This package has what they share, and OpenAI's wire; the packages below it
// have the other wires. What a model answers is scripted by its name, so that
// tests that run at the same time do not disturb each other; without a script
// it follows the request (see [Answer]). Requests that the real vendor would
// refuse are refused, in its words. Vendors keep no conversation and are for
// tests only. Their goroutines are those of their servers; they end with the
// test.
package fakevendor

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Key is the credential that vendors want; calls with any other are refused as
// the vendor does.
const Key = "sk-vendor-credential-0123456789"

// Vendor is a running vendor. It is safe for concurrent use.
type Vendor struct {
	wire     Wire
	address  string
	server   *http.Server
	listener *countingListener
	inFlight atomic.Int64
	done     chan struct{}

	mu      sync.Mutex
	scripts map[string][]Behaviour
	calls   map[string][]*Call
	refused []*Call
}

// Start runs OpenAI until the test ends.
func Start(tb testing.TB) *Vendor {
	tb.Helper()
	return StartWire(tb, newOpenAI())
}

// StartWire runs the vendor of a wire until the test ends.
func StartWire(tb testing.TB, w Wire) *Vendor {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	v := &Vendor{
		wire: w, address: l.Addr().String(), listener: &countingListener{Listener: l}, done: make(chan struct{}),
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

// Host is the vendor's address as a URL without a path.
func (v *Vendor) Host() string { return "http://" + v.address }

// URL is the base that deployments call.
func (v *Vendor) URL() string { return v.Host() + v.wire.Base() }

// Deployment is an entry of model_list that leads here: clients ask for name,
// the vendor is asked for model. params are further lines of litellm_params.
func (v *Vendor) Deployment(name, model string, params ...string) string {
	return Entry(name, v.wire.Provider()+"/"+model, append(v.wire.Params(v.Host()), params...)...)
}

// DeploymentAt is the same for OpenAI's wire at another address.
func DeploymentAt(base, name, model string, params ...string) string {
	return Entry(name, "openai/"+model, append(bearerParams(base), params...)...)
}

func bearerParams(base string) []string { return []string{"api_base: " + base, "api_key: " + Key} }

// Entry is an entry of model_list with a price: the model has its provider in
// front, params are the other lines of litellm_params.
func Entry(name, model string, params ...string) string {
	lines := []string{
		"  - model_name: " + name, "    model_info: {id: " + name + "-deployment}", "    litellm_params:",
		"      model: " + model, "      input_cost_per_token: 0.000001", "      output_cost_per_token: 0.000002",
	}
	for _, p := range params {
		lines = append(lines, "      "+p)
	}
	return strings.Join(lines, "\n") + "\n"
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

// Refused returns the calls that did not follow the vendor's rules; why stands
// in Call.Refusal.
func (v *Vendor) Refused() []*Call {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]*Call(nil), v.refused...)
}

// InFlight is how many calls are not answered yet.
func (v *Vendor) InFlight() int { return int(v.inFlight.Load()) }

// Connections is how many connections are open.
func (v *Vendor) Connections() int { return int(v.listener.open.Load()) }

// ServeHTTP keeps the call and answers it by the model's script, unless the
// vendor's own rules refuse it.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.inFlight.Add(1)
	defer v.inFlight.Add(-1)
	c, err := readCall(r)
	if err != nil {
		return // the caller left
	}
	defer close(c.Ended)
	req, refusal := v.wire.Read(c)
	if refusal != nil {
		c.Refusal = refusal.Message
	}
	step := v.record(c, refusal)
	x := &exchange{w: w, r: r, call: c, wire: v.wire, request: req, done: v.done}
	step(x)
}

// record keeps the call and returns the step of the script that is due.
func (v *Vendor) record(c *Call, refusal *Failure) Behaviour {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls[c.Model] = append(v.calls[c.Model], c)
	if refusal != nil {
		v.refused = append(v.refused, c)
		return failWith(*refusal)
	}
	steps := v.scripts[c.Model]
	if len(steps) == 0 {
		return Answer(Options{})
	}
	if len(steps) > 1 {
		v.scripts[c.Model] = steps[1:]
	}
	return steps[0]
}
