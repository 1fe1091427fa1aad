package parts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/test/bench/internal/stat"
)

// runs are the repetitions of one benchmark.
type runs struct {
	name                  string
	nanos, bytes, objects []float64
}

// read takes the lines of a benchmark's output:
// https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
func (p *part) read(out string) ([]Result, error) {
	var all []*runs
	byName := map[string]*runs{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		r := byName[f[0]]
		if r == nil {
			r = &runs{name: f[0]}
			byName[f[0]] = r
			all = append(all, r)
		}
		if err := r.add(f[2:]); err != nil {
			return nil, fmt.Errorf("line %q: %w", strings.TrimSpace(line), err)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no benchmark ran")
	}
	results := make([]Result, 0, len(all))
	for _, r := range all {
		results = append(results, Result{
			Title: p.title(r.name), Nanos: stat.Median(r.nanos), Bytes: stat.Median(r.bytes), Objects: stat.Median(r.objects), Goal: p.goal,
		})
	}
	return results, nil
}

// add takes pairs of a number and its unit.
func (r *runs) add(pairs []string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		n, err := strconv.ParseFloat(pairs[i], 64)
		if err != nil {
			return err
		}
		switch pairs[i+1] {
		case "ns/op":
			r.nanos = append(r.nanos, n)
		case "B/op":
			r.bytes = append(r.bytes, n)
		case "allocs/op":
			r.objects = append(r.objects, n)
		}
	}
	return nil
}

// title is what a benchmark is reported as: its case behind its title.
func (p *part) title(name string) string {
	base, rest, ok := strings.Cut(name, "/")
	title := p.titles[base]
	if ok {
		title += ": " + strings.ReplaceAll(rest, "_", " ")
	}
	return title
}
