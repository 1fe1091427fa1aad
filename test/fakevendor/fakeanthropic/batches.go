package fakeanthropic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// models lists one model, or shows any.
// https://docs.anthropic.com/en/api/models-list
func models(id string) *fakevendor.Request {
	model := func(id string) json.RawMessage {
		return fakevendor.Object("type", "model", "id", id, "display_name", "Claude of the vendor", "created_at", "2026-01-31T00:00:00Z")
	}
	if id != "" {
		return fakevendor.Settled(document(model(id)))
	}
	const only = "claude-vendor"
	return fakevendor.Settled(document(fakevendor.Object("data", fakevendor.List([]json.RawMessage{model(only)}), "has_more", false, "first_id", only, "last_id", only)))
}

// batches keeps the batches that were made.
// https://docs.anthropic.com/en/api/creating-message-batches
type batches struct {
	mu    sync.Mutex
	count int
	made  []batch
}

type batch struct {
	id      string
	object  json.RawMessage
	results []byte
}

func (s *batches) read(c *fakevendor.Call, rest string) (*fakevendor.Request, *fakevendor.Failure) {
	id, action, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" {
		return s.collection(c)
	}
	for i, b := range s.made {
		switch {
		case b.id != id:
			continue
		case action == "results":
			return fakevendor.Settled(fakevendor.Document{Header: header("application/x-jsonl"), Body: b.results}), nil
		case c.Method == http.MethodDelete:
			s.made = append(s.made[:i:i], s.made[i+1:]...)
			return fakevendor.Settled(document(fakevendor.Object("id", id, "type", "message_batch_deleted"))), nil
		default:
			return fakevendor.Settled(document(b.object)), nil
		}
	}
	return nil, &fakevendor.Failure{Status: http.StatusNotFound, Message: "Message batch " + id + " not found."}
}

func (s *batches) collection(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	if c.Method == http.MethodGet {
		objects := make([]json.RawMessage, len(s.made))
		for i, b := range s.made {
			objects[i] = b.object
		}
		return fakevendor.Settled(document(fakevendor.Object("data", fakevendor.List(objects), "has_more", false, "first_id", nil, "last_id", nil))), nil
	}
	var asked struct {
		Requests []struct {
			CustomID string          `json:"custom_id"`
			Params   json.RawMessage `json:"params"`
		} `json:"requests"`
	}
	if err := c.Decode(&asked); err != nil || len(asked.Requests) == 0 {
		return nil, fakevendor.Refuse("requests: Field required")
	}
	var results bytes.Buffer
	for i, r := range asked.Requests {
		inner := &fakevendor.Call{Body: r.Params, Header: c.Header}
		req, refusal := ReadMessages(inner, Messages)
		if refusal != nil {
			refusal.Message = fmt.Sprintf("requests.%d.params.%s", i, refusal.Message)
			return nil, refusal
		}
		c.Model = inner.Model
		answer := req.Answer(fakevendor.DefaultReply(&req.Asked))
		results.Write(fakevendor.Object("custom_id", r.CustomID, "result", fakevendor.Object("type", "succeeded", "message", json.RawMessage(answer.Body))))
		results.WriteByte('\n')
	}
	s.count++
	id := fmt.Sprintf("msgbatch_vendor%d", s.count)
	object := fakevendor.Object("id", id, "type", "message_batch", "processing_status", "ended",
		"request_counts", fakevendor.Object("processing", 0, "succeeded", len(asked.Requests), "errored", 0, "canceled", 0, "expired", 0),
		"ended_at", "2026-01-31T00:00:01Z", "created_at", "2026-01-31T00:00:00Z", "expires_at", "2026-02-01T00:00:00Z", "archived_at", nil,
		"cancel_initiated_at", nil, "results_url", "http://"+c.Host+"/v1/messages/batches/"+id+"/results")
	s.made = append(s.made, batch{id, object, results.Bytes()})
	return fakevendor.Settled(document(object)), nil
}
