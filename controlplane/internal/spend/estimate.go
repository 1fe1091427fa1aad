package spend

import (
	"context"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/price"
)

// EstimateRequest is the body of /cost/estimate.
type EstimateRequest struct {
	Model    string `json:"model"`
	Input    int64  `json:"input_tokens"`
	Output   int64  `json:"output_tokens"`
	PerDay   *int64 `json:"num_requests_per_day"`
	PerMonth *int64 `json:"num_requests_per_month"`
}

// Estimate is what requests of one kind would cost, in dollars. There is no
// margin on top of prices here.
type Estimate struct {
	EstimateRequest

	Cost        float64  `json:"cost_per_request"`
	InputCost   float64  `json:"input_cost_per_request"`
	OutputCost  float64  `json:"output_cost_per_request"`
	MarginCost  float64  `json:"margin_cost_per_request"`
	Daily       *float64 `json:"daily_cost"`
	DailyIn     *float64 `json:"daily_input_cost"`
	DailyOut    *float64 `json:"daily_output_cost"`
	DailyMargin *float64 `json:"daily_margin_cost"`

	Monthly       *float64 `json:"monthly_cost"`
	MonthlyIn     *float64 `json:"monthly_input_cost"`
	MonthlyOut    *float64 `json:"monthly_output_cost"`
	MonthlyMargin *float64 `json:"monthly_margin_cost"`

	PerInputToken  *float64 `json:"input_cost_per_token"`
	PerOutputToken *float64 `json:"output_cost_per_token"`
	Provider       *string  `json:"provider"`
}

// mostCountedTokens bounds numbers of tokens and of requests, so that no cost
// is out of range.
const mostCountedTokens = 1_000_000_000

func (r *EstimateRequest) check() error {
	if err := bounds.CheckID("model", r.Model); err != nil {
		return err
	}
	for name, n := range map[string]*int64{
		"input_tokens": &r.Input, "output_tokens": &r.Output, "num_requests_per_day": r.PerDay, "num_requests_per_month": r.PerMonth,
	} {
		if n != nil && (*n < 0 || *n > mostCountedTokens) {
			return apierr.Invalid("greater_than_equal", name, "Input should be a number from 0 to 1000000000")
		}
	}
	return nil
}

// Estimate returns what requests of one size cost.
func (c *Calculator) Estimate(ctx context.Context, r *EstimateRequest) (Estimate, error) {
	if err := r.check(); err != nil {
		return Estimate{}, err
	}
	found, err := c.find(ctx, r.Model)
	if err != nil {
		return Estimate{}, err
	}
	in := found.rate.Cost(&price.Usage{InputTokens: r.Input}).USD()
	whole := found.rate.Cost(&price.Usage{Requests: 1, InputTokens: r.Input, OutputTokens: r.Output}).USD()
	e := Estimate{EstimateRequest: *r, Cost: whole, InputCost: in, OutputCost: whole - in}
	e.Daily, e.DailyIn, e.DailyOut, e.DailyMargin = e.times(r.PerDay)
	e.Monthly, e.MonthlyIn, e.MonthlyOut, e.MonthlyMargin = e.times(r.PerMonth)
	if a, b, ok := found.rate.Tokens(); ok {
		e.PerInputToken, e.PerOutputToken = each(a), each(b)
	}
	if found.provider != "" {
		e.Provider = &found.provider
	}
	return e, nil
}

// each is the price of one token, of that of a million.
func each(million money.Nano) *float64 {
	usd := million.USD() / 1e6
	return &usd
}

func (e *Estimate) times(n *int64) (whole, in, out, margin *float64) {
	if n == nil {
		return nil, nil, nil, nil
	}
	of := func(usd float64) *float64 {
		usd *= float64(*n)
		return &usd
	}
	return of(e.Cost), of(e.InputCost), of(e.OutputCost), of(e.MarginCost)
}
