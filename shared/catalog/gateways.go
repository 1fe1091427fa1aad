package catalog

// gateways sell other vendors' models under one key.
func gateways() []Vendor {
	return []Vendor{
		{
			Slug: "aihubmix", BaseURL: "https://aihubmix.com/v1", BaseEnv: []string{"AIHUBMIX_API_BASE"},
			KeyEnv: []string{"AIHUBMIX_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
		},
		{
			// The vendor's samples use /v1 and /v2 alike: https://docs.aimlapi.com/
			Slug: "aiml", BaseURL: "https://api.aimlapi.com/v1", BaseEnv: []string{"AIML_API_BASE"},
			KeyEnv: []string{"AIML_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
		},
		{
			Slug: "apertis", BaseURL: "https://api.stima.tech/v1", KeyEnv: []string{"STIMA_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://www.assemblyai.com/docs/llm-gateway/overview
			Slug: "assemblyai", BaseURL: "https://llm-gateway.assemblyai.com/v1", KeyEnv: []string{"ASSEMBLYAI_API_KEY"},
			Paths: Paths{Chat: chat},
		},
		{
			// https://docs.litellm.ai/docs/providers/cometapi
			Slug: "cometapi", BaseURL: "https://api.cometapi.com/v1", BaseSuffix: "/v1", BaseEnv: []string{"COMETAPI_API_BASE"},
			KeyEnv: []string{"COMETAPI_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
		},
		{
			// LiteLLM's models.inference.ai.azure.com was to be switched off in October 2025; here names begin with their maker (openai/gpt-4o).
			// https://github.blog/changelog/2025-07-17-deprecation-of-azure-endpoint-for-github-models
			Slug: "github", BaseURL: "https://models.github.ai/inference", BaseEnv: []string{"GITHUB_API_BASE"},
			KeyEnv: []string{"GITHUB_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed}, StreamUsage: true,
		},
		{
			// https://docs.helicone.ai/gateway/overview
			Slug: "helicone", BaseURL: "https://ai-gateway.helicone.ai", KeyEnv: []string{"HELICONE_API_KEY"},
			Paths: Paths{Chat: chat},
		},
		{
			Slug: "nano-gpt", BaseURL: "https://nano-gpt.com/api/v1", KeyEnv: []string{"NANOGPT_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://openrouter.ai/docs/api-reference/overview
			Slug: "openrouter", BaseURL: "https://openrouter.ai/api/v1", BaseEnv: []string{"OPENROUTER_API_BASE"},
			KeyEnv:  []string{"OPENROUTER_API_KEY", "OR_API_KEY"},
			Headers: []Header{{Name: "HTTP-Referer", Env: "OR_SITE_URL"}, {Name: "X-Title", Value: "TianjiLLM", Env: "OR_APP_NAME"}},
			Paths:   Paths{Chat: chat, Completions: text, Embeddings: embed}, StreamUsage: true,
		},
		{
			// https://creator.poe.com/docs/external-applications/openai-compatible-api
			Slug: "poe", BaseURL: "https://api.poe.com/v1", KeyEnv: []string{"POE_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://vercel.com/docs/ai-gateway/openai-compat
			Slug: "vercel_ai_gateway", BaseURL: "https://ai-gateway.vercel.sh/v1", BaseEnv: []string{"VERCEL_AI_GATEWAY_API_BASE"},
			KeyEnv:  []string{"VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"},
			Headers: []Header{{Name: "HTTP-Referer", Env: "VERCEL_SITE_URL"}, {Name: "X-Title", Value: "TianjiLLM", Env: "VERCEL_APP_NAME"}},
			Paths:   Paths{Chat: chat, Embeddings: embed}, StreamUsage: true,
		},
	}
}

// embedders offer only embeddings on OpenAI's wire.
func embedders() []Vendor {
	return []Vendor{
		{
			// https://jina.ai/embeddings/
			Slug: "jina_ai", BaseURL: "https://api.jina.ai/v1", BaseEnv: []string{"JINA_AI_API_BASE"},
			KeyEnv: []string{"JINA_AI_API_KEY", "JINA_API_KEY"}, Paths: Paths{Embeddings: embed},
		},
		{
			// https://docs.voyageai.com/reference/embeddings-api
			Slug: "voyage", BaseURL: "https://api.voyageai.com/v1", BaseEnv: []string{"VOYAGE_API_BASE"},
			KeyEnv: []string{"VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"}, Paths: Paths{Embeddings: embed},
			Edits: Edits{Renames: []Rename{{From: "dimensions", To: "output_dimension"}}, Drops: []string{"user"}},
		},
	}
}
