package catalog

// selfHosted are the servers that users run themselves. None of them bills, so
// none of them insists on a key.
func selfHosted() []Vendor {
	return []Vendor{
		{
			// "vllm" runs vLLM inside LiteLLM's process, which a Go program can not.
			// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
			Slug: "hosted_vllm", Aliases: []string{"vllm"}, BaseEnv: []string{"HOSTED_VLLM_API_BASE", "VLLM_API_BASE"},
			KeyEnv: []string{"HOSTED_VLLM_API_KEY"}, DummyKey: "fake-api-key", KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed, Responses: responses, Transcriptions: transcribe, Translations: translateSpeech, Rerank: rank}, StreamUsage: true,
			Quirks: Quirks{Request: RequestQuirks{VideoFiles: true, Thinking: ThinkingAsEffort}, Answer: sharedReasoning()},
		},
		{
			// A chat or an agent is a part of the path: https://ragflow.io/docs/dev/http_api_reference
			Slug: "ragflow", BaseEnv: []string{"RAGFLOW_API_BASE"}, KeyEnv: []string{"RAGFLOW_API_KEY"}, ModelDir: ragflowDir,
			Paths: Paths{Chat: chat},
		},
		{
			// https://lmstudio.ai/docs/developer/openai-compat
			Slug: "lm_studio", BaseEnv: []string{"LM_STUDIO_API_BASE"},
			KeyEnv: []string{"LM_STUDIO_API_KEY"}, DummyKey: "fake-api-key", KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, Edits: Edits{Renames: toMaxTokens()}, StreamUsage: true,
			Quirks: Quirks{Request: RequestQuirks{StructuredOutput: StructuredWrapped}, Answer: sharedReasoning()},
		},
		{
			// llama.cpp's server: https://github.com/mozilla-ai/llamafile
			Slug: "llamafile", BaseURL: "http://127.0.0.1:8080/v1", BaseEnv: []string{"LLAMAFILE_API_BASE"},
			KeyEnv: []string{"LLAMAFILE_API_KEY"}, DummyKey: "fake-api-key", KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, StreamUsage: true,
		},
		{
			// https://inference.readthedocs.io/en/latest/user_guide/client_api.html
			Slug: "xinference", BaseEnv: []string{"XINFERENCE_API_BASE"},
			KeyEnv: []string{"XINFERENCE_API_KEY"}, DummyKey: "anything", KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed, ImageGenerations: images, Speech: speech, Transcriptions: transcribe, Translations: translateSpeech, Rerank: rank}, StreamUsage: true,
		},
		{
			// https://github.com/oobabooga/text-generation-webui/wiki/12-%E2%80%90-OpenAI-API
			// The "Token" scheme is what LiteLLM sends.
			Slug: "oobabooga", BaseSuffix: "/v1", KeyOptional: true, Auth: []Auth{{Header: "Authorization", Prefix: "Token "}},
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
		},
		{
			// LiteLLM's default port; newer servers listen on 13305 unless told otherwise.
			// https://docs.litellm.ai/docs/providers/lemonade
			Slug: "lemonade", BaseURL: "http://localhost:8000/api/v1", BaseEnv: []string{"LEMONADE_API_BASE"},
			KeyEnv: []string{"LEMONADE_API_KEY"}, DummyKey: "lemonade", KeyOptional: true, DisplayPrefix: "lemonade/",
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed},
			Edits: Edits{Unsupported: allBut("functions", "logit_bias", "max_tokens", "max_completion_tokens", "presence_penalty",
				"response_format", "stop", "temperature", "tool_choice", "tools", "top_p")},
		},
		{
			// The port is Docker's; LiteLLM's documentation still says 22088.
			// https://docs.docker.com/ai/model-runner/api-reference/
			Slug: "docker_model_runner", BaseURL: "http://localhost:12434/engines/v1", BaseSuffix: "/v1",
			BaseEnv: []string{"DOCKER_MODEL_RUNNER_API_BASE"},
			KeyEnv:  []string{"DOCKER_MODEL_RUNNER_API_KEY"}, DummyKey: "dummy-key", KeyOptional: true,
			Paths: Paths{Chat: chat, Completions: text, Embeddings: embed}, StreamUsage: true,
		},
	}
}
