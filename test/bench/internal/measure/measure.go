// Package measure runs the scenarios of the benchmark on a lab. The targets of
// a scenario take turns within each round, so that what else happens on the
// machine meets all of them; what counts is the ratio within a round. It prints
// and writes nothing but progress. Its goroutines end before Run returns.
package measure

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/parts"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

// Options say what to measure.
type Options struct {
	// Rounds is how often each target has its turn.
	Rounds int
	// Warmup and Duration are those of one turn.
	Warmup, Duration time.Duration
	// Conns is the number of connections that saturate a target.
	Conns int
	// Rate and StreamRate are the calls a second for latencies.
	Rate, StreamRate float64
	// Pace is the time between two events of a paced stream.
	Pace time.Duration
	// Blocks is how many keys are blocked.
	Blocks int
	// Streams is how many streams are open when memory is read.
	Streams int
	// Idle is how long a fresh process rests before its memory is read.
	Idle time.Duration
	// Only limits the scenarios, and Targets the targets, to some names.
	Only, Targets []string
	// Profile is a directory for profiles of the data plane, empty for none.
	Profile  string
	Progress io.Writer
	// Source is the directory of the project's source, whose own benchmarks
	// measure single parts.
	Source string
}

// Names of the scenarios that are no Load.
const (
	LimitsName  = "limits"
	PartsName   = "parts"
	LatencyName = "latency"
	BlockName   = "block"
	MemoryName  = "memory"
)

// Load is a scenario that saturates a target.
type Load struct {
	Name, Title string
	Kind        payload.Kind
	// Conns is the number of connections; 0 takes that of the options.
	Conns int
	// Goal is the most that it may cost, in times of the reverse proxy; 0 for none.
	Goal float64
}

const (
	smallBody  = 1 << 10
	largeBody  = 100 << 10
	pacedConns = 256
)

// loads lists the scenarios that measure CPU.
func loads(pace time.Duration) []Load {
	small := func(k payload.Kind) payload.Kind {
		k.PromptBytes = smallBody
		return k
	}
	claude := payload.Kind{Model: payload.ClaudeModel, Vendor: payload.Anthropic}
	claudeStream := claude
	claudeStream.Stream = true
	return []Load{
		{Name: "json", Title: "JSON, 1 KB", Kind: small(payload.Kind{}), Goal: 0.85},
		{Name: "100k", Title: "JSON, 100 KB prompt", Kind: payload.Kind{PromptBytes: largeBody}, Goal: 0.75},
		{Name: "stream", Title: "50 chunks, as fast as they come", Kind: small(payload.Kind{Stream: true}), Goal: 1.1},
		{Name: "paced", Title: "50 chunks, one each " + pace.String(), Kind: small(payload.Kind{Stream: true, Pace: pace}), Conns: pacedConns},
		{Name: "crowd", Title: fmt.Sprintf("JSON, 1 KB, one of %d deployments", payload.Crowd), Kind: small(payload.Kind{Model: payload.CrowdModel})},
		{Name: "cached", Title: "JSON, 1 KB, out of the cache", Kind: small(payload.Kind{Cached: true})},
		{Name: "to-anthropic", Title: "OpenAI to Anthropic, JSON, 1 KB", Kind: small(claude), Goal: 2},
		{Name: "to-anthropic-stream", Title: "OpenAI to Anthropic, 50 pieces", Kind: small(claudeStream), Goal: 2.5},
		{Name: "to-openai", Title: "Anthropic to OpenAI, JSON, 1 KB", Kind: small(payload.Kind{Wire: payload.Anthropic})},
		{Name: "to-openai-stream", Title: "Anthropic to OpenAI, 50 chunks", Kind: small(payload.Kind{Wire: payload.Anthropic, Stream: true})},
	}
}

// Names lists all scenarios.
func Names() []string {
	var all []string
	for _, l := range loads(0) {
		all = append(all, l.Name)
	}
	return append(all, LimitsName, PartsName, LatencyName, BlockName, MemoryName)
}

// TargetNames lists all targets by the names that limit them.
func TargetNames() []string { return []string{"nginx", "reverseproxy", "tianji"} }

// Results are what was measured; what was left out is nil.
type Results struct {
	Costs     []Cost
	Limits    *Limits
	Parts     []parts.Result
	Latencies []Latency
	Block     *Block
	Memory    []Memory
	// Calls were answered by the data plane with a key whose bill is compared
	// with them, and Booked is how many of them the bill holds.
	Calls, Booked int
	// Pinned says that the measured process had a core of its own.
	Pinned bool
}

// runner holds what the scenarios share.
type runner struct {
	opts    Options
	lab     *lab.Lab
	install *lab.Installation
	key     string
	targets []*lab.Target
	results Results
}

// Run measures.
func Run(ctx context.Context, l *lab.Lab, o Options) (Results, error) {
	r := &runner{opts: o, lab: l, results: Results{Pinned: l.Pinned()}}
	for _, step := range []func(context.Context) error{r.startInstallation, r.memory, r.startTargets, r.costs, r.limits, r.latencies, r.bill, r.block, r.parts} {
		if err := step(ctx); err != nil {
			return r.results, err
		}
	}
	return r.results, nil
}

func (r *runner) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.opts.Progress, format+"\n", args...)
}

// wants reports whether a scenario is to run.
func (r *runner) wants(name string) bool {
	return len(r.opts.Only) == 0 || slices.Contains(r.opts.Only, name)
}

func (r *runner) measures(target string) bool {
	return len(r.opts.Targets) == 0 || slices.Contains(r.opts.Targets, target)
}

// wantsTargets reports whether any scenario needs targets that stay.
func (r *runner) wantsTargets() bool {
	return r.wants(LatencyName) || r.wants(LimitsName) || slices.ContainsFunc(loads(0), func(l Load) bool { return r.wants(l.Name) })
}
