package measure

import (
	"context"
	"errors"

	"github.com/tianjillm/tianjillm/test/bench/internal/parts"
)

// parts runs the benchmarks that stand in the source, where there is one.
func (r *runner) parts(ctx context.Context) error {
	if !r.wants(PartsName) {
		return nil
	}
	r.say("benchmarks of single parts")
	var err error
	r.results.Parts, err = parts.Run(ctx, r.opts.Source)
	if errors.Is(err, parts.ErrNone) {
		r.say("parts   left out: %v", err)
		return nil
	}
	for i := range r.results.Parts {
		p := &r.results.Parts[i]
		r.say("parts   %-60s %8.0f ns  %6.0f B  %4.0f objects", p.Title, p.Nanos, p.Bytes, p.Objects)
	}
	return err
}
