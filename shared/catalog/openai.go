package catalog

// openAI is OpenAI and the rows for "something that speaks its wire".
func openAI() []Vendor {
	reasoning := []Rule{
		{
			Match: openAIReasoning, Edits: Edits{Renames: []Rename{{From: "max_tokens", To: "max_completion_tokens"}}},
			Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingAsEffort}},
		},
		{
			Match:  openAIFixed,
			Edits:  Edits{Unsupported: []string{"frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "top_logprobs", "top_p"}},
			Quirks: Quirks{Request: RequestQuirks{TemperatureOne: true}},
		},
		{Match: openAINoStop, Edits: Edits{Unsupported: []string{"stop"}}},
	}
	return []Vendor{
		{
			Slug: "openai", Aliases: []string{"aiohttp_openai"},
			BaseURL: "https://api.openai.com/v1", BaseEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
			KeyEnv: []string{"OPENAI_API_KEY"}, Headers: []Header{{Name: "OpenAI-Organization", Env: "OPENAI_ORGANIZATION"}},
			Paths: everything(), Rules: reasoning, StreamUsage: true,
			Edits:  Edits{Drops: []string{"top_k"}},
			Quirks: Quirks{Request: RequestQuirks{CutMessage: foreignMembers(), Thinking: ThinkingCut}},
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
			Paths: everything(), Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			Slug: "openai_like", BaseEnv: []string{"OPENAI_LIKE_API_BASE"}, KeyEnv: []string{"OPENAI_LIKE_API_KEY"}, KeyOptional: true,
			Paths: everything(), Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			Slug: "custom", KeyOptional: true,
			Paths: everything(), Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// Another gateway of this kind: https://docs.litellm.ai/docs/providers/litellm_proxy
			Slug: "litellm_proxy", BaseEnv: []string{"LITELLM_PROXY_API_BASE"}, KeyEnv: []string{"LITELLM_PROXY_API_KEY"}, KeyOptional: true,
			Paths: everythingAndRerank(), StreamUsage: true,
		},
	}
}
