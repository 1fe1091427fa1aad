package fakevendor

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/coder/websocket"
)

// openAIRealtime is a session of
// https://platform.openai.com/docs/api-reference/realtime
type openAIRealtime struct{ model string }

func readOpenAIRealtime(c *Call) (*Request, *Failure) {
	query, err := url.ParseQuery(c.Query)
	if err != nil || query.Get("model") == "" {
		return nil, Refuse("You must provide a model parameter.")
	}
	c.Model = query.Get("model")
	q := openAIRealtime{c.Model}
	return &Request{Answer: q.answer, Upgrade: q.upgrade}, nil
}

// answer is for callers that do not upgrade.
func (openAIRealtime) answer(Reply) Document {
	return JSON(http.StatusUpgradeRequired, Object("error", Object("message", "Expected a WebSocket upgrade.", "type", "invalid_request_error", "param", nil, "code", nil)))
}

// upgrade opens a session, answers each response.create
// with text and usage, and sends every other event back as it came. It ends
// when the caller closes.
func (q openAIRealtime) upgrade(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"realtime"}})
	if err != nil {
		return // it has answered
	}
	defer func() { _ = conn.CloseNow() }()
	send := func(event []byte) bool { return conn.Write(r.Context(), websocket.MessageText, event) == nil }
	if !send(Object("type", "session.created", "event_id", "event_1", "session", Object("id", "sess_vendor", "object", "realtime.session", "model", q.model))) {
		return
	}
	for {
		_, event, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		var head struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(event, &head) != nil {
			event = Object("type", "error", "event_id", "event_2", "error", Object("type", "invalid_request_error", "message", "Not JSON.", "code", "invalid_json", "param", nil))
		}
		if head.Type == "response.create" {
			if !send(Object("type", "response.output_text.delta", "event_id", "event_3", "response_id", "resp_vendor", "item_id", "item_vendor", "output_index", 0, "content_index", 0, "delta", Text())) {
				return
			}
			event = realtimeDone()
		}
		if !send(event) {
			return
		}
	}
}

// realtimeDone is what a session reports at the end of a response.
func realtimeDone() []byte {
	usage := Object("total_tokens", PromptTokens+CompletionTokens, "input_tokens", PromptTokens, "output_tokens", CompletionTokens,
		"input_token_details", Object("text_tokens", PromptTokens, "audio_tokens", 0, "cached_tokens", 0),
		"output_token_details", Object("text_tokens", CompletionTokens, "audio_tokens", 0))
	return Object("type", "response.done", "event_id", "event_4", "response",
		Object("id", "resp_vendor", "object", "realtime.response", "status", "completed", "output", List[string](nil), "usage", usage))
}
