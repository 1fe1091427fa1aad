package pipeline

import (
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/price"
)

// rates remembers the prices of deployments, for as long as a configuration
// holds: looking one up in the book costs more than using it.
type rates struct {
	book   *price.Book
	models sync.Map // *route.Deployment → *price.Model
}

// of returns the prices of a deployment, or nil when nobody knows them. model
// is what a request of no particular deployment's model asks for.
func (r *rates) of(d *route.Deployment, model string) *price.Rate {
	if d.Rate != nil {
		return d.Rate
	}
	if r.book == nil {
		return nil
	}
	if d.Model == "" { // a passage to a vendor
		return rateOf(r.book.Lookup(price.Query{Provider: d.Provider, Model: model}))
	}
	q := price.Query{Provider: d.Provider, Model: d.Model, BaseModel: d.BaseModel}
	if d.Wild() { // clients choose its models: as many as they like
		return rateOf(r.book.Lookup(q))
	}
	if m, ok := r.models.Load(d); ok {
		known, _ := m.(*price.Model)
		return rateOf(known)
	}
	m := r.book.Lookup(q)
	r.models.Store(d, m)
	return rateOf(m)
}

func rateOf(m *price.Model) *price.Rate {
	if m == nil {
		return nil
	}
	return m.Rate
}

// cost prices what was used.
func (x *exchange) cost() money.Nano {
	rate := x.state.rates.of(x.deployment, x.usage.Model)
	if x.passage != nil {
		if fee := x.passage.Fee; fee != nil {
			return x.fee(*fee)
		}
		rate = x.passageRate()
	}
	if rate.Empty() {
		if x.usage.HTTPStatus < firstFailure {
			x.p.metrics.unpriced.Inc()
		}
		return 0
	}
	u, t := &x.measures, &x.tokens
	u.At = x.start
	u.InputTokens, u.CacheReadTokens, u.CacheWriteTokens, u.CacheWrite1hTokens = t.Input, t.CachedInput, t.CacheWrite, t.CacheWrite1h
	u.AudioInputTokens, u.ImageInputTokens = t.AudioInput, t.ImageInput
	u.OutputTokens, u.ReasoningTokens, u.AudioOutputTokens, u.ImageOutputTokens = t.Output, t.Reasoning, t.AudioOutput, t.ImageOutput
	u.WebSearches = t.WebSearches
	u.Elapsed = time.Since(x.start)
	u.Requests = 1
	if x.usage.HTTPStatus >= firstFailure {
		u.Requests = 0
	}
	return rate.Cost(u)
}

const firstFailure = 400
