package catalog

// makers sell access to models of their own.
//
//nolint:funlen // rows of a table
func makers() []Vendor {
	return []Vendor{
		{
			// https://docs.litellm.ai/docs/providers/ai21
			Slug: "ai21_chat", Aliases: []string{"ai21"}, BaseURL: "https://api.ai21.com/studio/v1", BaseEnv: []string{"AI21_API_BASE"},
			KeyEnv: []string{"AI21_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{Request: RequestQuirks{FlattenText: []string{AnyRole}}},
		},
		{
			// https://docs.litellm.ai/docs/providers/amazon_nova
			Slug: "amazon_nova", BaseURL: "https://api.nova.amazon.com/v1", BaseEnv: []string{"AMAZON_NOVA_API_BASE"},
			KeyEnv: []string{"AMAZON_NOVA_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			// Mistral's code models at their own host; it forbids unknown members as "mistral" does.
			Slug: "codestral", BaseURL: "https://codestral.mistral.ai/v1", BaseEnv: []string{"CODESTRAL_API_BASE"},
			KeyEnv: []string{"CODESTRAL_API_KEY"}, Paths: Paths{Chat: chat}, Edits: mistralEdits(), Quirks: mistralQuirks(),
		},
		{
			// Qwen: https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope
			Slug: "dashscope", BaseURL: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", BaseEnv: []string{"DASHSCOPE_API_BASE"},
			KeyEnv: []string{"DASHSCOPE_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
			Quirks: Quirks{Request: RequestQuirks{FlattenText: []string{AnyRole}}},
			Edits:  Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// LiteLLM calls the beta host, which is needed for prefixes and fill-in-the-middle:
			// https://api-docs.deepseek.com/guides/chat_prefix_completion
			Slug: "deepseek", BaseURL: "https://api.deepseek.com/beta", BaseEnv: []string{"DEEPSEEK_API_BASE"},
			KeyEnv: []string{"DEEPSEEK_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
			Quirks: Quirks{Request: RequestQuirks{FlattenText: []string{AnyRole}, Thinking: ThinkingOnOff}},
			Edits:  Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://docs.litellm.ai/docs/providers/empower
			Slug: "empower", BaseURL: "https://app.empower.dev/api/v1", BaseEnv: []string{"EMPOWER_API_BASE"},
			KeyEnv: []string{"EMPOWER_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			// https://docs.inceptionlabs.ai/
			Slug: "inception", BaseURL: "https://api.inceptionlabs.ai/v1", BaseEnv: []string{"INCEPTION_API_BASE"},
			KeyEnv: []string{"INCEPTION_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			// The older /chat/inference form with its own wire is not offered: https://docs.litellm.ai/docs/providers/maritalk
			Slug: "maritalk", BaseURL: "https://chat.maritaca.ai/api", BaseEnv: []string{"MARITALK_API_BASE"},
			KeyEnv: []string{"MARITALK_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://docs.litellm.ai/docs/providers/meta_llama
			Slug: "meta_llama", BaseURL: "https://api.llama.com/compat/v1", BaseEnv: []string{"LLAMA_API_BASE"},
			KeyEnv: []string{"LLAMA_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
			Quirks: Quirks{Request: RequestQuirks{StructuredOutput: StructuredSchemaOnly}},
		},
		{
			// https://platform.minimax.io/docs/api-reference/text-openai-api
			Slug: "minimax", BaseURL: "https://api.minimax.io/v1", BaseEnv: []string{"MINIMAX_API_BASE"},
			KeyEnv: []string{"MINIMAX_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			// https://docs.mistral.ai/api/
			Slug: "mistral", BaseURL: "https://api.mistral.ai/v1", BaseEnv: []string{"MISTRAL_AZURE_API_BASE", "MISTRAL_API_BASE"},
			KeyEnv: []string{"MISTRAL_AZURE_API_KEY", "MISTRAL_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed, Transcriptions: transcribe}, Edits: mistralEdits(), Quirks: mistralQuirks(),
			Rules: []Rule{
				{Match: magistral, Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingAsPromptMode}}},
				{Match: mistralAdjustable, Edits: Edits{Words: allOrNothing()}},
			},
			Embedding: Edits{Renames: []Rename{{From: "dimensions", To: "output_dimension"}}, Drops: []string{"user"}},
		},
		{
			// https://platform.moonshot.ai/docs/api/chat
			Slug: "moonshot", BaseURL: "https://api.moonshot.ai/v1", BaseEnv: []string{"MOONSHOT_API_BASE"},
			KeyEnv: []string{"MOONSHOT_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
			Quirks: Quirks{Request: RequestQuirks{
				FlattenText: []string{AnyRole}, ToolChoiceNudge: "Please select a tool to handle the current issue.",
				Temperature: &Range{Max: 1, Several: 0.3}, Thinking: ThinkingOnOff,
			}},
			Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://docs.litellm.ai/docs/providers/morph
			Slug: "morph", BaseURL: "https://api.morphllm.com/v1", BaseEnv: []string{"MORPH_API_BASE"},
			KeyEnv: []string{"MORPH_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Unsupported: allBut()},
		},
		{
			// The vendor names its variable PARALLEL_API_KEY and ignores what it does not know, stream_options included.
			// https://docs.parallel.ai/chat-api/chat-quickstart, https://docs.parallel.ai/chat-api/sdk-compatibility
			Slug: "parallel_ai", BaseURL: "https://api.parallel.ai", BaseEnv: []string{"PARALLEL_AI_API_BASE"},
			KeyEnv: []string{"PARALLEL_AI_API_KEY", "PARALLEL_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			// Every chunk carries usage, so there is nothing to ask for.
			// https://docs.perplexity.ai/api-reference/chat-completions-post
			Slug: "perplexity", BaseURL: "https://api.perplexity.ai", BaseEnv: []string{"PERPLEXITY_API_BASE"},
			KeyEnv: []string{"PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"}, Paths: Paths{Chat: chat, Responses: "/v1/responses"}, Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingCut}, Answer: AnswerQuirks{Citations: true}},
		},
		{
			// https://docs.sarvam.ai/api-reference-docs/chat/chat-completions
			Slug: "sarvam", BaseURL: "https://api.sarvam.ai/v1", KeyEnv: []string{"SARVAM_API_KEY"},
			Auth:  []Auth{{Header: "Authorization", Prefix: "Bearer "}, {Header: "api-subscription-key"}},
			Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://v0.dev/docs/api/model
			Slug: "v0", BaseURL: "https://api.v0.dev/v1", BaseEnv: []string{"V0_API_BASE"},
			KeyEnv: []string{"V0_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
		},
		{
			// https://www.volcengine.com/docs/82379/1494384
			Slug: "volcengine", BaseURL: "https://ark.cn-beijing.volces.com/api/v3", BaseEnv: []string{"VOLCENGINE_API_BASE"},
			KeyEnv: []string{"VOLCENGINE_API_KEY", "ARK_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed, Responses: responses}, StreamUsage: true,
			Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingTypeOnly}},
		},
		{
			// https://docs.x.ai/docs/api-reference#chat-completions
			Slug: "xai", BaseURL: "https://api.x.ai/v1", BaseEnv: []string{"XAI_API_BASE"},
			KeyEnv: []string{"XAI_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Responses: responses, ImageGenerations: images, Realtime: realtime},
			Quirks: Quirks{
				Request: RequestQuirks{CutSchema: []string{"strict", "additionalProperties"}, Thinking: ThinkingCut},
				Answer:  AnswerQuirks{ToolCallsEndWithStop: true, ReasoningBesideCompletion: true},
			},
			Rules: []Rule{{
				Match: grokReasoning,
				Edits: Edits{Unsupported: []string{"frequency_penalty", "presence_penalty", "stop"}},
			}, {
				Match:  grokEffort,
				Edits:  Edits{Words: []Word{{"reasoning_effort", `"medium"`, `"high"`}, {"reasoning_effort", `"minimal"`, `"low"`}}},
				Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingAsEffort}},
			}},
			StreamUsage: true,
		},
		{
			Slug: "xiaomi_mimo", BaseURL: "https://api.xiaomimimo.com/v1", KeyEnv: []string{"XIAOMI_MIMO_API_KEY"},
			Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://docs.z.ai/api-reference/llm/chat-completion
			Slug: "zai", BaseURL: "https://api.z.ai/api/paas/v4", BaseEnv: []string{"ZAI_API_BASE"},
			KeyEnv: []string{"ZAI_API_KEY"}, Paths: Paths{Chat: chat},
			Quirks: Quirks{
				Request: RequestQuirks{FlattenText: []string{"tool", "assistant"}, TextSeparator: "\n", Thinking: ThinkingOnOff},
				Answer:  AnswerQuirks{FinishReasons: []Rename{{From: "sensitive", To: "content_filter"}, {From: "network_error", To: "stop"}, {From: "model_context_window_exceeded", To: "length"}}},
			},
			Edits: Edits{
				Renames:     toMaxTokens(),
				Unsupported: allBut("max_tokens", "max_completion_tokens", "stop", "temperature", "thinking", "tool_choice", "tools", "top_p"),
			},
			StreamUsage: true,
		},
	}
}

// mistralEdits: Mistral answers 422 "Extra inputs are not permitted" to members
// that it does not know, stream_options among them; usage comes unasked.
// https://github.com/openai/openai-agents-python/issues/442
func mistralEdits() Edits {
	return Edits{
		Renames: []Rename{{From: "max_completion_tokens", To: "max_tokens"}, {From: "seed", To: "random_seed"}},
		Drops:   []string{"prompt_cache_key", "safety_identifier", "service_tier", "store", "stream_options", "top_k", "user", "verbosity"},
		Unsupported: allBut("frequency_penalty", "max_completion_tokens", "max_tokens", "n", "parallel_tool_calls", "prediction",
			"presence_penalty", "reasoning_effort", "response_format", "seed", "stop", "temperature", "thinking", "tool_choice", "tools", "top_p"),
	}
}

// mistralQuirks: messages and tools are checked as strictly, and thoughts come
// among the parts of the content.
// https://docs.mistral.ai/api/endpoint/chat, https://docs.mistral.ai/capabilities/reasoning
func mistralQuirks() Quirks {
	return Quirks{
		Request: RequestQuirks{
			FlattenText: []string{AnyRole}, NameForTools: true, ToolIDLength: 9, Roles: []Rename{{From: "developer", To: "system"}},
			CutMessage: foreignMembers("annotations", "audio", "function_call", "refusal", "detail"),
			CutSchema:  []string{"$id", "$schema", "additionalProperties", "strict"},
			ToolChoice: anyForRequired(), Thinking: ThinkingAsEffort,
		},
		Answer: AnswerQuirks{ThinkingParts: true},
	}
}

func anyForRequired() []Rename { return []Rename{{From: "required", To: "any"}} }

func autoOrNone() []string { return []string{"auto", "none"} }

// allOrNothing is for models that think much or not at all.
func allOrNothing() []Word {
	words := []Word{{"reasoning_effort", `"minimal"`, `"none"`}}
	for _, effort := range []string{`"low"`, `"medium"`, `"xhigh"`, `"max"`} {
		words = append(words, Word{"reasoning_effort", effort, `"high"`})
	}
	return words
}
