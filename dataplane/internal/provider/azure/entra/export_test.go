package entra

import "time"

// Later moves the clock of a source.
func Later(p Proof) func(seconds int) {
	s, _ := p.(*Source)
	offset := time.Duration(0)
	start := time.Now()
	s.now = func() time.Time { return start.Add(offset) }
	return func(seconds int) { offset += time.Duration(seconds) * time.Second }
}
