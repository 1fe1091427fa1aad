package price

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// MaxOverlay bounds a price file in bytes; LiteLLM's whole one has 1.3 MB.
	MaxOverlay = 16 << 20
	maxModels  = 50_000
	maxKey     = 512
	// keptProblems bounds what a report lists.
	keptProblems = 50
)

// ErrOverlay means that a price file is none at all.
var ErrOverlay = errors.New("not a price file in LiteLLM's format")

// Report says what became of a price file.
type Report struct {
	// Models were laid over the table, Priced of them with prices.
	Models, Priced int
	// Problems are the first prices that were left out; Left counts all.
	Problems []FieldError
	Left     int
	// Unknown are fields that look like prices and mean nothing to us.
	Unknown []string
}

func (r *Report) add(model string, problems []FieldError) {
	r.Left += len(problems)
	for _, p := range problems {
		if len(r.Problems) < keptProblems {
			p.Model = model
			r.Problems = append(r.Problems, p)
		}
	}
}

// Overlay returns a book in which the models of a price file come before
// those of the table and of earlier overlays. The file is an object of models
// with LiteLLM's fields. What it says of a model replaces what was there; only
// where it gives no price, the price stays.
func (b *Book) Overlay(file []byte) (*Book, Report, error) {
	var report Report
	if len(file) > MaxOverlay {
		return nil, report, fmt.Errorf("%w: it has more than %d MB", ErrOverlay, MaxOverlay>>20)
	}
	next := &Book{table: b.table, listed: map[listing]*Model{}, byKey: maps.Clone(b.byKey)}
	if next.byKey == nil {
		next.byKey = map[string]*Model{}
	}
	unknown := map[string]bool{}
	seen := 0
	var s jsonx.Scanner
	s.Reset(file)
	for s.Next() {
		if seen++; seen > maxModels {
			return nil, report, fmt.Errorf("%w: it has more than %d models", ErrOverlay, maxModels)
		}
		next.lay(b, string(s.Key()), s.Value().Of(file), &report, unknown)
	}
	if err := s.Err(); err != nil {
		return nil, report, fmt.Errorf("%w: %w", ErrOverlay, err)
	}
	next.list()
	report.Unknown = slices.Sorted(maps.Keys(unknown))
	return next, report, nil
}

// reserved are keys of the file that are no models.
func reserved(key string) bool { return key == "sample_spec" || key == "fallback_generalizations" }

// lay adds one model.
func (b *Book) lay(below *Book, key string, value []byte, report *Report, unknown map[string]bool) {
	if reserved(key) {
		return
	}
	if key == "" || len(key) > maxKey || len(value) == 0 || value[0] != '{' {
		report.add(key, []FieldError{{Field: "(model)", Err: errors.New("want a name and an object")}})
		return
	}
	e := entryReader{rate: &Rate{}}
	if err := e.object(value); err != nil {
		report.add(key, []FieldError{{Field: "(model)", Err: err}})
		return
	}
	for _, name := range e.unknown {
		if len(unknown) < keptProblems {
			unknown[name] = true
		}
	}
	m := &Model{Name: key, Provider: canonical(e.provider), Source: Overlay, Rate: e.finish(), Info: e.info}
	report.add(key, e.problems)
	report.Models++
	if m.Rate != nil {
		report.Priced++
	} else {
		m.inherit(below)
	}
	b.byKey[key] = m
}

// inherit takes the prices of a model that the file only describes.
func (m *Model) inherit(below *Book) {
	old := below.byKey[m.Name]
	if old == nil {
		old = below.find(m.Provider, nameOf(m))
	}
	if old == nil {
		return
	}
	m.Rate = old.Rate
	if m.MaxInputTokens == 0 {
		m.MaxInputTokens = old.MaxInputTokens
	}
	if m.MaxOutputTokens == 0 {
		m.MaxOutputTokens = old.MaxOutputTokens
	}
}

// nameOf returns a key without its provider.
func nameOf(m *Model) string {
	if prefix, rest, ok := strings.Cut(m.Name, "/"); ok && canonical(prefix) == m.Provider {
		return rest
	}
	return m.Name
}

// list files each model under its provider, by its whole key and by the name
// behind the provider. The latter wins where both say something.
func (b *Book) list() {
	for _, key := range slices.Sorted(maps.Keys(b.byKey)) {
		m := b.byKey[key]
		at := listing{m.Provider, key}
		if _, taken := b.listed[at]; !taken {
			b.listed[at] = m
		}
		if name := nameOf(m); name != key {
			b.listed[listing{m.Provider, name}] = m
		}
	}
}
