package catalog

import "strings"

// openAIReasoning reports whether a model belongs to OpenAI's o-series or
// GPT-5, which refuse max_tokens:
// https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_tokens
func openAIReasoning(model string) bool {
	if strings.HasPrefix(model, "gpt-5") {
		return true
	}
	if len(model) < 2 || model[0] != 'o' || model[1] < '1' || model[1] > '9' {
		return false
	}
	return len(model) == 2 || model[2] == '-'
}

// grokReasoning reports whether a Grok model thinks, and so takes neither
// stop nor penalties: https://docs.x.ai/docs/guides/reasoning
func grokReasoning(model string) bool {
	return hasAnyPrefix(model, "grok-3-mini", "grok-4", "grok-code") && !strings.Contains(model, "non-reasoning")
}

// fireworksModel completes the short names of Fireworks' own models; names
// with a slash (accounts/…, nomic-ai/…) are complete:
// https://docs.fireworks.ai/getting-started/concepts
func fireworksModel(model string) string {
	if strings.Contains(model, "/") {
		return model
	}
	return "accounts/fireworks/models/" + model
}

// clarifaiModel writes user.app.model as the URL that Clarifai takes for a
// model: https://docs.clarifai.com/compute/inference/open-ai
func clarifaiModel(model string) string {
	user, rest, _ := strings.Cut(model, ".")
	app, name, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(model, "/") || user == "" || app == "" || name == "" {
		return model
	}
	return "https://clarifai.com/" + user + "/" + app + "/models/" + name
}

// basetenBase returns the host of a dedicated deployment, whose model id is
// eight letters and digits: https://docs.baseten.co/inference/calling-your-model
func basetenBase(model string) string {
	if len(model) != 8 || strings.ContainsFunc(model, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return ""
	}
	return "https://model-" + strings.ToLower(model) + ".api.baseten.co/environments/production/sync/v1"
}
