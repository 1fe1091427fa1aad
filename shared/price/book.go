package price

import "strings"

// Source says where a model's prices come from.
type Source uint8

// The sources.
const (
	Table Source = iota // the table in the program
	Overlay
)

// Model is what is known of a model. Nobody changes it.
type Model struct {
	Info

	// Name is the model's in its price list, Provider the list's.
	Name     string
	Provider string
	Source   Source
	// Rate is nil when the price is not known.
	Rate *Rate
}

// Book finds the prices of models. It is immutable and safe for concurrent
// use.
type Book struct {
	table *table
	// listed are the models of overlays by provider and name, byKey by the
	// whole key of their file.
	listed map[listing]*Model
	byKey  map[string]*Model
}

// listing is a canonical provider and a model as that provider names it.
type listing struct{ provider, model string }

// New returns the book that comes with the program. It costs nothing until the
// first look-up.
func New() *Book { return &Book{table: &table{text: embedded}} }

// Query names a model.
type Query struct {
	// Provider is the slug of the deployment, Model the name that the provider
	// knows. Without a provider the makers of well-known models are asked.
	Provider, Model string
	// BaseModel is what a deployment says it serves, with or without a
	// provider in front. It comes before Model.
	BaseModel string
	// Reported is the model that a response names. It comes last.
	Reported string
}

// Lookup returns what is known of a model, or nil. What users have laid over
// the table comes before it, for each name of the query.
//
// The answer holds as long as the book, so callers keep it. A look-up of a
// name without capitals allocates nothing once the vendor's part of the table
// is parsed.
func (b *Book) Lookup(q Query) *Model {
	if q.BaseModel != "" {
		if m := b.base(q.Provider, q.BaseModel); m != nil {
			return m
		}
	}
	for _, name := range [...]string{q.Model, q.Reported} {
		if name == "" {
			continue
		}
		if m := b.find(q.Provider, name); m != nil {
			return m
		}
	}
	return nil
}

// base looks a base model up, which may be the whole key of a price file or
// another vendor's model: openai/gpt-4o behind a gateway, gpt-4o at Azure.
func (b *Book) base(provider, name string) *Model {
	prefix, rest, whole := strings.Cut(name, "/")
	if m := b.byKey[name]; m != nil && whole {
		return m
	}
	if m := b.find(provider, name); m != nil {
		return m
	}
	if whole {
		if m := b.find(prefix, rest); m != nil {
			return m
		}
	}
	return b.byKey[name]
}

// find looks a name up in the overlays, then in the table.
func (b *Book) find(provider, name string) *Model {
	if provider == "" {
		return b.findMaker(name)
	}
	list, n := forms(provider, name)
	if m := b.overlaid(provider, list[:n]); m != nil {
		return m
	}
	return b.tabled(provider, list[:n])
}

// findMaker finds a model that is named without a provider.
func (b *Book) findMaker(name string) *Model {
	if m := b.byKey[name]; m != nil {
		return m
	}
	for _, maker := range [...]string{"openai", "anthropic", "gemini", "mistral", "cohere", "deepseek", "xai", "moonshot", "perplexity"} {
		if m := b.find(maker, name); m != nil {
			return m
		}
	}
	return nil
}

func (b *Book) overlaid(provider string, names []string) *Model {
	if len(b.listed) == 0 {
		return nil
	}
	provider = canonical(provider)
	for _, name := range names {
		if m := b.listed[listing{provider, name}]; m != nil {
			return m
		}
	}
	return nil
}

func (b *Book) tabled(provider string, names []string) *Model {
	id := sectionOf(provider, names[0])
	if id == "" {
		return nil
	}
	for _, name := range names {
		name = strings.ToLower(name)
		if m := b.table.find(id, name); m != nil {
			return m
		}
		if id == "fireworks" && !strings.Contains(name, "/") {
			// Fireworks' own models have a short name.
			if m := b.table.find(id, "accounts/fireworks/models/"+name); m != nil {
				return m
			}
		}
	}
	return nil
}
