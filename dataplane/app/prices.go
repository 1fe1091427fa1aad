package app

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/price"
)

// appraise tells the router what the price book knows of deployments.
func appraise(env *route.Environment, book *price.Book) {
	known := func(d *route.Deployment) *price.Model {
		return book.Lookup(price.Query{Provider: d.Provider, Model: d.Model, BaseModel: d.BaseModel})
	}
	env.CostPerMillion = func(d *route.Deployment) (in, out int64) {
		rate := d.Rate
		if m := known(d); rate == nil && m != nil {
			rate = m.Rate
		}
		perIn, perOut, ok := rate.Tokens()
		if !ok {
			return -1, -1
		}
		return int64(perIn), int64(perOut)
	}
	env.ContextWindow = func(d *route.Deployment) int64 {
		if m := known(d); m != nil {
			return m.MaxInputTokens
		}
		return 0
	}
}
