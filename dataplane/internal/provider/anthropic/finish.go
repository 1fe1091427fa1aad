package anthropic

import "github.com/tianjillm/tianjillm/dataplane/internal/chat"

const stopToolUse = "tool_use"

// finishReason says why the model stopped in OpenAI's words.
func finishReason(stop string) string {
	switch stop {
	case "max_tokens", "model_context_window_exceeded", "compaction":
		return chat.FinishLength
	case stopToolUse:
		return chat.FinishToolCalls
	case "refusal":
		return chat.FinishContentFilter
	}
	return chat.FinishStop // end_turn, stop_sequence, pause_turn, and what comes later
}

// plainStop reports whether OpenAI's word says all that Anthropic's does.
func plainStop(stop string) bool {
	switch stop {
	case "", "end_turn", "max_tokens", stopToolUse:
		return true
	}
	return false
}
