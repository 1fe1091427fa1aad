package fakevendor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// responseStore has the responses that were made, for those who ask again.
type responseStore struct {
	mu    sync.Mutex
	count int
	made  map[string]stored
}

type stored struct {
	body  []byte
	input json.RawMessage
	calls []string // the ids of its function calls
}

func (s *responseStore) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return fmt.Sprintf("resp_vendor%d", s.count)
}

func (s *responseStore) put(id string, made stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]stored{}
	}
	s.made[id] = made
}

func (s *responseStore) get(id string) (stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, ok := s.made[id]
	return made, ok
}

func (s *responseStore) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, id)
}

// responsesRequest is a request to
// https://platform.openai.com/docs/api-reference/responses/create
type responsesRequest struct {
	store     *responseStore
	asked     Asked
	model     string
	keep      bool
	summary   bool
	input     json.RawMessage
	previous  string
	maxTokens int
}

type responsesBody struct {
	Model        string          `json:"model"`
	Stream       bool            `json:"stream"`
	Store        *bool           `json:"store"`
	Input        json.RawMessage `json:"input"`
	Instructions string          `json:"instructions"`
	Previous     string          `json:"previous_response_id"`
	Tools        []struct {
		openAITool

		Type string `json:"type"`
	} `json:"tools"`
	ToolChoice        json.RawMessage `json:"tool_choice"`
	ParallelToolCalls *bool           `json:"parallel_tool_calls"`
	Text              struct {
		Format struct {
			Type   string          `json:"type"`
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
			Strict bool            `json:"strict"`
		} `json:"format"`
	} `json:"text"`
	Reasoning struct {
		Effort  string `json:"effort"`
		Summary string `json:"summary"`
	} `json:"reasoning"`
	MaxOutputTokens int      `json:"max_output_tokens"`
	Temperature     *float64 `json:"temperature"`
	TopP            *float64 `json:"top_p"`
	User            string   `json:"user"`
}

// read tells the routes below /responses apart.
func (s *responseStore) read(c *Call) (*Request, *Failure) {
	_, rest, _ := strings.Cut(c.Path, "/responses")
	id, action, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if id == "" && c.Method == http.MethodPost {
		return s.create(c)
	}
	made, ok := s.get(id)
	if !ok {
		return nil, &Failure{Status: http.StatusNotFound, Message: "Response with id '" + id + "' not found."}
	}
	switch {
	case c.Method == http.MethodGet && action == "":
		return Settled(openAIDocument(made.body)), nil
	case c.Method == http.MethodGet && action == "input_items":
		items := responsesItems(made.input)
		return Settled(openAIDocument(Object("object", "list", "data", List(items), "first_id", "msg_in0", "last_id", "msg_in0", "has_more", false))), nil
	case c.Method == http.MethodPost && action == "cancel":
		return nil, Refuse("Cannot cancel a synchronous response.")
	case c.Method == http.MethodDelete && action == "":
		s.remove(id)
		return Settled(openAIDocument(Object("id", id, "object", "response", "deleted", true))), nil
	}
	return nil, &Failure{Status: http.StatusMethodNotAllowed, Message: "Not allowed to " + c.Method + " on " + c.Path}
}

func (s *responseStore) create(c *Call) (*Request, *Failure) {
	var body responsesBody
	if err := c.Decode(&body); err != nil {
		return nil, badOpenAIJSON()
	}
	c.Model, c.Stream = body.Model, body.Stream
	q := &responsesRequest{
		store: s, model: body.Model, keep: body.Store == nil || *body.Store, summary: body.Reasoning.Summary != "",
		input: body.Input, previous: body.Previous, maxTokens: body.MaxOutputTokens,
	}
	steps := []func() *Failure{
		func() *Failure {
			return foreignMember(c.Body, "messages", "max_tokens", "max_completion_tokens", "response_format", "stop", "reasoning_effort")
		},
		func() *Failure { return q.readInput(body.Input) },
		func() *Failure { return q.readTools(&body) },
		func() *Failure { return q.readFormat(&body) },
	}
	for _, step := range steps {
		if f := step(); f != nil {
			return nil, f
		}
	}
	if body.Instructions != "" {
		q.asked.System = strings.TrimSuffix(body.Instructions+"\n"+q.asked.System, "\n")
	}
	q.asked.MaxTokens, q.asked.Temperature, q.asked.TopP, q.asked.User = body.MaxOutputTokens, body.Temperature, body.TopP, body.User
	q.asked.Thinking = body.Reasoning.Effort != "" && body.Reasoning.Effort != "none"
	return &Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

func (q *responsesRequest) readTools(b *responsesBody) *Failure {
	for i, t := range b.Tools {
		if t.Type != "function" {
			continue // tools that the vendor has itself
		}
		if f := addOpenAITool(&q.asked, fmt.Sprintf("tools[%d]", i), t.Type, t.openAITool); f != nil {
			return f
		}
	}
	q.asked.Choice.Single = b.ParallelToolCalls != nil && !*b.ParallelToolCalls
	var named struct {
		Name string `json:"name"`
	}
	mode, f := openAIChoice(b.ToolChoice, len(b.Tools), &named)
	if f != nil {
		return f
	}
	q.asked.Choice.Mode, q.asked.Choice.Name = mode, named.Name
	return hasTool(&q.asked)
}

func (q *responsesRequest) readFormat(b *responsesBody) *Failure {
	switch f := b.Text.Format; f.Type {
	case "", "text":
	case "json_object":
		q.asked.JSON = true
	case "json_schema":
		return addSchema(&q.asked, "text.format", f.Name, f.Schema, f.Strict)
	default:
		return Refuse("Invalid value: '" + f.Type + "'. Supported values are: 'json_object', 'json_schema', and 'text'.")
	}
	return nil
}
