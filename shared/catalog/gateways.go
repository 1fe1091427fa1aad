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
			KeyEnv: []string{"AIML_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed, ImageGenerations: images},
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
			KeyEnv: []string{"COMETAPI_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed, ImageGenerations: images},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// LiteLLM's models.inference.ai.azure.com was to be switched off in October 2025; here names begin with their maker (openai/gpt-4o).
			// https://github.blog/changelog/2025-07-17-deprecation-of-azure-endpoint-for-github-models
			Slug: "github", BaseURL: "https://models.github.ai/inference", BaseEnv: []string{"GITHUB_API_BASE"},
			KeyEnv: []string{"GITHUB_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed}, StreamUsage: true,
			Edits: Edits{Drops: []string{"top_k"}}, Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingCut}},
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
			Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingAsReasoning}, Answer: sharedReasoning()},
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
			Quirks: Quirks{Answer: sharedReasoning()},
		},
	}
}

// specialists offer a part of OpenAI's operations.
func specialists() []Vendor {
	return []Vendor{
		{
			// Fill in the middle: prompt and suffix in, a chat out.
			// https://docs.mistral.ai/api/endpoint/fim
			Slug: "text-completion-codestral", BaseURL: "https://codestral.mistral.ai/v1", BaseEnv: []string{"CODESTRAL_API_BASE"},
			KeyEnv: []string{"CODESTRAL_API_KEY"}, Paths: Paths{Completions: "/fim/completions"}, Edits: mistralEdits(),
			Quirks: Quirks{Answer: AnswerQuirks{ThinkingParts: true, ChatForText: true}},
		},
		{
			// https://docs.inceptionlabs.ai/capabilities/fill-in-the-middle
			Slug: "text-completion-inception", BaseURL: "https://api.inceptionlabs.ai/v1", BaseEnv: []string{"INCEPTION_API_BASE"},
			KeyEnv: []string{"INCEPTION_API_KEY"}, Paths: Paths{Completions: "/fim/completions"},
		},
		{
			// Agents behind the Responses API: https://open.manus.im/docs
			Slug: "manus", BaseURL: "https://api.manus.im", BaseEnv: []string{"MANUS_API_BASE"},
			KeyEnv: []string{"MANUS_API_KEY"}, Auth: []Auth{{Header: "API_KEY"}}, Paths: Paths{Responses: "/v1/responses"},
		},
	}
}

// embedders offer embeddings and ranking.
func embedders() []Vendor {
	return []Vendor{
		{
			// https://michaelfeil.eu/infinity/latest/
			Slug: "infinity", BaseURL: "http://localhost:8080", BaseEnv: []string{"INFINITY_API_BASE"},
			KeyEnv: []string{"INFINITY_API_KEY"}, KeyOptional: true, Paths: Paths{Embeddings: embed, Rerank: rank},
		},
		{
			// https://jina.ai/embeddings/
			Slug: "jina_ai", BaseURL: "https://api.jina.ai/v1", BaseEnv: []string{"JINA_AI_API_BASE"},
			KeyEnv: []string{"JINA_AI_API_KEY", "JINA_API_KEY"}, Paths: Paths{Embeddings: embed, Rerank: rank},
			Embedding: Edits{Renames: []Rename{{From: "encoding_format", To: "embedding_type"}}, Drops: []string{"user"}},
		},
		{
			// https://docs.voyageai.com/reference/embeddings-api
			Slug: "voyage", BaseURL: "https://api.voyageai.com/v1", BaseEnv: []string{"VOYAGE_API_BASE"},
			KeyEnv: []string{"VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"}, Paths: Paths{Embeddings: embed, Rerank: rank},
			RerankShape: RerankVoyage,
			Embedding: Edits{
				Renames: []Rename{{From: "dimensions", To: "output_dimension"}}, Drops: []string{"user"},
				Words: []Word{{Member: "encoding_format", From: `"float"`}},
			},
			Quirks: Quirks{Answer: AnswerQuirks{TotalTokensOnly: true}},
		},
	}
}
