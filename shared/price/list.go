package price

import (
	"iter"
	"maps"
	"slices"
)

// All returns every model that has a name, those of overlays first. One that
// several lists have comes once for each.
func (b *Book) All() iter.Seq[*Model] {
	return func(yield func(*Model) bool) {
		for _, key := range slices.Sorted(maps.Keys(b.byKey)) {
			if !yield(b.byKey[key]) {
				return
			}
		}
		b.table.index.Do(b.table.split)
		for _, s := range b.table.sections {
			s.parse.Do(func() { s.models, s.matcher, _ = s.read() }) // a test reads every section
			for _, m := range s.models {
				if m.Name != "" && !yield(m) {
					return
				}
			}
		}
	}
}
