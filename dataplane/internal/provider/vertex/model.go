package vertex

import (
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
)

// kind is the wire of a model.
type kind uint8

const (
	googles  kind = iota
	claude        // Anthropic's
	openai        // OpenAI's, of all models that are rented by the token
	endpoint      // OpenAI's, at an endpoint of the user's
	mistral       // OpenAI's as Mistral has it, at a publisher
	ai21          // OpenAI's as AI21 has it, at a publisher
)

// model is what the name of a model says.
type model struct {
	kind     kind
	name     string // by which Google knows it
	resource string // publishers/… or endpoints/…
}

// parseModel reads a name as LiteLLM's users write it.
func parseModel(name string) *model {
	rest, named := cutAny(name, "google/", "models/")
	if named {
		name = rest
	}
	lower := strings.ToLower(name)
	switch {
	case strings.HasPrefix(name, "gemini/"):
		return tuned(name[len("gemini/"):])
	case strings.HasPrefix(name, "endpoints/"):
		return tuned(name[len("endpoints/"):])
	case digits(name):
		return tuned(name)
	case strings.HasPrefix(name, "openai/") && digits(name[len("openai/"):]):
		id := name[len("openai/"):]
		return &model{kind: endpoint, name: id, resource: "endpoints/" + id}
	case strings.Contains(lower, "claude"):
		name, _ = cutAny(name, "anthropic/")
		return &model{kind: claude, name: name, resource: publisher("anthropic", name)}
	case strings.HasPrefix(name, "ai21/"), strings.HasPrefix(lower, "jamba"):
		name, _ = cutAny(name, "ai21/")
		return &model{kind: ai21, name: name, resource: publisher("ai21", name)}
	case strings.HasPrefix(name, "mistralai/"), strings.HasPrefix(lower, "mistral"), strings.HasPrefix(lower, "codestral"), strings.HasPrefix(lower, "ministral"):
		name, _ = cutAny(name, "mistralai/")
		return &model{kind: mistral, name: name, resource: publisher("mistralai", name)}
	case strings.Contains(name, "/"), strings.HasSuffix(lower, "-maas"):
		return &model{kind: openai, name: name, resource: "endpoints/openapi"}
	}
	return &model{kind: googles, name: name, resource: publisher("google", name)}
}

func tuned(id string) *model {
	return &model{kind: googles, name: id, resource: "endpoints/" + gemini.EscapeModel(id)}
}

func cutAny(s string, prefixes ...string) (rest string, found bool) {
	for _, p := range prefixes {
		if rest, found := strings.CutPrefix(s, p); found {
			return rest, true
		}
	}
	return s, false
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// region is where the model is when nobody says where.
func (m *model) region() string {
	switch {
	case m.kind == claude:
		return claudeRegion
	case strings.HasPrefix(m.name, "gemini-3"):
		return global
	}
	return defaultRegion
}

// preview reports whether the model is in the beta version of the API.
func (m *model) preview() bool {
	return strings.Contains(m.name, "preview") || strings.Contains(m.name, "-exp")
}
