package catalog

// openAI is OpenAI and the rows for "something that speaks its wire".
func openAI() []Vendor {
	reasoning := []Rule{{Match: openAIReasoning, Edits: Edits{Renames: []Rename{{From: "max_tokens", To: "max_completion_tokens"}}}}}
	return []Vendor{
		{
			Slug: "openai", Aliases: []string{"aiohttp_openai"},
			BaseURL: "https://api.openai.com/v1", BaseEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
			KeyEnv: []string{"OPENAI_API_KEY"}, Headers: []Header{{Name: "OpenAI-Organization", Env: "OPENAI_ORGANIZATION"}},
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, Rules: reasoning, StreamUsage: true,
		},
		{
			Slug:    "text-completion-openai",
			BaseURL: "https://api.openai.com/v1", BaseEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
			KeyEnv: []string{"OPENAI_API_KEY"}, Headers: []Header{{Name: "OpenAI-Organization", Env: "OPENAI_ORGANIZATION"}},
			Paths: Paths{Completions: text}, StreamUsage: true,
		},
		{
			// LiteLLM reads OpenAI's key for it.
			Slug: "custom_openai", KeyEnv: []string{"OPENAI_API_KEY"}, KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
		},
		{
			Slug: "openai_like", BaseEnv: []string{"OPENAI_LIKE_API_BASE"}, KeyEnv: []string{"OPENAI_LIKE_API_KEY"}, KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
		},
		{
			Slug: "custom", KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
		},
		{
			// Another gateway of this kind: https://docs.litellm.ai/docs/providers/litellm_proxy
			Slug: "litellm_proxy", BaseEnv: []string{"LITELLM_PROXY_API_BASE"}, KeyEnv: []string{"LITELLM_PROXY_API_KEY"}, KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, StreamUsage: true,
		},
	}
}
