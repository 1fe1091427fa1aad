package price

import "strings"

// Three names meet here: the slug of a deployment (shared/catalog, which are
// LiteLLM's), the litellm_provider of a price file, and the sections of the
// table (the provider ids of genai-prices).

// sectionOf returns where the table lists the models of a provider. Hugging Face
// passes the prices of its inference providers on unchanged, so that its
// sections serve those that have none of their own; not Public AI, which is
// free when called directly: https://huggingface.co/docs/inference-providers/pricing
func sectionOf(provider, model string) string {
	provider = canonical(provider)
	switch provider {
	case "azure_ai":
		return "azure"
	case "gemini", "vertex_ai", "palm":
		return "google"
	case "bedrock":
		return "aws"
	case "codestral", "text-completion-codestral":
		return "mistral"
	case "xai":
		return "x-ai"
	case "together_ai":
		return "together"
	case "fireworks_ai":
		return "fireworks"
	case "moonshot":
		return "moonshotai"
	case "voyage":
		return "voyageai"
	case "github_copilot":
		return "github-copilot"
	case "huggingface":
		router, _, _ := strings.Cut(model, "/")
		return hub(router)
	case "hyperbolic", "nebius", "nscale", "sambanova":
		return hub(provider)
	}
	// cohere, anthropic, deepseek, groq, … have the same name everywhere.
	return provider
}

func hub(router string) string {
	switch router {
	case "cerebras":
		return "huggingface_cerebras"
	case "fireworks-ai":
		return "huggingface_fireworks-ai"
	case "groq":
		return "huggingface_groq"
	case "hyperbolic":
		return "huggingface_hyperbolic"
	case "nebius":
		return "huggingface_nebius"
	case "novita":
		return "huggingface_novita"
	case "nscale":
		return "huggingface_nscale"
	case "ovhcloud":
		return "huggingface_ovhcloud"
	case "publicai":
		return "huggingface_publicai"
	case "sambanova":
		return "huggingface_sambanova"
	case "together":
		return "huggingface_together"
	default:
		return ""
	}
}

// canonical brings slugs and values of litellm_provider that share a price
// list to one name.
func canonical(provider string) string {
	switch provider {
	case "bedrock_converse", "bedrock_mantle":
		return "bedrock"
	case "cohere_chat":
		return "cohere"
	case "azure_text":
		return "azure"
	case "text-completion-openai", "aiohttp_openai":
		return "openai"
	case "ollama_chat":
		return "ollama"
	case "ai21_chat":
		return "ai21"
	case "vllm":
		return "hosted_vllm"
	case "amazon-nova":
		return "amazon_nova"
	case "sagemaker_chat":
		return "sagemaker"
	}
	for _, family := range []string{"vertex_ai", "fireworks_ai"} {
		if len(provider) > len(family) && strings.HasPrefix(provider, family) && strings.IndexByte("-_", provider[len(family)]) >= 0 {
			return family
		}
	}
	return provider
}

// maxForms bounds the forms of a name.
const maxForms = 4

// forms lists the names under which a price list may hold a model, the name
// itself first: without the routes, regions and paths that choose where it
// runs.
func forms(provider, model string) (list [maxForms]string, n int) {
	list[0], n = model, 1
	add := func(name string) {
		if name != "" && name != list[n-1] && n < maxForms {
			list[n] = name
			n++
		}
	}
	switch canonical(provider) {
	case "bedrock":
		name := model[strings.LastIndexByte(model, '/')+1:] // routes, regions, ARNs
		add(name)
		add(withoutGeography(name))
	case "vertex_ai", "gemini":
		name := model[strings.LastIndexByte(model, '/')+1:]
		add(name)
		if at := strings.IndexByte(name, '@'); at > 0 {
			add(name[:at])
		}
	case "azure", "azure_ai":
		for _, region := range []string{"us/", "eu/", "global/", "global-standard/"} {
			if name, ok := strings.CutPrefix(model, region); ok {
				add(name)
			}
		}
	case "openai":
		// ft:gpt-4o-mini-2024-07-18:org:name:id is listed as ft:gpt-4o-mini-2024-07-18.
		if base, ok := strings.CutPrefix(model, "ft:"); ok {
			if colon := strings.IndexByte(base, ':'); colon > 0 {
				add(model[:len("ft:")+colon])
			}
		}
	case "huggingface":
		if _, name, ok := strings.Cut(model, "/"); ok {
			add(name)
		}
	case "fireworks_ai":
		add(model[strings.LastIndexByte(model, '/')+1:])
	}
	return list, n
}

// withoutGeography strips the prefix of Bedrock's inference profiles:
// https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
func withoutGeography(model string) string {
	for _, g := range []string{"us.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "us-gov."} {
		if name, ok := strings.CutPrefix(model, g); ok {
			return name
		}
	}
	return model
}
