package pipeline

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/batch"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// submission is a batch that is about to be submitted. What is inside it is done
// later, and counts now.
type submission struct {
	tally *batch.Tally
	cost  quota.Cost
	// parts are what limits of single models hold of it.
	parts []part
	// declined says that the vendor did not take it.
	declined bool
}

type part struct {
	grant quota.Grant
	cost  quota.Cost
}

// settle charges the parts, or gives them back. The first call counts.
func (s *submission) settle(called bool) {
	for i := range s.parts {
		p := &s.parts[i]
		if called && !s.declined {
			p.grant.Settle(p.cost)
		} else {
			p.grant.Cancel()
		}
	}
	s.parts = nil
}

// inside is the cost of requests inside a batch. What they cost in money is not
// known before they are done: a budget that is used up refuses the batch, and no
// more than that.
func (x *exchange) inside(c *batch.Count) quota.Cost {
	return quota.Cost{Requests: c.Requests, Tokens: tokensOf(x.state.held.settings.TokenType, c.Input, c.Output), Nano: leastPrice}
}

// submits reports whether a passage submits a batch, whichever route leads
// there, and whether the batch's requests stand in its body.
func (x *exchange) submits() (inline, ok bool) {
	path, _, _ := strings.Cut(x.passage.Path, "?")
	path = strings.TrimSuffix(path, "/")
	return strings.HasSuffix(path, "/messages/batches"), x.r.Method == http.MethodPost && strings.HasSuffix(path, "/batches")
}

// weighBatch counts what is inside a batch that is about to be submitted, so
// that it is held to all limits as a whole, and to the models that the caller
// may use.
func (x *exchange) weighBatch(f provider.Forwarder) error {
	inline, ok := x.submits()
	if !ok {
		return nil
	}
	begun, counts, err := x.beginBatch()
	defer begun.Cancel()
	if err != nil || !counts && !x.restricted() {
		return err
	}
	tally, err := x.tally(f, inline)
	if err != nil || tally == nil {
		return err
	}
	for i := range tally.Models {
		model := tally.Models[i].Name
		if err := x.mayPass(model, x.deployment.Provider); err != nil {
			return &apierr.Error{Status: http.StatusForbidden, NoneText: true, Message: fmt.Sprintf(
				"Batch input file references a model the caller is not authorized to use: model=%s, reason=%s", model, apierr.Public(err).Message)}
		}
	}
	if counts {
		x.account.batch = &submission{tally: tally, cost: x.inside(&tally.Count)}
	}
	return nil
}

// beginBatch reports whether there are limits that depend on what is inside a
// batch, and holds one request to all limits while that is found out: nobody
// lets a file be read who could not even submit an empty one.
func (x *exchange) beginBatch() (begun *quota.Grant, counts bool, err error) {
	begun = &quota.Grant{}
	if x.p.opts.Quota == nil {
		return begun, false, nil
	}
	a := &x.account
	defer func() { a.demands = a.demands[:0] }()
	if err := x.demand(); err != nil {
		return begun, false, err
	}
	if r := x.p.opts.Quota.Admit(x.r.Context(), begun, a.demands, quota.Cost{Requests: 1, Tokens: 1, Nano: leastPrice}); r != nil {
		if x.r.Context().Err() != nil {
			return begun, false, errClientGone
		}
		return begun, false, x.refused(r)
	}
	counts = !x.state.held.settings.FreeBatches && (x.limitedByModel() || slices.ContainsFunc(a.demands, func(d quota.Demand) bool {
		return d.Limit.Unit == limits.Requests || d.Limit.Unit == limits.Tokens
	}))
	return begun, counts, nil
}

// tally reads what is inside a batch; nil is a request that the vendor will
// refuse.
func (x *exchange) tally(f provider.Forwarder, inline bool) (*batch.Tally, error) {
	var (
		tally *batch.Tally
		err   error
		file  = splice.Text(x.call.Lookup("input_file_id"))
	)
	switch list := x.call.Lookup("requests"); {
	case inline && list != nil:
		tally, err = batch.InlineBounds().Inline(list, x.weigh())
	case !inline && x.call.Lookup("input_blob") != nil:
		return nil, apierr.BadRequest("input_blob: what is inside the batch can not be seen. Use input_file_id.")
	case !inline && file != "":
		tally, err = x.p.files.Weigh(x.r.Context(), f, batch.Path(x.passage.Path, file), x.ofProject(), x.weigh())
	}
	if err == nil {
		return tally, nil
	}
	if x.r.Context().Err() != nil {
		return nil, errClientGone
	}
	return nil, batch.Public(err, file)
}

// ofProject are the fields that say whose files they are at OpenAI.
func (x *exchange) ofProject() []provider.HeaderField {
	return slices.DeleteFunc(x.passedOn(), func(f provider.HeaderField) bool {
		return f.Name != "Openai-Organization" && f.Name != "Openai-Project"
	})
}

// weigh estimates requests by what past ones of their model were like. Answers
// count as far as it is known how long they are: nothing will ever correct the
// estimate.
func (x *exchange) weigh() batch.Weigh {
	var about *learned
	var of string
	return func(r *batch.Request) (in, out int64) {
		if about == nil || of != r.Model {
			about, of = x.learnedOf(r.Model), r.Model
		}
		density, ok := about.density.load()
		if !ok {
			density = 1.0 / bytesPerToken
		}
		in = max(1, int64(float64(promptBytes(r.Members, r.Body))*density))
		if mean, ok := about.output.load(); ok {
			out = max(1, int64(mean))
			if most := mostAsked(r.Members, r.Body); most > 0 {
				out = min(out, most)
			}
		}
		return in, out
	}
}

