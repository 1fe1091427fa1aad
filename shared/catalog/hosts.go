package catalog

import "slices"

// hosts run open models, and customers' own, on their machines.
func hosts() []Vendor { return slices.Concat(hostsToG(), hostsFromG()) }

//nolint:funlen // rows of a table
func hostsToG() []Vendor {
	return []Vendor{
		{
			Slug: "abliteration", BaseURL: "https://api.abliteration.ai/v1", KeyEnv: []string{"ABLITERATION_API_KEY"},
			Paths: Paths{Chat: chat},
		},
		{
			Slug: "anyscale", BaseURL: "https://api.endpoints.anyscale.com/v1", BaseEnv: []string{"ANYSCALE_API_BASE"},
			KeyEnv: []string{"ANYSCALE_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
			Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://docs.baseten.co/reference/inference-api/chat-completions
			Slug: "baseten", BaseURL: "https://inference.baseten.co/v1", BaseEnv: []string{"BASETEN_API_BASE"}, ModelBase: basetenBase,
			KeyEnv: []string{"BASETEN_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// Bedrock behind OpenAI's wire; the host holds the region.
			// https://docs.litellm.ai/docs/providers/bedrock_mantle
			Slug: "bedrock_mantle", BaseURL: "https://bedrock-mantle.{BEDROCK_MANTLE_REGION|AWS_REGION_NAME|AWS_REGION|=us-east-1}.api.aws/v1", BaseEnv: []string{"BEDROCK_MANTLE_API_BASE"},
			KeyEnv: []string{"BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"}, Paths: Paths{Chat: chat}, StreamUsage: true,
		},
		{
			// https://inference-docs.cerebras.ai/api-reference/chat-completions
			Slug: "cerebras", BaseURL: "https://api.cerebras.ai/v1", BaseEnv: []string{"CEREBRAS_API_BASE"},
			KeyEnv: []string{"CEREBRAS_API_KEY"}, Paths: Paths{Chat: chat},
			Quirks:      Quirks{Request: RequestQuirks{CutMessage: foreignMembers("annotations"), Thinking: ThinkingCut}, Answer: sharedReasoning()},
			Rules:       []Rule{{Match: gptOSS, Quirks: Quirks{Request: RequestQuirks{Thinking: ThinkingAsEffort}}}},
			Edits:       Edits{Renames: toMaxTokens(), Drops: []string{"top_k"}, Unsupported: []string{"frequency_penalty", "logit_bias", "presence_penalty"}},
			StreamUsage: true,
		},
		{
			Slug: "charity_engine", BaseURL: "https://api.charityengine.services/remotejobs/v2/inference",
			KeyEnv: []string{"CHARITY_ENGINE_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			Slug: "chutes", BaseURL: "https://llm.chutes.ai/v1", KeyEnv: []string{"CHUTES_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// The vendor names its variable CLARIFAI_PAT: https://docs.clarifai.com/compute/inference/open-ai
			Slug: "clarifai", BaseURL: "https://api.clarifai.com/v2/ext/openai/v1", KeyEnv: []string{"CLARIFAI_API_KEY", "CLARIFAI_PAT"},
			Paths: Paths{Chat: chat}, Model: clarifaiModel, DisplayPrefix: "clarifai/",
			Edits: Edits{Unsupported: allBut("frequency_penalty", "max_completion_tokens", "max_tokens", "presence_penalty",
				"response_format", "temperature", "tool_choice", "tools", "top_p")},
			StreamUsage: true,
		},
		{
			// https://docs.compactif.ai/openai-compatibility/
			Slug: "compactifai", BaseURL: "https://api.compactif.ai/v1", KeyEnv: []string{"COMPACTIFAI_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, DisplayPrefix: "compactifai/", Edits: Edits{Renames: toMaxTokens()},
		},
		{
			Slug: "crusoe", BaseURL: "https://managed-inference-api-proxy.crusoecloud.com/v1", BaseEnv: []string{"CRUSOE_API_BASE"},
			KeyEnv: []string{"CRUSOE_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// Its OpenAI-compatible side; LiteLLM's bases end in /ai/run, which has a wire of its own.
			// https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/
			Slug: "cloudflare", BaseURL: "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
			BaseEnv: []string{"CLOUDFLARE_API_BASE"}, BaseEnds: []Rename{{From: "/ai/run", To: "/ai/v1"}},
			KeyEnv: []string{"CLOUDFLARE_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed}, DisplayPrefix: "cloudflare/",
			Edits: Edits{Renames: toMaxTokens(), Unsupported: allBut("frequency_penalty", "max_completion_tokens", "max_tokens", "presence_penalty",
				"response_format", "seed", "stop", "temperature", "tool_choice", "tools", "top_p")},
		},
		{
			// A workspace's serving endpoints: https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference
			Slug: "databricks", BaseEnv: []string{"DATABRICKS_API_BASE"}, BaseSuffix: "/serving-endpoints",
			KeyEnv: []string{"DATABRICKS_API_KEY", "DATABRICKS_TOKEN"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
			Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{
				Request: RequestQuirks{NameForTools: true, CutMessage: []string{"reasoning_content", "thinking_blocks", "provider_specific_fields"}, CutSchema: []string{"strict"}},
				Answer:  AnswerQuirks{ThinkingParts: true},
			},
		},
		{
			// The router takes the provider behind the model's name; an endpoint of one's own is a base.
			// https://huggingface.co/docs/inference-providers/index
			Slug: "huggingface", BaseURL: "https://router.huggingface.co/v1", BaseSuffix: "/v1", BaseEnv: []string{"HF_API_BASE", "HUGGINGFACE_API_BASE"},
			KeyEnv: []string{"HF_TOKEN", "HUGGINGFACE_API_KEY"}, Model: huggingfaceModel,
			Paths: Paths{Chat: chat, Embeddings: embed, Rerank: rank}, RerankShape: RerankTEI, RerankRoot: true,
			HostedEmbeddings: &Hosted{"https://router.huggingface.co/hf-inference/models/{model}/pipeline/feature-extraction", EmbeddingHuggingFace},
			StreamUsage:      true,
			Quirks:           Quirks{Answer: sharedReasoning()},
		},
		{
			// https://docs.snowflake.com/en/user-guide/snowflake-cortex/open_ai_sdk
			Slug: "snowflake", BaseURL: "https://{SNOWFLAKE_ACCOUNT_ID}.snowflakecomputing.com/api/v2", BaseSuffix: "/api/v2",
			BaseEnv: []string{"SNOWFLAKE_API_BASE"}, KeyEnv: []string{"SNOWFLAKE_JWT"}, KeyHeaders: snowflakeKey, DisplayPrefix: "snowflake/",
			Paths: Paths{Chat: "/cortex/v1/chat/completions", Embeddings: "/cortex/inference:embed"}, EmbeddingShape: EmbeddingSnowflake, Edits: Edits{Renames: []Rename{{From: "max_tokens", To: "max_completion_tokens"}}},
		},
		datarobot(),
		{
			// https://deepinfra.com/docs/openai_api
			Slug: "deepinfra", BaseURL: "https://api.deepinfra.com/v1/openai", BaseEnv: []string{"DEEPINFRA_API_BASE"},
			KeyEnv: []string{"DEEPINFRA_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed, ImageGenerations: images, Speech: speech, Transcriptions: transcribe, Translations: translateSpeech, Rerank: "/v1/inference/{model}"},
			RerankShape: RerankDeepInfra, RerankBase: "https://api.deepinfra.com",
			Quirks: Quirks{Request: RequestQuirks{ToolChoiceOnly: autoOrNone()}, Answer: sharedReasoning()},
			Rules:  []Rule{{Match: deepinfraWarm, Quirks: Quirks{Request: RequestQuirks{Temperature: &Range{Min: 0.0001}}}}},
			Edits:  Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://featherless.ai/docs/completions
			Slug: "featherless_ai", BaseURL: "https://api.featherless.ai/v1",
			BaseEnv: []string{"FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"},
			KeyEnv:  []string{"FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"},
			Paths:   Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
			Quirks: Quirks{Request: RequestQuirks{ToolChoiceOnly: autoOrNone()}},
		},
		{
			// https://docs.fireworks.ai/api-reference/post-chatcompletions
			Slug: "fireworks_ai", BaseURL: "https://api.fireworks.ai/inference/v1", BaseEnv: []string{"FIREWORKS_API_BASE"},
			KeyEnv: []string{"FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"},
			Paths:  Paths{Chat: chat, Completions: text, Embeddings: embed, Responses: responses, Transcriptions: transcribe, Translations: translateSpeech, Rerank: rank}, Model: fireworksModel,
			Quirks: Quirks{Request: RequestQuirks{ToolChoice: anyForRequired()}},
			Rules:  []Rule{{Match: fireworksReads, Quirks: Quirks{Request: RequestQuirks{ImageSuffix: "#transform=inline"}}}},
			Edits:  Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://friendli.ai/docs/openapi/serverless/chat-completions
			Slug: "friendliai", BaseURL: "https://api.friendli.ai/serverless/v1", BaseEnv: []string{"FRIENDLI_API_BASE"},
			KeyEnv: []string{"FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"}, Paths: Paths{Chat: chat, Completions: text}, StreamUsage: true,
		},
		{
			// LiteLLM's list of hosts says api.galadriel.ai, its code and the vendor api.galadriel.com:
			// https://docs.litellm.ai/docs/providers/galadriel
			Slug: "galadriel", BaseURL: "https://api.galadriel.com/v1", BaseEnv: []string{"GALADRIEL_API_BASE"},
			KeyEnv: []string{"GALADRIEL_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			Slug: "gmi", BaseURL: "https://api.gmi-serving.com/v1", KeyEnv: []string{"GMI_API_KEY"},
			Paths:  Paths{Chat: chat},
			Quirks: Quirks{Answer: sharedReasoning()},
		},
		{
			// Models and agents of DigitalOcean; an agent has an endpoint of its own, with /api in front.
			// https://docs.digitalocean.com/products/gradient-ai-platform/how-to/use-serverless-inference
			Slug: "gradient_ai", BaseURL: "https://inference.do-ai.run/v1", BaseSuffix: "/api/v1",
			BaseEnv: []string{"GRADIENT_AI_AGENT_ENDPOINT"}, KeyEnv: []string{"GRADIENT_AI_API_KEY"},
			Paths: Paths{Chat: chat, Embeddings: embed},
			Edits: Edits{Unsupported: allBut("frequency_penalty", "max_completion_tokens", "max_tokens", "presence_penalty", "stop",
				"temperature", "top_p")},
			StreamUsage: true,
		},
	}
}

// datarobot answers only to paths that end in a slash. The vendor's own
// DATAROBOT_ENDPOINT ends in /api/v2; a deployment of a model is called under
// its own path instead of the gateway's.
// https://docs.datarobot.com/en/docs/gen-ai/genai-code/dr-llm-gateway.html
func datarobot() Vendor {
	return Vendor{
		Slug: "datarobot", BaseURL: "https://app.datarobot.com/api/v2/genai/llmgw", BaseSuffix: "/api/v2/genai/llmgw",
		CompleteBase: "/api/v2/deployments/", BaseEnv: []string{"DATAROBOT_ENDPOINT", "DATAROBOT_API_BASE"},
		KeyEnv: []string{"DATAROBOT_API_TOKEN", "DATAROBOT_API_KEY"}, Paths: Paths{Chat: chat + "/"},
	}
}
