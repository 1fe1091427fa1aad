package fakecohere

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// body is https://docs.cohere.com/reference/chat
type body struct {
	Model    string    `json:"model"`
	Stream   bool      `json:"stream"`
	Messages []message `json:"messages"`
	Tools    []struct {
		Type     string `json:"type"`
		Function struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	ToolChoice     string `json:"tool_choice"`
	ResponseFormat struct {
		Type       string          `json:"type"`
		JSONSchema json.RawMessage `json:"json_schema"`
	} `json:"response_format"`
	Thinking struct {
		Type string `json:"type"`
	} `json:"thinking"`
	MaxTokens     int      `json:"max_tokens"`
	Temperature   *float64 `json:"temperature"`
	P             *float64 `json:"p"`
	StopSequences []string `json:"stop_sequences"`
}

const chatMembers = `model messages tools documents citation_options response_format safety_mode max_tokens stop_sequences temperature seed
	frequency_penalty presence_penalty k p return_prompt logprobs tool_choice strict_tools stream thinking priority raw_prompting connectors`

type message struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolPlan   string          `json:"tool_plan"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// request is one for an answer.
type request struct {
	asked fakevendor.Asked
}

func readChat(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b body
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse("invalid type: " + err.Error())
	}
	c.Model, c.Stream = b.Model, b.Stream
	if f := unknown(c.Body, chatMembers); f != nil {
		return nil, f
	}
	q := &request{}
	if f := b.read(&q.asked); f != nil {
		return nil, f
	}
	return &fakevendor.Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

func (b *body) read(a *fakevendor.Asked) *fakevendor.Failure {
	switch {
	case b.Model == "":
		return fakevendor.Refuse("model is required")
	case len(b.Messages) == 0:
		return fakevendor.Refuse("invalid request: messages must be at least 1 token long or tool results must be specified.")
	case !slices.Contains([]string{"", "REQUIRED", "NONE"}, b.ToolChoice):
		return fakevendor.Refuse("invalid request: tool_choice must be one of REQUIRED, NONE")
	case b.ToolChoice != "" && len(b.Tools) == 0:
		return fakevendor.Refuse("invalid request: cannot specify tool_choice without tools")
	case b.Temperature != nil && (*b.Temperature < 0 || *b.Temperature > 1):
		return fakevendor.Refuse("invalid request: temperature must be between 0 and 1.0 inclusive.")
	case !slices.Contains([]string{"", "text", "json_object"}, b.ResponseFormat.Type):
		return fakevendor.Refuse("invalid request: response_format.type must be one of text, json_object")
	case b.ResponseFormat.Type == "json_object" && len(b.Tools) > 0:
		return fakevendor.Refuse("invalid request: response_format is not supported with tools")
	}
	for _, t := range b.Tools {
		if t.Type != "function" || t.Function.Name == "" {
			return fakevendor.Refuse("invalid request: tools must be functions with a name")
		}
		a.Tools = append(a.Tools, fakevendor.Tool{Name: t.Function.Name, Description: t.Function.Description, Schema: t.Function.Parameters})
	}
	a.Choice.Mode = map[string]string{"REQUIRED": "any", "NONE": "none"}[b.ToolChoice]
	a.JSON, a.Schema = b.ResponseFormat.Type == "json_object", b.ResponseFormat.JSONSchema
	a.Thinking = b.Thinking.Type == "enabled"
	a.MaxTokens, a.Temperature, a.TopP, a.Stop = b.MaxTokens, b.Temperature, b.P, b.StopSequences
	return b.turns(a)
}

func (b *body) turns(a *fakevendor.Asked) *fakevendor.Failure {
	var due []string // calls without a result
	for i, m := range b.Messages {
		if len(due) > 0 && m.Role != "tool" {
			return fakevendor.Refuse("invalid request: all tool calls must have a result, missing: " + strings.Join(due, ", "))
		}
		t := fakevendor.Turn{Role: "user"}
		if f := m.content(&t, i); f != nil {
			return f
		}
		switch m.Role {
		case "system":
			a.System = strings.TrimPrefix(a.System+"\n"+t.Text, "\n")
			continue
		case "user":
		case "assistant":
			t.Role = "assistant"
			for _, c := range m.ToolCalls {
				due = append(due, c.ID)
				t.Calls = append(t.Calls, fakevendor.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
			}
		case "tool":
			at := slices.Index(due, m.ToolCallID)
			if at < 0 {
				return fakevendor.Refuse("invalid request: tool call id " + m.ToolCallID + " was not found in the previous tool calls")
			}
			due = slices.Delete(due, at, at+1)
			a.AddResult(fakevendor.ToolResult{ID: m.ToolCallID, Text: t.Text})
			continue
		default:
			return fakevendor.Refuse(fmt.Sprintf("invalid request: invalid role '%s' at messages[%d], must be one of user, assistant, system, tool", m.Role, i))
		}
		a.Turns = append(a.Turns, t)
	}
	if len(due) > 0 {
		return fakevendor.Refuse("invalid request: all tool calls must have a result, missing: " + strings.Join(due, ", "))
	}
	return nil
}

// content reads a text or a list of parts.
func (m *message) content(t *fakevendor.Turn, at int) *fakevendor.Failure {
	if len(m.Content) == 0 || string(m.Content) == "null" {
		if m.Role == "assistant" && len(m.ToolCalls) > 0 {
			return nil
		}
		return fakevendor.Refuse(fmt.Sprintf("invalid request: message at index %d must have content", at))
	}
	if json.Unmarshal(m.Content, &t.Text) == nil {
		return nil
	}
	var parts []struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Thinking string `json:"thinking"`
		ImageURL struct {
			URL string `json:"url"`
		} `json:"image_url"`
		Document struct {
			Data json.RawMessage `json:"data"`
		} `json:"document"`
	}
	if json.Unmarshal(m.Content, &parts) != nil {
		return fakevendor.Refuse(fmt.Sprintf("invalid type: message at index %d has no valid content", at))
	}
	for _, p := range parts {
		switch p.Type {
		case "text":
			t.Text += p.Text
		case "thinking":
			t.Thoughts += p.Thinking
		case "document":
			t.Text += string(p.Document.Data)
		case "image_url":
			f, err := fakevendor.DataURI(p.ImageURL.URL)
			if err != nil {
				f = fakevendor.File{URL: p.ImageURL.URL}
			}
			t.Files = append(t.Files, f)
		default:
			return fakevendor.Refuse("invalid request: invalid content type '" + p.Type + "'")
		}
	}
	return nil
}
