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
	// otherwise. An empty one means that the user has to say it. "{A|B}" in it
	// stands for the first of the variables that is set, "{A|=x}" for x where
	// none is.
	BaseURL string
	BaseEnv []string
	// BaseSuffix is put behind a base that lacks it, because users write the
	// host alone as often as the whole path.
	BaseSuffix string
	// CompleteBase marks bases that take no BaseSuffix: those with this text
	// in their path.
	CompleteBase string
	// BaseEnds are endings of bases that users have from elsewhere, and what
	// they mean.
	BaseEnds []Rename
	// ModelBase returns the base of a model that has a host of its own, or "".
	ModelBase func(model string) string

	KeyEnv []string
	// DummyKey is sent when there is no key, to servers that want some text.
	DummyKey string
	// KeyOptional vendors are called without credentials when there is no key.
	KeyOptional bool
	// Auth lists the headers that carry the key; none is a bearer token.
	Auth []Auth
	// KeyHeaders returns the headers of a key where its form decides.
	KeyHeaders func(key string) []Header
	Headers    []Header

	Paths Paths
	// RerankShape is the wire of Paths.Rerank, and RerankBase where it is
	// called when the base is on the vendor's own host. "{model}" in the path
	// stands for the model.
	RerankShape RerankShape
	RerankBase  string
	// RerankRoot ranks behind the base without its BaseSuffix.
	RerankRoot bool

	// EmbeddingShape is the wire of Paths.Embeddings. HostedEmbeddings is where
	// and in which wire they are called when the base is on the vendor's host.
	EmbeddingShape   EmbeddingShape
	HostedEmbeddings *Hosted

	// Model turns the name that the user writes into the vendor's. Nil keeps it.
	Model func(model string) string
	// ModelDir returns the path that stands between the base and the operation
	// for a model whose name says it, and the rest of the name.
	ModelDir func(model string) (dir, rest string)
	// DisplayPrefix is put in front of the model name in responses.
	DisplayPrefix string

	// Edits of chats and text completions, and Quirks, hold for every model,
	// Rules for some.
	Edits  Edits
	Quirks Quirks
	Rules  []Rule
	// Embedding edits are those of embeddings.
	Embedding Edits

	// StreamUsage says that stream_options.include_usage is known to be
	// understood. Where it is false the option may be an error at the vendor.
	StreamUsage bool
}

// Paths are the operations under the base. An empty one is not offered.
type Paths struct {
	Chat, Completions, Embeddings, Responses      string
	ImageGenerations, ImageEdits, ImageVariations string
	Speech, Transcriptions, Translations          string
	Moderations, Rerank                           string
	// Realtime is a WebSocket.
	Realtime string
}

// all returns the paths, so that one that ends another comes behind it.
func (p *Paths) all() []string {
	return []string{
		p.Chat, p.Completions, p.Embeddings, p.Responses, p.ImageGenerations, p.ImageEdits, p.ImageVariations,
		p.Speech, p.Transcriptions, p.Translations, p.Moderations, p.Rerank, p.Realtime,
	}
}

// EmbeddingShape is the wire of embeddings.
type EmbeddingShape string

// The wires of embeddings.
const (
	EmbeddingOpenAI      EmbeddingShape = ""
	EmbeddingHuggingFace EmbeddingShape = "huggingface" // inputs; a list of vectors
	EmbeddingSnowflake   EmbeddingShape = "snowflake"   // text; a vector in a list of its own
)

// Hosted is an operation that a vendor's own host has elsewhere. "{model}" in
// the URL stands for the model.
type Hosted struct {
	URL   string
	Shape EmbeddingShape
}

// RerankShape is the wire of a rerank operation.
type RerankShape string

// The wires of rerank operations.
const (
	RerankCohere    RerankShape = ""          // query, documents, top_n; results with relevance_score
	RerankVoyage    RerankShape = "voyage"    // top_k; data instead of results
	RerankTEI       RerankShape = "tei"       // texts; a list of index and score
	RerankDeepInfra RerankShape = "deepinfra" // queries; scores in the order of the documents
	RerankNVIDIA    RerankShape = "nvidia"    // passages; rankings with logits
)

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
	// Words replace the value of a member that is exactly this text; an empty
	// one is cut.
	Words []Word
}

// Word is a value of a member that the vendor calls otherwise.
type Word struct {
	Member, From, To string
}

// Rename gives a member another name. When the body holds To already, From is
// cut instead.
type Rename struct {
	From, To string
}

// Rule adds edits and quirks for some of a vendor's models.
type Rule struct {
	Match  func(model string) bool
	Edits  Edits
	Quirks Quirks
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
		all.Words = concat(all.Words, r.Edits.Words)
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
	if v.ModelDir != nil {
		_, model = v.ModelDir(model)
	}
	if v.Model == nil {
		return model
	}
	return v.Model(model)
}
