package measure

import (
	"context"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
)

// meter tells what a target allocates.
type meter struct {
	lab    *lab.Lab
	target *lab.Target
	// begin is where it stood, and reading what it costs to ask.
	begin, reading lab.Allocated
}

// newMeter begins to count. A target that does not tell has none.
func (r *runner) newMeter(ctx context.Context, t *lab.Target) (*meter, error) {
	if t.Debug == "" {
		return nil, nil //nolint:nilnil // it is left out of the tables
	}
	m := &meter{lab: r.lab, target: t}
	before, err := m.lab.Allocated(ctx, t)
	if err != nil {
		return nil, err
	}
	m.begin, err = m.lab.Allocated(ctx, t)
	m.reading = m.begin.Since(before)
	return m, err
}

// add puts what was allocated since for each of some calls into s.
func (m *meter) add(ctx context.Context, calls int, s *Series) error {
	if m == nil {
		return nil
	}
	end, err := m.lab.Allocated(ctx, m.target)
	if err != nil {
		return err
	}
	used := end.Since(m.begin)
	s.Objects = append(s.Objects, max(0, used.Objects-m.reading.Objects)/float64(calls))
	s.Bytes = append(s.Bytes, max(0, used.Bytes-m.reading.Bytes)/float64(calls))
	return nil
}
