package catalog

import "slices"

// ChatParams returns the parameters of a chat that a deployment may set for
// requests that do not.
func ChatParams() []string {
	return append(params(), "top_k", "user")
}

// params are the OpenAI chat parameters that LiteLLM checks against what a
// vendor supports. It never refuses user, stream and stream_options.
func params() []string {
	return []string{
		"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
		"max_tokens", "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
		"reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
		"temperature", "thinking", "tool_choice", "tools", "top_logprobs", "top_p", "verbosity", "web_search_options",
	}
}

// allBut returns the parameters that a vendor with a short list of supported
// ones does not support.
func allBut(supported ...string) []string {
	return slices.DeleteFunc(params(), func(p string) bool { return slices.Contains(supported, p) })
}

// toMaxTokens is for the vendors that know only the older name of the limit.
func toMaxTokens() []Rename {
	return []Rename{{From: "max_completion_tokens", To: "max_tokens"}}
}
