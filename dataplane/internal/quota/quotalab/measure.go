//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const usage = `quotalab measures how exact limits are over three replicas, and what they cost.

  quotalab                                      everything, about 8 minutes; prints the results
  quotalab -write docs/limits-measured.md       the same, and writes them there
  quotalab -quick                               everything for some seconds each, to see that it works
  quotalab -only rates,slots -keep              parts of it; keeps the logs of all processes

`

// options are those of a run.
type options struct {
	quick, keep    bool
	seconds, slots time.Duration
	document       string
	only           []string
}

// parts of a run, in the order in which they are measured.
func parts() []string { return []string{"rates", "cold", "restart", "kill", "leader", "slots"} }

func parse(args []string, out io.Writer) (options, error) {
	o := options{}
	only := ""
	set := flag.NewFlagSet("quotalab", flag.ContinueOnError)
	set.SetOutput(out)
	set.Usage = func() {
		_, _ = fmt.Fprint(out, usage)
		set.PrintDefaults()
	}
	set.BoolVar(&o.quick, "quick", false, "some seconds of everything instead of whole minutes, without the greatest limit")
	set.DurationVar(&o.seconds, "for", 8*time.Second, "how long each part has load with -quick")
	set.DurationVar(&o.slots, "slots-for", time.Minute, "how long calls are made under the limit of calls under way")
	set.StringVar(&o.document, "write", "", "`file` to write the results to")
	set.BoolVar(&o.keep, "keep", false, "keep the directory with the logs of all processes")
	set.StringVar(&only, "only", "", "comma-separated `parts`: "+strings.Join(parts(), ", "))
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if o.quick {
		o.slots = min(o.slots, 2*o.seconds)
	}
	o.only = parts()
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, part := range o.only {
		if !slices.Contains(parts(), part) {
			return o, fmt.Errorf("unknown part %q: there are %s", part, strings.Join(parts(), ", "))
		}
	}
	return o, nil
}

// lab runs the parts one after the other.
type lab struct {
	opts  options
	began time.Time
	out   io.Writer // progress
	dir   string
	// rounds are the windows that limits were offered in.
	rounds int
}

// results are what was measured; what was not is nil.
type results struct {
	began   time.Time
	machine string
	quick   bool

	rates, restart, kill, cluster, leader *round
	cold                                  *coldRound
	slots                                 *parallelRound
}

func (l *lab) progress(format string, args ...any) {
	_, _ = fmt.Fprintf(l.out, "%6.1fs  %s\n", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}

// measure is the program as its user starts it.
func measure(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	l := &lab{opts: o, began: time.Now(), out: stderr}
	if l.dir, err = os.MkdirTemp("", "quotalab-"); err != nil {
		return fmt.Errorf("directory for all that is started: %w", err)
	}
	if o.keep {
		l.progress("logs are in %s", l.dir)
	} else {
		defer func() { _ = os.RemoveAll(l.dir) }()
	}
	r := &results{began: l.began, machine: machine(), quick: o.quick}
	if err := errors.Join(l.single(ctx, r), l.clustered(ctx, r)); err != nil {
		return err
	}
	var text bytes.Buffer
	r.write(&text)
	if _, err := stdout.Write(text.Bytes()); err != nil {
		return fmt.Errorf("print results: %w", err)
	}
	if o.document == "" {
		return nil
	}
	if err := os.WriteFile(o.document, text.Bytes(), 0o644); err != nil { //nolint:gosec // documentation
		return fmt.Errorf("write results: %w", err)
	}
	l.progress("written to %s", o.document)
	return nil
}

func (l *lab) wants(part string) bool { return slices.Contains(l.opts.only, part) }

// offers are all limits in all shapes.
func (l *lab) offers() (all []offer) {
	for _, limit := range []int64{10, 100, 10_000, 1_000_000} {
		if l.opts.quick && limit > 100_000 {
			limit = 100_000
		}
		for _, s := range shapes() {
			all = append(all, offer{limit: limit, shape: s})
		}
	}
	return all
}

// faulty are those that are offered when something breaks.
func faulty() (all []offer) {
	for _, s := range shapes() {
		all = append(all, offer{limit: 10_000, shape: s})
	}
	return all
}

// with runs what needs an installation with so many NATS servers.
func (l *lab) with(ctx context.Context, servers int, do func(*installation) error) (err error) {
	l.progress("starting %d NATS server(s) and %d replicas", servers, replicaCount)
	in, err := install(ctx, filepath.Join(l.dir, fmt.Sprintf("nats-%d", servers)), servers)
	if err != nil {
		return err
	}
	defer in.close()
	if err := do(in); err != nil {
		in.tail(l.out)
		return err
	}
	return nil
}

// single measures with one NATS server.
func (l *lab) single(ctx context.Context, r *results) error {
	if !slices.ContainsFunc(l.opts.only, func(part string) bool { return part != "leader" }) {
		return nil
	}
	return l.with(ctx, 1, func(in *installation) (err error) {
		for _, part := range []struct {
			name, says string
			do         func() error
		}{
			{"rates", "rates: all limits, uniform, skewed and flipping", func() error { r.rates, err = l.offerAll(ctx, in, l.offers(), nil); return err }},
			{"cold", "cold keys", func() error { r.cold, err = l.cold(ctx, in); return err }},
			{"restart", "NATS is restarted", func() error {
				r.restart, err = l.offerAll(ctx, in, faulty(), func(ctx context.Context) error { return in.restartNode(ctx, 0, time.Second) })
				return err
			}},
			{"kill", "a replica is killed", func() error {
				r.kill, err = l.offerAll(ctx, in, faulty(), func(context.Context) error { in.killReplica(replicaCount - 1); return nil })
				return err
			}},
			{"slots", "calls under way", func() error { r.slots, err = l.parallel(ctx, in); return err }},
		} {
			if !l.wants(part.name) {
				continue
			}
			l.progress("%s", part.says)
			if err := part.do(); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
		return nil
	})
}

// clustered measures with three NATS servers.
func (l *lab) clustered(ctx context.Context, r *results) error {
	if !l.wants("leader") {
		return nil
	}
	return l.with(ctx, 3, func(in *installation) (err error) {
		if !l.opts.quick {
			l.progress("three NATS servers, nothing breaks")
			if r.cluster, err = l.offerAll(ctx, in, faulty(), nil); err != nil {
				return err
			}
		}
		l.progress("the leader of the counters is killed")
		r.leader, err = l.offerAll(ctx, in, faulty(), func(ctx context.Context) error {
			name, err := in.killLeader(ctx)
			if err == nil {
				l.progress("killed %s", name)
			}
			return err
		})
		return err
	})
}

// machine names what it was measured on.
func machine() string {
	cpu := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	load := ""
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		one, _, _ := strings.Cut(string(b), " ")
		load = "; load average at the start " + one
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s%s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}
