package catalog

import (
	"cmp"
	"slices"
)

// Operations in OpenAI's layout, which almost every vendor keeps.
const (
	chat            = "/chat/completions"
	text            = "/completions"
	embed           = "/embeddings"
	responses       = "/responses"
	images          = "/images/generations"
	imageEdits      = "/images/edits"
	variations      = "/images/variations"
	speech          = "/audio/speech"
	transcribe      = "/audio/transcriptions"
	translateSpeech = "/audio/translations"
	moderate        = "/moderations"
	rank            = "/rerank"
	realtime        = "/realtime"
)

// everything is all that OpenAI offers.
func everything() Paths {
	return Paths{
		Chat: chat, Completions: text, Embeddings: embed, Responses: responses,
		ImageGenerations: images, ImageEdits: imageEdits, ImageVariations: variations,
		Speech: speech, Transcriptions: transcribe, Translations: translateSpeech, Moderations: moderate,
		Realtime: realtime,
	}
}

// everythingAndRerank is what gateways offer.
func everythingAndRerank() Paths {
	p := everything()
	p.Rerank = rank
	return p
}

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
	return []string{
		"anthropic", "azure", "azure_ai", "azure_text", "bedrock", "bytez", "cohere", "gemini", "mock", "nlp_cloud", "ollama",
		"petals", "predibase", "triton", "vertex_ai",
	}
}

// nativeAliases are other names of natives, as users write them.
func nativeAliases() map[string]string {
	return map[string]string{
		"anthropic_text": "anthropic", "cohere_chat": "cohere", "ollama_chat": "ollama", "vertex_ai_beta": "vertex_ai",
	}
}

func rows() []Vendor {
	return slices.Concat(openAI(), selfHosted(), makers(), hosts(), gateways(), specialists(), embedders())
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
