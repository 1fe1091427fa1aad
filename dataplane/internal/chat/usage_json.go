package chat

import (
	"strconv"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Append writes OpenAI's usage object, with LiteLLM's additions where a cache
// was written.
func (u *Usage) Append(b []byte) []byte {
	b = appendCount(b, `{"prompt_tokens":`, u.Input)
	b = appendCount(b, `,"completion_tokens":`, u.Output)
	b = appendCount(b, `,"total_tokens":`, u.Input+u.Output)
	b = appendCount(b, `,"prompt_tokens_details":{"cached_tokens":`, u.CachedInput)
	b = appendSome(b, `,"cache_creation_tokens":`, u.CacheWrite)
	b = appendSome(b, `,"audio_tokens":`, u.AudioInput)
	b = appendSome(b, `,"image_tokens":`, u.ImageInput)
	b = appendCount(b, `},"completion_tokens_details":{"reasoning_tokens":`, u.Reasoning)
	b = appendSome(b, `,"audio_tokens":`, u.AudioOutput)
	b = appendSome(b, `,"image_tokens":`, u.ImageOutput)
	b = appendSome(b, `,"accepted_prediction_tokens":`, u.AcceptedPrediction)
	b = appendSome(b, `,"rejected_prediction_tokens":`, u.RejectedPrediction)
	b = append(b, '}')
	b = appendSome(b, `,"cache_creation_input_tokens":`, u.CacheWrite)
	if u.CacheWrite > 0 {
		b = appendCount(b, `,"cache_read_input_tokens":`, u.CachedInput)
	}
	if u.WebSearches > 0 {
		b = appendCount(b, `,"server_tool_use":{"web_search_requests":`, u.WebSearches)
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendCount(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendSome(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return appendCount(b, name, n)
}

// Read takes the counts of OpenAI's usage object, of the Responses API's, and
// of those that imitate them. Counts that are not there stay as they are. It
// reports whether there was any.
func (u *Usage) Read(usage []byte) bool {
	if len(usage) == 0 || usage[0] != '{' {
		return false
	}
	var s jsonx.Scanner
	found := false
	for s.Reset(usage); s.Next(); {
		value := s.Value().Of(usage)
		switch string(s.Key()) {
		case "prompt_tokens", "input_tokens":
			u.Input, found = jsonx.Int(value), true
		case "completion_tokens", "output_tokens":
			u.Output, found = jsonx.Int(value), true
		case "prompt_tokens_details", "input_tokens_details":
			u.readInput(value)
		case "completion_tokens_details", "output_tokens_details":
			u.readOutput(value)
		case "prompt_cache_hit_tokens": // DeepSeek
			u.CachedInput = jsonx.Int(value)
		case "cache_creation_input_tokens":
			u.CacheWrite = jsonx.Int(value)
		case "server_tool_use":
			u.WebSearches = jsonx.Int(jsonx.Lookup(value, "web_search_requests").Of(value))
		}
	}
	return found
}

func (u *Usage) readInput(details []byte) {
	var s jsonx.Scanner
	for s.Reset(details); s.Next(); {
		n := jsonx.Int(s.Value().Of(details))
		switch string(s.Key()) {
		case "cached_tokens":
			u.CachedInput = n
		case "cache_creation_tokens":
			u.CacheWrite = n
		case "audio_tokens":
			u.AudioInput = n
		case "image_tokens":
			u.ImageInput = n
		}
	}
}

func (u *Usage) readOutput(details []byte) {
	var s jsonx.Scanner
	for s.Reset(details); s.Next(); {
		n := jsonx.Int(s.Value().Of(details))
		switch string(s.Key()) {
		case "reasoning_tokens":
			u.Reasoning = n
		case "audio_tokens":
			u.AudioOutput = n
		case "image_tokens":
			u.ImageOutput = n
		case "accepted_prediction_tokens":
			u.AcceptedPrediction = n
		case "rejected_prediction_tokens":
			u.RejectedPrediction = n
		}
	}
}
