package measure

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/stat"
)

// Latency is what one target showed at a low rate in each round, in
// microseconds: the time of a plain call, and the time on the way of a
// stream's first event.
type Latency struct {
	Target             string
	P50, P99           []float64
	FirstP50, FirstP99 []float64
}

// lowConns is far more than a low rate keeps busy.
const lowConns = 16

func (r *runner) latencies(ctx context.Context) error {
	if !r.wants(LatencyName) {
		return nil
	}
	targets := append([]*lab.Target{r.lab.Direct()}, r.targets...)
	r.results.Latencies = make([]Latency, len(targets))
	for round := range r.opts.Rounds {
		for turn := range targets {
			i := (turn + round) % len(targets)
			if err := r.latency(ctx, targets[i], &r.results.Latencies[i]); err != nil {
				return fmt.Errorf("latency: %s: %w", targets[i].Name, err)
			}
		}
	}
	return nil
}

func (r *runner) latency(ctx context.Context, t *lab.Target, l *Latency) error {
	if err := r.lab.Quiet(ctx); err != nil {
		return err
	}
	l.Target = t.Name
	plain, err := r.sip(ctx, t, payload.Kind{PromptBytes: smallBody}, r.opts.Rate)
	if err != nil {
		return err
	}
	l.P50 = append(l.P50, micros(stat.Quantile(plain.Latencies, 0.5)))
	l.P99 = append(l.P99, micros(stat.Quantile(plain.Latencies, 0.99)))
	stream, err := r.sip(ctx, t, payload.Kind{PromptBytes: smallBody, Stream: true}, r.opts.StreamRate)
	if err != nil {
		return err
	}
	l.FirstP50 = append(l.FirstP50, micros(stat.Quantile(stream.Delays, 0.5)))
	l.FirstP99 = append(l.FirstP99, micros(stat.Quantile(stream.Delays, 0.99)))
	r.say("latency %-13s %6.0f us p50  %6.0f us p99; first event %6.0f us p50", t.Name, micros(stat.Quantile(plain.Latencies, 0.5)),
		micros(stat.Quantile(plain.Latencies, 0.99)), micros(stat.Quantile(stream.Delays, 0.5)))
	return nil
}

func (r *runner) sip(ctx context.Context, t *lab.Target, kind payload.Kind, rate float64) (load.Result, error) {
	result, err := load.Open{
		Addr: t.Addr, Request: kind.Request(t.Addr, r.key), Conns: lowConns, Rate: rate, Warmup: r.opts.Warmup, Duration: r.opts.Duration,
	}.Run(ctx)
	r.count(t, result.Total)
	return result, err
}
