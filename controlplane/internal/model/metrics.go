package model

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Period is what metrics are asked of. Group, Key and Customer may be "".
type Period struct {
	Group, Key, Customer string
	Since, Before        time.Time
}

// Metrics are a row for each day, or request, with a member for each place that
// answered; LiteLLM names places by their api_base, or the model without one.
type Metrics struct {
	Data   []map[string]any `json:"data"`
	Places []string         `json:"all_api_bases"`
}

type measured struct {
	at, place string
	value     float64
}

func metrics(all []measured) Metrics {
	m := Metrics{Data: []map[string]any{}, Places: []string{}}
	for _, one := range all {
		if n := len(m.Data); n == 0 || m.Data[n-1]["date"] != one.at {
			m.Data = append(m.Data, map[string]any{"date": one.at})
		}
		m.Data[len(m.Data)-1][one.place] = one.value
		if !slices.Contains(m.Places, one.place) {
			m.Places = append(m.Places, one.place)
		}
	}
	return m
}

// Latency returns the seconds that a token of an answer took, by days.
func (s *Service) Latency(ctx context.Context, p *Period) (Metrics, error) {
	rows, err := s.store.ModelLatency(ctx, s.store.DB(), db.ModelLatencyParams{
		ModelGroup: p.Group, Since: p.Since, Before: p.Before, ApiKey: p.Key, EndUser: p.Customer,
	})
	if err != nil {
		return Metrics{}, fmt.Errorf("read latencies: %w", err)
	}
	all := make([]measured, len(rows))
	for i, r := range rows {
		all[i] = measured{r.Date, r.Place, r.Latency}
	}
	return metrics(all), nil
}

// FirstToken returns the seconds to the first token of a stream, by days; of one
// day, by requests.
func (s *Service) FirstToken(ctx context.Context, p *Period) (Metrics, error) {
	rows, err := s.store.ModelFirstToken(ctx, s.store.DB(), db.ModelFirstTokenParams{
		Each: p.Before.Sub(p.Since) <= 24*time.Hour, ModelGroup: p.Group, Since: p.Since, Before: p.Before,
	})
	if err != nil {
		return Metrics{}, fmt.Errorf("read times to the first token: %w", err)
	}
	all := make([]measured, len(rows))
	for i, r := range rows {
		all[i] = measured{r.At, r.Place, r.Latency}
	}
	return metrics(all), nil
}

// Slow is how many answers of a place took long.
type Slow struct {
	Place string `json:"api_base"`
	Total int64  `json:"total_count"`
	Slow  int64  `json:"slow_count"`
}

// slowAfter is LiteLLM's alerting_threshold, in seconds.
const slowAfter = 300

// SlowAnswers counts answers that took longer than five minutes.
func (s *Service) SlowAnswers(ctx context.Context, p *Period) ([]Slow, error) {
	rows, err := s.store.ModelSlow(ctx, s.store.DB(), db.ModelSlowParams{Threshold: slowAfter, ModelGroup: p.Group, Since: p.Since, Before: p.Before})
	if err != nil {
		return nil, fmt.Errorf("count slow answers: %w", err)
	}
	out := make([]Slow, len(rows))
	for i, r := range rows {
		out[i] = Slow{r.Place, r.Total, r.Slow}
	}
	return out, nil
}

// Exceptions are a row for each place that failed, with a member for each kind of
// error.
type Exceptions struct {
	Data  []map[string]any `json:"data"`
	Types []string         `json:"exception_types"`
}

// Exceptions counts what went wrong.
func (s *Service) Exceptions(ctx context.Context, p *Period) (Exceptions, error) {
	rows, err := s.store.ModelExceptions(ctx, s.store.DB(), db.ModelExceptionsParams{ModelGroup: p.Group, Since: p.Since, Before: p.Before})
	if err != nil {
		return Exceptions{}, fmt.Errorf("count errors: %w", err)
	}
	out := Exceptions{Data: []map[string]any{}, Types: []string{}}
	var total int64
	for _, r := range rows {
		n := len(out.Data)
		if n == 0 || out.Data[n-1]["model"] != r.Place {
			total = 0
			out.Data = append(out.Data, map[string]any{"model": r.Place})
			n++
		}
		total += r.Total
		out.Data[n-1][r.Kind], out.Data[n-1]["total_exceptions"] = r.Total, total
		if !slices.Contains(out.Types, r.Kind) {
			out.Types = append(out.Types, r.Kind)
		}
	}
	slices.Sort(out.Types)
	return out, nil
}
