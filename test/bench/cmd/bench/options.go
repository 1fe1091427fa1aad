package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
)

// options are those of a run.
type options struct {
	tianji, dataPlane, document string
	pin, write                  bool
	measure                     measure.Options
}

// parse reads the flags.
func parse(args []string, out io.Writer) (options, error) {
	var o options
	var quick bool
	var only, targets string
	bin := programs()
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&o.tianji, "tianji", filepath.Join(bin, "tianji"), "`program` that runs NATS, Postgres and the control plane")
	set.StringVar(&o.dataPlane, "dataplane", filepath.Join(bin, "tianji-dataplane"), "`program` that is measured")
	set.StringVar(&o.document, "docs", filepath.Join(bin, "..", "docs", "benchmarks.md"), "`document` that -write changes")
	set.BoolVar(&o.write, "write", false, "put the results into the document")
	set.BoolVar(&o.pin, "pin", true, "give the measured process a core of its own (Linux)")
	set.BoolVar(&quick, "quick", false, "one short round of everything, to see that it works")
	set.StringVar(&only, "only", "", "comma-separated `scenarios`: "+strings.Join(measure.Names(), ", "))
	set.StringVar(&targets, "targets", "", "comma-separated `targets`: "+strings.Join(measure.TargetNames(), ", "))
	m := &o.measure
	set.StringVar(&m.Source, "source", filepath.Join(bin, ".."), "`directory` of the project's source, for the benchmarks of single parts")
	set.IntVar(&m.Rounds, "rounds", 3, "how often each target has its turn")
	set.DurationVar(&m.Duration, "duration", 5*time.Second, "of a turn")
	set.DurationVar(&m.Warmup, "warmup", time.Second, "before each turn, not measured")
	set.IntVar(&m.Conns, "conns", 32, "connections that saturate a target")
	set.Float64Var(&m.Rate, "rate", 200, "plain calls a second for latencies")
	set.Float64Var(&m.StreamRate, "stream-rate", 50, "streams a second for latencies")
	set.DurationVar(&m.Pace, "pace", 10*time.Millisecond, "between two events of a paced stream")
	set.IntVar(&m.Blocks, "blocks", 100, "keys to block")
	set.IntVar(&m.Streams, "streams", 1000, "open streams when memory is read")
	set.DurationVar(&m.Idle, "idle", 3*time.Second, "how long a fresh process rests before its memory is read")
	set.StringVar(&m.Profile, "profile", "", "`directory` for profiles of the data plane, of CPU and of allocations, taken after the rounds")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if quick {
		given := map[string]bool{}
		set.Visit(func(f *flag.Flag) { given[f.Name] = true })
		shorten(m, given)
	}
	m.Only, m.Targets = list(only), list(targets)
	return o, o.check(quick)
}

// shorten takes short values where none were given.
func shorten(m *measure.Options, given map[string]bool) {
	if !given["rounds"] {
		m.Rounds = 1
	}
	if !given["duration"] {
		m.Duration = time.Second
	}
	if !given["warmup"] {
		m.Warmup = 300 * time.Millisecond
	}
	if !given["blocks"] {
		m.Blocks = 10
	}
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func (o *options) check(quick bool) error {
	m := &o.measure
	for _, name := range m.Only {
		if !slices.Contains(measure.Names(), name) {
			return fmt.Errorf("-only %s: want some of %s", name, strings.Join(measure.Names(), ", "))
		}
	}
	for _, name := range m.Targets {
		if !slices.Contains(measure.TargetNames(), name) {
			return fmt.Errorf("-targets %s: want some of %s", name, strings.Join(measure.TargetNames(), ", "))
		}
	}
	switch {
	case m.Rounds < 1 || m.Conns < 1 || m.Blocks < 1 || m.Streams < 1 || m.Duration <= 0 || m.Warmup < 0 || m.Idle < 0 || m.Rate <= 0 || m.Pace < time.Millisecond || m.StreamRate <= 0:
		return errors.New("counts, rates and durations must be positive, a pace at least 1ms")
	case o.write && (quick || len(m.Only) > 0 || len(m.Targets) > 0):
		return errors.New("-write takes a whole run: leave out -quick, -only and -targets")
	}
	for _, path := range []string{o.tianji, o.dataPlane} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w: 'make build' builds it", err)
		}
	}
	return nil
}

// programs is the directory of the programs: beside this one, or bin/ of the
// repository.
func programs() string {
	if self, err := os.Executable(); err == nil {
		dir := filepath.Dir(self)
		if _, err := os.Stat(filepath.Join(dir, "tianji")); err == nil {
			return dir
		}
	}
	if _, err := os.Stat("bin"); err == nil {
		return "bin"
	}
	return filepath.Join("..", "bin")
}
