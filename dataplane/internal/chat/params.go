package chat

import "reflect"

// Params returns the names of the optional parameters that are given, in the
// order of OpenAI's reference. Stream and its options are not among them:
// every vendor is streamed somehow.
func (r *Request) Params() []string {
	var names []string
	for _, p := range r.optional() {
		if p.given {
			names = append(names, p.name)
		}
	}
	return names
}

// Drop takes a parameter out.
func (r *Request) Drop(name string) {
	for _, p := range r.optional() {
		if p.name == name {
			reflect.ValueOf(p.field).Elem().SetZero()
		}
	}
}

type optional struct {
	name  string
	given bool
	field any // a pointer to the parameter
}

// optionals is how many parameters there are.
const optionals = 23

// optional is an array since it is made for each request.
func (r *Request) optional() [optionals]optional {
	return [...]optional{
		{"tools", r.Tools != nil, &r.Tools},
		{"tool_choice", r.ToolChoice != nil, &r.ToolChoice},
		{"parallel_tool_calls", r.ParallelToolCalls != nil, &r.ParallelToolCalls},
		{"max_tokens", r.MaxTokens != nil, &r.MaxTokens},
		{"max_completion_tokens", r.MaxCompletionTokens != nil, &r.MaxCompletionTokens},
		{"temperature", r.Temperature != nil, &r.Temperature},
		{"top_p", r.TopP != nil, &r.TopP},
		{"n", r.N != nil, &r.N},
		{"stop", r.Stop != nil, &r.Stop},
		{"seed", r.Seed != nil, &r.Seed},
		{"frequency_penalty", r.FrequencyPenalty != nil, &r.FrequencyPenalty},
		{"presence_penalty", r.PresencePenalty != nil, &r.PresencePenalty},
		{"logit_bias", r.LogitBias != nil, &r.LogitBias},
		{"logprobs", r.Logprobs != nil, &r.Logprobs},
		{"top_logprobs", r.TopLogprobs != nil, &r.TopLogprobs},
		{"response_format", r.ResponseFormat != nil, &r.ResponseFormat},
		{"reasoning_effort", r.ReasoningEffort != "", &r.ReasoningEffort},
		{"thinking", r.Thinking != nil, &r.Thinking},
		{"modalities", r.Modalities != nil, &r.Modalities},
		{"audio", r.Audio != nil, &r.Audio},
		{"web_search_options", r.WebSearchOptions != nil, &r.WebSearchOptions},
		{"service_tier", r.ServiceTier != "", &r.ServiceTier},
		{"user", r.User != "", &r.User},
	}
}
