package catalog

import (
	"cmp"
	"slices"
)

// Operations in OpenAI's layout, which almost every vendor keeps.
const (
	chat  = "/chat/completions"
	text  = "/completions"
	embed = "/embeddings"
)

//nolint:gochecknoglobals // read-only index of the table, built once because names are looked up per model
var index = byName(rows())

// Table returns all rows, sorted by slug.
func Table() []Vendor {
	all := rows()
	slices.SortFunc(all, func(a, b Vendor) int { return cmp.Compare(a.Slug, b.Slug) })
	return all
}

// Lookup returns the row of a slug or an alias.
func Lookup(name string) (Vendor, bool) {
	v, ok := index[name]
	return v, ok
}

// Natives returns the slugs of the providers that are packages of the data
// plane instead of rows, so that both planes know the same names.
func Natives() []string {
	return []string{"mock"}
}

func rows() []Vendor {
	return slices.Concat(openAI(), selfHosted(), makers(), hosts(), gateways(), embedders())
}

func byName(all []Vendor) map[string]Vendor {
	m := make(map[string]Vendor, len(all))
	for _, v := range all {
		m[v.Slug] = v
		for _, alias := range v.Aliases {
			m[alias] = v
		}
	}
	return m
}
