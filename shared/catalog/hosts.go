package catalog

// hosts run open models, and customers' own, on their machines.
//
//nolint:funlen // rows of a table
func hosts() []Vendor {
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
		},
		{
			// The host holds the region, so the base has to be given: https://bedrock-mantle.{region}.api.aws/v1
			// https://docs.litellm.ai/docs/providers/bedrock_mantle
			Slug: "bedrock_mantle", BaseEnv: []string{"BEDROCK_MANTLE_API_BASE"},
			KeyEnv: []string{"BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"}, Paths: Paths{Chat: chat}, StreamUsage: true,
		},
		{
			// https://inference-docs.cerebras.ai/api-reference/chat-completions
			Slug: "cerebras", BaseURL: "https://api.cerebras.ai/v1", BaseEnv: []string{"CEREBRAS_API_BASE"},
			KeyEnv: []string{"CEREBRAS_API_KEY"}, Paths: Paths{Chat: chat},
			Edits:       Edits{Renames: toMaxTokens(), Unsupported: []string{"frequency_penalty", "logit_bias", "presence_penalty"}},
			StreamUsage: true,
		},
		{
			Slug: "charity_engine", BaseURL: "https://api.charityengine.services/remotejobs/v2/inference",
			KeyEnv: []string{"CHARITY_ENGINE_API_KEY"}, Paths: Paths{Chat: chat}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			Slug: "chutes", BaseURL: "https://llm.chutes.ai/v1", KeyEnv: []string{"CHUTES_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
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
		},
		datarobot(),
		{
			// https://deepinfra.com/docs/openai_api
			Slug: "deepinfra", BaseURL: "https://api.deepinfra.com/v1/openai", BaseEnv: []string{"DEEPINFRA_API_BASE"},
			KeyEnv: []string{"DEEPINFRA_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
			Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://featherless.ai/docs/completions
			Slug: "featherless_ai", BaseURL: "https://api.featherless.ai/v1",
			BaseEnv: []string{"FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"},
			KeyEnv:  []string{"FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"},
			Paths:   Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://docs.fireworks.ai/api-reference/post-chatcompletions
			Slug: "fireworks_ai", BaseURL: "https://api.fireworks.ai/inference/v1", BaseEnv: []string{"FIREWORKS_API_BASE"},
			KeyEnv: []string{"FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"},
			Paths:  Paths{Chat: chat, Completions: text, Embeddings: embed}, Model: fireworksModel,
			Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
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
			Paths: Paths{Chat: chat},
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
		{
			// https://console.groq.com/docs/api-reference#chat-create
			Slug: "groq", BaseURL: "https://api.groq.com/openai/v1", BaseEnv: []string{"GROQ_API_BASE"},
			KeyEnv: []string{"GROQ_API_KEY"}, Paths: Paths{Chat: chat}, StreamUsage: true,
		},
		{
			// The add-on sets INFERENCE_URL and INFERENCE_KEY in the app.
			// https://devcenter.heroku.com/articles/heroku-inference-api-v1-chat-completions
			Slug: "heroku", BaseSuffix: "/v1", BaseEnv: []string{"HEROKU_API_BASE", "INFERENCE_URL"},
			KeyEnv: []string{"HEROKU_API_KEY", "INFERENCE_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
		},
		{
			// https://docs.litellm.ai/docs/providers/hyperbolic
			Slug: "hyperbolic", BaseURL: "https://api.hyperbolic.xyz/v1", BaseEnv: []string{"HYPERBOLIC_API_BASE"},
			KeyEnv: []string{"HYPERBOLIC_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
		},
		{
			// https://docs.litellm.ai/docs/providers/lambda_ai
			Slug: "lambda_ai", BaseURL: "https://api.lambda.ai/v1", BaseEnv: []string{"LAMBDA_API_BASE"},
			KeyEnv: []string{"LAMBDA_API_KEY"}, Paths: Paths{Chat: chat, Completions: text},
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
			KeyEnv: []string{"NEBIUS_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, StreamUsage: true,
		},
		{
			// The header names the integration. The vendor's own samples say https://api.novita.ai/openai/v1 by now.
			// https://docs.litellm.ai/docs/providers/novita
			Slug: "novita", BaseURL: "https://api.novita.ai/v3/openai", BaseEnv: []string{"NOVITA_API_BASE"},
			KeyEnv: []string{"NOVITA_API_KEY"}, Headers: []Header{{Name: "X-Novita-Source", Value: "tianjillm"}},
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://docs.litellm.ai/docs/providers/nscale
			Slug: "nscale", BaseURL: "https://inference.api.nscale.com/v1", BaseEnv: []string{"NSCALE_API_BASE"},
			KeyEnv: []string{"NSCALE_API_KEY"}, Paths: Paths{Chat: chat},
		},
		{
			// https://docs.api.nvidia.com/nim/reference/llm-apis
			Slug: "nvidia_nim", BaseURL: "https://integrate.api.nvidia.com/v1", BaseEnv: []string{"NVIDIA_NIM_API_BASE"},
			KeyEnv: []string{"NVIDIA_NIM_API_KEY"}, Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
			Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://docs.litellm.ai/docs/providers/ovhcloud
			Slug: "ovhcloud", BaseURL: "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", BaseEnv: []string{"OVHCLOUD_API_BASE"},
			KeyEnv: []string{"OVHCLOUD_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
		},
		{
			// https://docs.litellm.ai/docs/providers/publicai
			Slug: "publicai", BaseURL: "https://api.publicai.co/v1", BaseEnv: []string{"PUBLICAI_API_BASE"},
			KeyEnv: []string{"PUBLICAI_API_KEY"}, Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			Slug: "salad_cloud", BaseURL: "https://ai.salad.cloud/v1", KeyEnv: []string{"SALAD_CLOUD_API_KEY"},
			Paths: Paths{Chat: chat},
		},
		{
			// https://docs.sambanova.ai/docs/en/features/openai-compatibility
			Slug: "sambanova", BaseURL: "https://api.sambanova.ai/v1", BaseEnv: []string{"SAMBANOVA_API_BASE"},
			KeyEnv: []string{"SAMBANOVA_API_KEY"}, Paths: Paths{Chat: chat, Embeddings: embed},
			Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
		},
		{
			// https://www.scaleway.com/en/docs/generative-apis/api-cli/using-chat-api/
			Slug: "scaleway", BaseURL: "https://api.scaleway.ai/v1", KeyEnv: []string{"SCW_SECRET_KEY"},
			Paths: Paths{Chat: chat, Embeddings: embed},
		},
		{
			Slug: "synthetic", BaseURL: "https://api.synthetic.new/openai/v1", KeyEnv: []string{"SYNTHETIC_API_KEY"},
			Paths: Paths{Chat: chat, Completions: text}, Edits: Edits{Renames: toMaxTokens()},
		},
		{
			// https://docs.together.ai/reference/chat-completions-1
			Slug: "together_ai", BaseURL: "https://api.together.xyz/v1", BaseEnv: []string{"TOGETHER_AI_API_BASE"},
			KeyEnv: []string{"TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"},
			Paths:  Paths{Chat: chat, Completions: text, Embeddings: embed}, Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
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
