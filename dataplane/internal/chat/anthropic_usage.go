package chat

import "github.com/tianjillm/tianjillm/shared/jsonx"

// ReadAnthropic takes the counts of Anthropic's usage object. Its counts are
// totals of the message so far, and those that are not there stay as they are:
// the start of a stream tells the input and its end the rest. It reports
// whether there was any.
//
// Wire facts: https://platform.claude.com/docs/en/api/messages
func (u *Usage) ReadAnthropic(usage []byte) bool {
	if len(usage) == 0 || usage[0] != '{' {
		return false
	}
	fresh := u.Input - u.CachedInput - u.CacheWrite
	found := false
	var s jsonx.Scanner
	for s.Reset(usage); s.Next(); {
		value := s.Value().Of(usage)
		switch string(s.Key()) {
		case "input_tokens":
			// Imitators end their streams with a zero that means "see above".
			if n := jsonx.Int(value); n > 0 || u.Input == 0 {
				fresh = n
			}
			found = true
		case "output_tokens":
			u.Output, found = jsonx.Int(value), true
		case "cache_read_input_tokens":
			u.CachedInput = jsonx.Int(value)
		case "cache_creation_input_tokens":
			u.CacheWrite = jsonx.Int(value)
		case "cache_creation":
			u.CacheWrite1h = member(value, "ephemeral_1h_input_tokens")
		case "output_tokens_details":
			u.Reasoning = member(value, "thinking_tokens")
		case "server_tool_use":
			u.WebSearches = member(value, "web_search_requests")
		}
	}
	if s.Err() != nil {
		return false
	}
	u.Input = max(fresh, 0) + u.CachedInput + u.CacheWrite
	return found
}

func member(object []byte, name string) int64 {
	return jsonx.Int(jsonx.Lookup(object, name).Of(object))
}

// AppendAnthropic writes Anthropic's usage object.
func (u *Usage) AppendAnthropic(b []byte) []byte {
	b = appendCount(b, `{"input_tokens":`, max(u.Input-u.CachedInput-u.CacheWrite, 0))
	b = appendCount(b, `,"cache_creation_input_tokens":`, u.CacheWrite)
	b = appendCount(b, `,"cache_read_input_tokens":`, u.CachedInput)
	if u.CacheWrite > 0 {
		b = appendCount(b, `,"cache_creation":{"ephemeral_5m_input_tokens":`, max(u.CacheWrite-u.CacheWrite1h, 0))
		b = appendCount(b, `,"ephemeral_1h_input_tokens":`, u.CacheWrite1h)
		b = append(b, '}')
	}
	b = appendCount(b, `,"output_tokens":`, u.Output)
	if u.Reasoning > 0 {
		b = appendCount(b, `,"output_tokens_details":{"thinking_tokens":`, u.Reasoning)
		b = append(b, '}')
	}
	if u.WebSearches > 0 {
		b = appendCount(b, `,"server_tool_use":{"web_search_requests":`, u.WebSearches)
		b = append(b, '}')
	}
	return append(b, '}')
}
