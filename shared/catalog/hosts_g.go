package catalog

//nolint:funlen // rows of a table
func hostsFromG() []Vendor {
	return []Vendor{
		{
			// https://console.groq.com/docs/api-reference#chat-create
			Slug: "groq", BaseURL: "https://api.groq.com/openai/v1", BaseEnv: []string{"GROQ_API_BASE"},
			KeyEnv: []string{"GROQ_API_KEY"}, Paths: Paths{Chat: chat, Responses: responses, Speech: speech, Transcriptions: transcribe, Translations: translateSpeech}, StreamUsage: true,
			Quirks: Quirks{
				Request: RequestQuirks{CutMessage: foreignMembers("annotations", "audio"), StructuredWhole: true, Thinking: ThinkingCut},
				Answer:  sharedReasoning(),
			},
			Rules: []Rule{
				{Match: groqNeedsTool, Quirks: Quirks{Request: RequestQuirks{StructuredOutput: StructuredByTool}}},
				{Match: gptOSS, Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingAsEffort}}},
			},
			Edits: Edits{Drops: []string{"top_k"}},
		},
		{
			// The add-on sets INFERENCE_URL and INFERENCE_KEY in the app.
			// https://devcenter.heroku.com/articles/heroku-inference-api-v1-chat-completions
			Slug: "heroku", BaseSuffix: "/v1", BaseEnv: []string{"HEROKU_API_BASE", "INFERENCE_URL"},
			KeyEnv: []string{"HEROKU_API_KEY", "INFERENCE_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
			Quirks: Quirks{Request: RequestQuirks{FlattenText: []string{AnyRole}}},
		},
		{
			// https://docs.litellm.ai/docs/providers/hyperbolic
			Slug: "hyperbolic", BaseURL: "https://api.hyperbolic.xyz/v1", BaseEnv: []string{"HYPERBOLIC_API_BASE"},
			KeyEnv: []string{"HYPERBOLIC_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// https://docs.litellm.ai/docs/providers/lambda_ai
			Slug: "lambda_ai", BaseURL: "https://api.lambda.ai/v1", BaseEnv: []string{"LAMBDA_API_BASE"},
			KeyEnv: []string{"LAMBDA_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			Slug: "llamagate", BaseURL: "https://api.llamagate.dev/v1", KeyEnv: []string{"LLAMAGATE_API_KEY"},
			Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// The vendor names its variable MODELSCOPE_SDK_TOKEN: https://modelscope.cn/docs/model-service/API-Inference/intro
			Slug: "modelscope", BaseURL: "https://api-inference.modelscope.cn/v1", BaseEnv: []string{"MODELSCOPE_API_BASE"},
			KeyEnv: []string{"MODELSCOPE_API_KEY", "MODELSCOPE_SDK_TOKEN"}, Paths: Paths{Chat: chat},
		},
		{
			// Once "AI Studio" at api.studio.nebius.ai: https://docs.tokenfactory.nebius.com/api-reference/introduction
			Slug: "nebius", BaseURL: "https://api.tokenfactory.nebius.com/v1", BaseEnv: []string{"NEBIUS_API_BASE"},
			KeyEnv: []string{"NEBIUS_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed, ImageGenerations: images}, StreamUsage: true,
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// The header names the integration. The vendor's own samples say https://api.novita.ai/openai/v1 by now.
			// https://docs.litellm.ai/docs/providers/novita
			Slug: "novita", BaseURL: "https://api.novita.ai/v3/openai", BaseEnv: []string{"NOVITA_API_BASE"},
			KeyEnv: []string{"NOVITA_API_KEY"}, Headers: []Header{{Name: "X-Novita-Source", Value: "tianjillm"}},
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// https://docs.litellm.ai/docs/providers/nscale
			Slug: "nscale", BaseURL: "https://inference.api.nscale.com/v1", BaseEnv: []string{"NSCALE_API_BASE"},
			KeyEnv: []string{"NSCALE_API_KEY"}, Paths: Paths{Chat: chat, ImageGenerations: images},
		},
		{
			// https://docs.api.nvidia.com/nim/reference/llm-apis
			Slug: "nvidia_nim", BaseURL: "https://integrate.api.nvidia.com/v1", BaseEnv: []string{"NVIDIA_NIM_API_BASE"},
			KeyEnv: []string{"NVIDIA_NIM_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed, Rerank: "/v1/retrieval/{model}/reranking"},
			Quirks:      Quirks{Request: RequestQuirks{Thinking: ThinkingCut}, Answer: sharedReasoning()},
			RerankShape: RerankNVIDIA, RerankBase: "https://ai.api.nvidia.com",
			Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://docs.litellm.ai/docs/providers/ovhcloud
			Slug: "ovhcloud", BaseURL: "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", BaseEnv: []string{"OVHCLOUD_API_BASE"},
			KeyEnv: []string{"OVHCLOUD_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed, Transcriptions: transcribe},
		},
		{
			// https://docs.litellm.ai/docs/providers/publicai
			Slug: "publicai", BaseURL: "https://api.publicai.co/v1", BaseEnv: []string{"PUBLICAI_API_BASE"},
			KeyEnv: []string{"PUBLICAI_API_KEY"}, Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{Request: RequestQuirks{FlattenText: []string{AnyRole}}},
		},
		{
			Slug: "salad_cloud", BaseURL: "https://ai.salad.cloud/v1", KeyEnv: []string{"SALAD_CLOUD_API_KEY"},
			Paths: Paths{Chat: chat},
		},
		{
			// https://docs.sambanova.ai/docs/en/features/openai-compatibility
			Slug: "sambanova", BaseURL: "https://api.sambanova.ai/v1", BaseEnv: []string{"SAMBANOVA_API_BASE"},
			KeyEnv: []string{"SAMBANOVA_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
			Quirks: Quirks{Answer: sharedReasoning()},
			Edits:  Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://www.scaleway.com/en/docs/generative-apis/api-cli/using-chat-api/
			Slug: "scaleway", BaseURL: "https://api.scaleway.ai/v1", KeyEnv: []string{"SCW_SECRET_KEY"},
			Paths:  Paths{Chat: chat, Embeddings: embed, Transcriptions: transcribe},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			Slug: "synthetic", BaseURL: "https://api.synthetic.new/openai/v1", KeyEnv: []string{"SYNTHETIC_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://docs.together.ai/reference/chat-completions-1
			Slug: "together_ai", BaseURL: "https://api.together.xyz/v1", BaseEnv: []string{"TOGETHER_AI_API_BASE"},
			KeyEnv: []string{"TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"},
			Paths:  Paths{Chat: chat, Completions: text, Embeddings: embed, ImageGenerations: images, Speech: speech, Transcriptions: transcribe, Translations: translateSpeech, Rerank: rank}, Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// https://docs.venice.ai/api-reference/endpoint/chat/completions
			Slug: "veniceai", BaseURL: "https://api.venice.ai/api/v1", KeyEnv: []string{"VENICE_AI_API_KEY"},
			Paths: Paths{Chat: chat, Embeddings: embed}, StreamUsage: true,
		},
		{
			// https://docs.wandb.ai/inference/api-reference
			Slug: "wandb", BaseURL: "https://api.inference.wandb.ai/v1", BaseEnv: []string{"WANDB_API_BASE"},
			KeyEnv: []string{"WANDB_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
	}
}
