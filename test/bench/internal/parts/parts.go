// Package parts runs benchmarks that stand in the project's source: those of
// single parts of a request's way, which are too short to be seen from outside.
// It needs Go. Its processes end before Run returns.
package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// Result is one benchmark; its numbers are medians.
type Result struct {
	Title string
	// Nanos, Bytes and Objects are those of one operation.
	Nanos, Bytes, Objects float64
	// Goal is the most that it may take, 0 for none.
	Goal time.Duration
}

// part is benchmarks of one package by the names that they are reported under.
type part struct {
	dir string
	// skip leaves out some of their cases.
	skip   string
	titles map[string]string // by the benchmark, without its cases
	goal   time.Duration
}

func table() []part {
	return []part{
		{dir: "dataplane/internal/route", skip: "/alias|/pattern", goal: 2 * time.Microsecond, titles: map[string]string{
			"BenchmarkRoute": "route among 100 deployments",
		}},
		{dir: "dataplane/internal/quota", goal: 1500 * time.Nanosecond, titles: map[string]string{
			"BenchmarkAdmit": "admitted and settled under six limits",
		}},
		{dir: "dataplane/internal/cache", titles: map[string]string{
			"BenchmarkKey": "key of a cached answer", "BenchmarkLocalHit": "hit in memory",
		}},
		{dir: "dataplane/internal/provider/anthropic", titles: map[string]string{
			"BenchmarkChat": "OpenAI to Anthropic, request with a tool and answer", "BenchmarkStream50Events": "Anthropic's events, 50",
		}},
		{dir: "dataplane/internal/dialect/anthropic", titles: map[string]string{
			"BenchmarkDecode": "Claude Code's request of 100 KB, read", "BenchmarkStreamEvent": "event for Anthropic's client",
		}},
	}
}

// ErrNone says that there is no Go or no source here to measure with.
var ErrNone = errors.New("the parts need Go and the project's source")

// Run measures all parts of the source in dir.
func Run(ctx context.Context, dir string) ([]Result, error) {
	program, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.work")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	temp, err := os.MkdirTemp("", "tianji-bench-parts-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	var all []Result
	for _, p := range table() {
		r, err := p.run(ctx, program, dir, filepath.Join(temp, "part.test"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.dir, err)
		}
		all = append(all, r...)
	}
	return all, nil
}

// run builds the tests of a package first, so that nothing stands between us
// and the benchmark that is to end with us.
func (p *part) run(ctx context.Context, program, source, binary string) ([]Result, error) {
	dir := filepath.Join(source, filepath.FromSlash(p.dir))
	if _, err := output(ctx, dir, program, "test", "-c", "-o", binary, "."); err != nil {
		return nil, err
	}
	args := []string{"-test.run=^$", "-test.bench=" + p.pattern(), "-test.benchmem", "-test.benchtime=300ms", "-test.count=5", "-test.cpu=1"}
	if p.skip != "" {
		args = append(args, "-test.skip="+p.skip)
	}
	out, err := output(ctx, dir, binary, args...)
	if err != nil {
		return nil, err
	}
	return p.read(out)
}

func (p *part) pattern() string {
	var names []string
	for name := range p.titles {
		names = append(names, name)
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// output runs a program with the experiments that built this one.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // Go, and what it built from our source
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &stdout, &stderr, time.Second
	cmd.Env = append(os.Environ(), "GOEXPERIMENT="+experiments())
	if err := cmd.Run(); err != nil {
		const tail = 2000
		said := stderr.Bytes()
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(program), err, said[max(0, len(said)-tail):])
	}
	return stdout.String(), nil
}

func experiments() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "GOEXPERIMENT" {
			return s.Value
		}
	}
	return ""
}