func (x *exchange) learnedOf(model string) *learned {
	for _, name := range x.calledHere(model) {
		if target, ok := x.state.table.ResolveFor(x.team(), name); ok {
			return x.state.groups.of(target.Group).learned
		}
	}
	return &learned{}
}

// calledHere are the names under which clients know a model that a vendor's file
// names: its own, and the groups that lead to it.
func (x *exchange) calledHere(model string) []string {
	if model == "" {
		return nil
	}
	var groups []string
	for _, d := range x.state.table.Provider(x.deployment.Provider) {
		if d.Model == model && d.ModelName != model {
			groups = append(groups, d.ModelName)
		}
	}
	slices.Sort(groups)
	return append([]string{model}, slices.Compact(groups)...)
}

// limitedByModel reports whether the caller has limits of single models.
func (x *exchange) limitedByModel() bool {
	if x.master || x.anonymous {
		return false
	}
	byModel := func(s *limits.Set) bool { return s != nil && len(s.Models) > 0 }
	owners := x.owners()
	return len(x.state.held.keys) > 0 || slices.ContainsFunc(owners[:], byModel) || x.identity.Org != nil && byModel(x.identity.Org.Limited)
}

// admitModels holds a batch that was admitted as a whole against the limits of
// each model that it names. When one refuses, nothing is held.
func (x *exchange) admitModels() error {
	b := x.account.batch
	if b == nil || x.master || x.anonymous {
		return nil
	}
	a := &x.account
	kept := len(a.demands)
	defer func() { a.demands = a.demands[:kept] }()
	b.parts = make([]part, 0, len(b.tally.Models)) // a grant stays where it is
	for i := range b.tally.Models {
		m := &b.tally.Models[i]
		a.demands = a.demands[:kept]
		x.demandOfModel(x.calledHere(m.Name))
		want := a.demands[kept:]
		if len(want) == 0 {
			continue
		}
		b.parts = append(b.parts, part{cost: x.inside(&m.Count)})
		p := &b.parts[len(b.parts)-1]
		if err := x.stretch(want, p.cost); err != nil {
			return err
		}
		if r := x.p.opts.Quota.Admit(x.r.Context(), &p.grant, want, p.cost); r != nil {
			if x.r.Context().Err() != nil {
				return errClientGone
			}
			return x.batchRefused(r, p.cost)
		}
	}
	return nil
}

// demandOfModel adds the caller's limits of one model, but for those that the
// request as a whole is held to because it names the model itself.
func (x *exchange) demandOfModel(names []string) {
	if len(names) == 0 || slices.Contains(names, x.model) {
		return
	}
	id := &x.identity
	for i, set := range x.owners() {
		list, found := set.ForModel(names...)
		x.demandEach(list)
		for _, name := range names {
			if rates := x.state.held.keys[name]; i == 0 && !found && rates != nil {
				x.demandEach(id.Key.InGroup(name, rates))
				break
			}
		}
	}
	if id.Key.TeamID != "" {
		x.trackMoney(limits.UserModel)
	}
	if id.Org != nil {
		list, _ := id.Org.Limited.ForModel(names...)
		x.demandEach(list)
	}
}

// stretch lets demands of what is larger than a window span several windows, or
// says that they can never be met.
func (x *exchange) stretch(demands []quota.Demand, cost quota.Cost) error {
	for i := range demands {
		d := &demands[i]
		n := cost.Requests
		switch d.Limit.Unit {
		case limits.Requests:
		case limits.Tokens:
			n = cost.Tokens
		case limits.Money, limits.Parallel:
			continue
		}
		if x.state.held.settings.SplitBatches {
			d.Spread = true
		} else if most := d.Limit.Ceiling(x.start.Unix()); n > most && !d.Track {
			return x.batchRefused(&quota.Refusal{Limit: d.Limit, Max: most, Remaining: most}, cost)
		}
	}
	return nil
}

// batchRefused words the refusal of a batch.
func (x *exchange) batchRefused(r *quota.Refusal, cost quota.Cost) *apierr.Error {
	e := x.refused(r)
	if r.Unavailable || r.Limit.Unit != limits.Requests && r.Limit.Unit != limits.Tokens {
		return e
	}
	n, unit, name := cost.Requests, "RPM", r.Limit.Name
	if r.Limit.Unit == limits.Tokens {
		n, unit = cost.Tokens, "TPM"
	}
	if r.Limit.Model != "" {
		name += ":" + r.Limit.Model
	}
	e.Message = fmt.Sprintf("Batch rate limit exceeded for %s: %s. Batch contains %d %s but only %d %s remaining out of %d %s limit.",
		r.Limit.Scope, name, n, r.Limit.Unit, r.Remaining, r.Limit.Unit, r.Max, unit)
	if !r.Resets.IsZero() {
		e.Message += " Limit resets at: " + resetText(r.Resets)
	}
	return e
}

// submitted notes what became of a batch. One of which nobody knows whether the
// vendor took it counts: or whoever hangs up in time would submit it for nothing.
func (x *exchange) submitted(reply provider.Reply, err error) {
	b := x.account.batch
	switch {
	case b == nil:
	case err != nil:
		b.declined = batch.Unsent(err)
	default:
		b.declined = reply.Status() >= http.StatusBadRequest
	}
}
