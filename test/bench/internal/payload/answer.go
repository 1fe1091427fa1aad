package payload

import "fmt"

// date and the other fields are those that a vendor sends with every answer.
const commonHead = "Date: Sun, 01 Nov 2026 12:00:00 GMT\r\nX-Request-Id: req_0123456789abcdef\r\nOpenai-Processing-Ms: 12\r\nServer: bench\r\n"

// textBytes is the text of a plain answer, which makes it one of about 1 KB.
const textBytes = 720

// Answer returns all bytes of a plain answer: a body of about 1 KB with usage.
func (w Wire) Answer() []byte {
	body := fmt.Sprintf(`{"id":"chatcmpl-0123456789","object":"chat.completion","created":1793534400,"model":%q,"choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%q,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":%s}`,
		UpstreamModel, text(textBytes), chatUsage())
	if w == Anthropic {
		body = fmt.Sprintf(`{"id":"msg_0123456789abcdef01234567","type":"message","role":"assistant","model":%q,"content":[{"type":"text","text":%q}],`+
			`"stop_reason":"end_turn","stop_sequence":null,"usage":%s}`, UpstreamClaude, text(textBytes), messageUsage(completionTokens))
	}
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", commonHead, len(body), body)
}

func chatUsage() string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, promptTokens, completionTokens, promptTokens+completionTokens)
}

func messageUsage(output int) string {
	return fmt.Sprintf(`{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":%d,"service_tier":"standard"}`,
		promptTokens, output)
}
