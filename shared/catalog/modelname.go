package catalog

import (
	"net/url"
	"strings"
)

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

// openAIFixed reports whether a model always thinks, and so takes none of the
// parameters that shape the choice of words. From 5.1 on GPT-5 does not think
// unless asked, and the chat models never do:
// https://platform.openai.com/docs/guides/reasoning
func openAIFixed(model string) bool {
	return openAIReasoning(model) && !strings.HasPrefix(model, "gpt-5.") && !strings.HasPrefix(model, "gpt-5-chat")
}

// openAINoStop reports whether a model refuses stop:
// https://platform.openai.com/docs/api-reference/chat/create#chat_create-stop
func openAINoStop(model string) bool {
	return openAIFixed(model) && !hasAnyPrefix(model, "o1")
}

// groqNeedsTool reports whether a model of Groq's can not be given a schema:
// https://console.groq.com/docs/structured-outputs#supported-models
func groqNeedsTool(model string) bool {
	for _, able := range []string{"gpt-oss", "kimi-k2", "llama-4-maverick", "llama-4-scout"} {
		if strings.Contains(model, able) {
			return false
		}
	}
	return true
}

// gptOSS reports whether a model is one of OpenAI's open ones, which take an
// effort wherever they run.
func gptOSS(model string) bool { return strings.Contains(model, "gpt-oss") }

// grokEffort reports whether a Grok model takes an effort, low or high:
// https://docs.x.ai/docs/guides/reasoning
func grokEffort(model string) bool { return strings.HasPrefix(model, "grok-3-mini") }

// fireworksReads reports whether a model sees no pictures, so that Fireworks
// has to read them to it: https://docs.litellm.ai/docs/providers/fireworks_ai
func fireworksReads(model string) bool {
	for _, sign := range []string{"vision", "vl", "llava", "pixtral", "gemma-3", "gemma-4", "llama4", "llama-4", "phi-4-multimodal", "kimi-k2p5", "k2-5", "glm-4p5v"} {
		if strings.Contains(model, sign) {
			return false
		}
	}
	return true
}

// deepinfraWarm reports whether a model refuses a temperature of 0.
func deepinfraWarm(model string) bool { return strings.HasPrefix(model, "mistralai/Mistral-7B") }

// magistral reports whether a model always thinks when its prompt says so.
func magistral(model string) bool { return strings.HasPrefix(model, "magistral") }

// mistralAdjustable reports whether a model knows but two efforts:
// https://docs.mistral.ai/capabilities/reasoning/adjustable
func mistralAdjustable(model string) bool {
	return hasAnyPrefix(model, "mistral-small", "mistral-medium")
}

// ragflowDir is where a chat or an agent of RAGFlow is called, whose id is a
// part of the model: https://ragflow.io/docs/dev/http_api_reference
func ragflowDir(model string) (dir, rest string) {
	kind, after, _ := strings.Cut(model, "/")
	id, name, found := strings.Cut(after, "/")
	if !found || id == "" {
		return "", model
	}
	switch kind {
	case "chat":
		return "/api/v1/chats_openai/" + url.PathEscape(id), name
	case "agent":
		return "/api/v1/agents_openai/" + url.PathEscape(id), name
	}
	return "", model
}

// huggingfaceModel writes provider/org/name as the router takes it:
// https://huggingface.co/docs/inference-providers/index
func huggingfaceModel(model string) string {
	provider, rest, _ := strings.Cut(model, "/")
	if !strings.Contains(rest, "/") {
		return model
	}
	return rest + ":" + provider
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

// snowflakeKey tells the kinds of tokens apart: LiteLLM writes "pat/" in front
// of a programmatic access token.
// https://docs.snowflake.com/en/developer-guide/snowflake-rest-api/authentication
func snowflakeKey(key string) []Header {
	kind := "KEYPAIR_JWT"
	if token, ok := strings.CutPrefix(key, "pat/"); ok {
		kind, key = "PROGRAMMATIC_ACCESS_TOKEN", token
	}
	return []Header{{Name: "Authorization", Value: "Bearer " + key}, {Name: "X-Snowflake-Authorization-Token-Type", Value: kind}}
}
