// Package catalog is the table of the LLM vendors that speak OpenAI's wire: one
// row says where a vendor listens, how it wants to be paid and in which few
// ways it differs. Adding such a vendor is adding a row.
//
// It also splits a model name as users write it into provider and model, which
// both planes must do alike. It is data and pure functions: it calls nobody,
// reads no environment of its own and starts no goroutine. Vendors with a wire
// of their own are packages of the data plane; only their names stand here.
package catalog

import "slices"

// Vendor is one row. The slices are shared by all callers and must not be
// changed.
type Vendor struct {
	// Slug is the text in front of the first "/" of a model name. It is what
	// is published, priced and logged; aliases lead to the same row.
	Slug    string
	Aliases []string

	// BaseURL is where calls go when neither the deployment nor BaseEnv says
	// otherwise. An empty one means that the user has to say it.
	BaseURL string
	BaseEnv []string
	// BaseSuffix is put behind a base that lacks it, because users write the
	// host alone as often as the whole path.
	BaseSuffix string
	// CompleteBase marks bases that take no BaseSuffix: those with this text
	// in their path.
	CompleteBase string
	// ModelBase returns the base of a model that has a host of its own, or "".
	ModelBase func(model string) string

	KeyEnv []string
	// DummyKey is sent when there is no key, to servers that want some text.
	DummyKey string
	// KeyOptional vendors are called without credentials when there is no key.
	KeyOptional bool
	// Auth lists the headers that carry the key; none is a bearer token.
	Auth    []Auth
	Headers []Header

	Paths Paths

	// Model turns the name that the user writes into the vendor's. Nil keeps it.
	Model func(model string) string
	// DisplayPrefix is put in front of the model name in responses.
	DisplayPrefix string

	// Edits hold for every model, Rules for some.
	Edits Edits
	Rules []Rule

	// StreamUsage says that stream_options.include_usage is known to be
	// understood. Where it is false the option may be an error at the vendor.
	StreamUsage bool
}

// Paths are the operations under the base. An empty one is not offered.
type Paths struct {
	Chat, Completions, Embeddings string
}

// Auth is a header that carries the key behind a prefix.
type Auth struct {
	Header, Prefix string
}

// Header is sent with each call. Env names a variable whose value replaces
// Value; a header without either is not sent.
type Header struct {
	Name, Value, Env string
}

// Edits are changes to the top level of a request body.
type Edits struct {
	Renames []Rename
	// Drops are members that the vendor rejects and nobody would miss; they
	// are always cut.
	Drops []string
	// Unsupported are chat parameters whose loss changes the answer. LiteLLM
	// refuses them with a 400 unless drop_params is set, and then cuts them.
	Unsupported []string
}

// Rename gives a member another name. When the body holds To already, From is
// cut instead.
type Rename struct {
	From, To string
}

// Rule adds edits for some of a vendor's models.
type Rule struct {
	Match func(model string) bool
	Edits Edits
}

// EditsFor returns what has to be changed in a body for a model.
func (v *Vendor) EditsFor(model string) Edits {
	all := v.Edits
	for i := range v.Rules {
		r := &v.Rules[i]
		if !r.Match(model) {
			continue
		}
		all.Renames = concat(all.Renames, r.Edits.Renames)
		all.Drops = concat(all.Drops, r.Edits.Drops)
		all.Unsupported = concat(all.Unsupported, r.Edits.Unsupported)
	}
	return all
}

// concat never writes into the table's own slices.
func concat[T any](a, b []T) []T {
	if len(b) == 0 {
		return a
	}
	return append(slices.Clip(a), b...)
}

// UpstreamModel returns the name by which the vendor knows a model.
func (v *Vendor) UpstreamModel(model string) string {
	if v.Model == nil {
		return model
	}
	return v.Model(model)
}
