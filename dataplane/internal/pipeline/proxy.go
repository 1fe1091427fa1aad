package pipeline

import (
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/price"
)

// Passage is a request that is handed on without translation.
type Passage struct {
	// Endpoint names the route; its dialect words refusals of ours. CallType is
	// LiteLLM's name of the call.
	Endpoint Endpoint
	CallType string
	// Path is what the vendor is asked for, with the query. Model is the model
	// that it names, or "".
	Path  string
	Model string
	// Find returns who serves the passage; field reads a text member of its
	// body.
	Find func(t *route.Table, model string, field func(name string) string) (*route.Deployment, error)
	// Wire reads the usage of answers; nil reads none.
	Wire Wire
	// Streams says that the answer is a stream although its type does not.
	Streams bool
	// Own are members of the body that are for the gateway.
	Own []string
	// Uploads may be larger than what is looked into.
	Uploads bool
	// Open passages need no key. A caller who has one is known all the same.
	Open bool
	// Configured says that the route is one of the config file.
	Configured bool
	// AllHeaders sends all headers of the client on but those that are ours.
	AllHeaders bool
	// Fee is what a success costs; nil prices the usage.
	Fee *money.Nano
}

// Wire reads what passes: every dialect is one.
type Wire interface {
	Usage(data []byte, u *chat.Usage) bool
	Model(data []byte) jsonx.Span
}

// Proxy hands a request on: the caller's key is checked and stays here, the
// deployment's credentials go out, and what the answer says of usage is booked.
func (p *Pipeline) Proxy(w http.ResponseWriter, r *http.Request, passage Passage) {
	p.serve(w, r, passage.Endpoint, func(x *exchange) error { return x.proxy(&passage) })
}

func (x *exchange) proxy(passage *Passage) error {
	x.passage = passage
	if err := x.identify(); err != nil {
		return err
	}
	out, err := x.proxyBody()
	if err != nil {
		return err
	}
	if x.model == "" {
		x.model = passage.Model
	}
	d, err := passage.Find(x.state.table, x.model, x.field)
	if err != nil {
		return err
	}
	if err := x.meet(); err != nil {
		return err
	}
	for _, model := range append(x.modelsInside(), passage.Model, x.model) { // a body that names another is no way around
		if err := x.mayPass(model, d.Provider); err != nil {
			return err
		}
	}
	forwarder, ok := d.Backend.(provider.Forwarder)
	if !ok {
		return apierr.BadRequest("provider %s does not take requests of this kind", d.Provider)
	}
	x.deployment = d
	x.usage.Model, x.usage.DeploymentID, x.usage.Provider, x.usage.APIBase = x.model, d.ID, d.Provider, forwarder.Root()
	x.usage.CallType = passage.CallType
	if x.model != "" && (x.model == d.Model || x.model == d.ModelName) {
		x.usage.ModelGroup = d.ModelName // a name that a client makes up is none
	}
	if out.Whole != nil {
		out.Whole = x.withoutOwn()
	}
	out.Method, out.Path, out.Header = x.r.Method, passage.Path, x.passedOn()
	if err := x.weighBatch(forwarder); err != nil {
		x.deployment = nil // the batch itself was not submitted
		return err
	}
	x.overhear()
	if err := x.admitPassage(); err != nil {
		x.deployment = nil // nobody was called
		return err
	}
	reply, err := forwarder.Forward(x.r.Context(), &out)
	x.submitted(reply, err)
	if err != nil {
		if x.r.Context().Err() != nil {
			return errClientGone
		}
		f := x.understandFailure(err)
		return f.public(d.Provider)
	}
	defer func() { _ = reply.Close() }()
	return x.handOn(reply)
}

// identify finds out who asks. Whoever has no key of ours may pass where the
// passage is open.
func (x *exchange) identify() error {
	err := x.authenticate()
	if err == nil || !x.passage.Open {
		return err
	}
	if refused := apierr.Public(err); refused.Status >= http.StatusInternalServerError {
		return err // nobody knows whether what the client sent is a key of ours, which must not go out
	}
	x.anonymous = true
	return nil
}

// mayPass holds a model that a body or path names against what the caller may
// use, so that a passage is no way around it. A model may be named as the
// vendor does, when the caller may use a deployment of it.
func (x *exchange) mayPass(model, slug string) error {
	if x.master || x.anonymous || model == "" {
		return nil
	}
	allowed := func(name string) string {
		target, _ := x.state.table.ResolveFor(x.team(), name)
		return x.state.deniedBy(x.identity, name, name, target)
	}
	denied := allowed(model)
	if denied == "" {
		return nil
	}
	for _, d := range x.state.table.Provider(slug) {
		if d.Model == model && allowed(d.ModelName) == "" {
			return nil
		}
	}
	return modelDenied(denied, model, x.state.compat)
}

// restricted reports whether there are models that the caller may not use: then
// the models of a request must be seen.
func (x *exchange) restricted() bool {
	const nobodys = "\x00"
	return !x.master && !x.anonymous && x.state.deniedBy(x.identity, nobodys, nobodys, route.Target{}) != ""
}

// modelsInside are the models of the requests that a body holds, as that of a
// batch does: https://docs.anthropic.com/en/api/creating-message-batches,
// https://ai.google.dev/api/embeddings
func (x *exchange) modelsInside() []string {
	list := x.call.Lookup("requests")
	if list == nil || !x.restricted() {
		return nil
	}
	var models []string
	requests, _ := splice.Elements(list)
	for _, r := range requests {
		for _, holder := range [][]byte{r, jsonx.Lookup(r, "params").Of(r)} {
			model := splice.Text(jsonx.Lookup(holder, "model").Of(holder))
			models = append(models, strings.TrimPrefix(model, "models/"))
		}
	}
	return models
}

// passageRate are the prices of a passage. The deployment lends its
// credentials; its own prices hold for its own model.
func (x *exchange) passageRate() *price.Rate {
	d := x.deployment
	if d.Model != "" && (x.model == d.Model || x.model == d.ModelName) {
		return x.state.rates.of(d, x.model)
	}
	return x.state.rates.of(&route.Deployment{Provider: d.Provider}, x.usage.Model)
}

// fee is what a passage with a price of its own costs.
func (x *exchange) fee(each money.Nano) money.Nano {
	if x.usage.HTTPStatus >= firstFailure {
		return 0
	}
	return each
}

// admitPassage holds a passage against all limits. There is one deployment that
// can serve it: when that may not be called, nobody is.
func (x *exchange) admitPassage() error {
	if err := x.admit(); err != nil {
		return err
	}
	if err := x.admitModels(); err != nil {
		return err
	}
	refused, err := x.enter("")
	if refused != nil {
		return refused.public
	}
	return err
}
