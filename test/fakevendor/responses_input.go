package fakevendor

import (
	"encoding/json"
	"slices"
	"strings"
)

// responsesItem is an item of input.
// https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
type responsesItem struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
	Summary   []struct {
		Text string `json:"text"`
	} `json:"summary"`
}

// responsesItems are the items of an input, which may be a text.
func responsesItems(input json.RawMessage) []json.RawMessage {
	var text string
	if json.Unmarshal(input, &text) == nil {
		content := List([]json.RawMessage{Object("type", "input_text", "text", text)})
		return []json.RawMessage{Object("id", "msg_in0", "type", "message", "role", "user", "status", "completed", "content", content)}
	}
	var items []json.RawMessage
	_ = json.Unmarshal(input, &items) // it was read before
	return items
}

func (q *responsesRequest) readInput(input json.RawMessage) *Failure {
	var known []string // calls that may have a result
	if q.previous != "" {
		made, ok := q.store.get(q.previous)
		if !ok {
			return Refuse("Previous response with id '" + q.previous + "' not found.")
		}
		known = slices.Clone(made.calls)
	}
	var word string
	if json.Unmarshal(input, &word) == nil && word != "" {
		q.asked.Turns = append(q.asked.Turns, Turn{Role: "user", Text: word})
		return nil
	}
	var items []responsesItem
	if json.Unmarshal(input, &items) != nil {
		return Refuse("Invalid type for 'input': expected one of a string or array of objects.")
	}
	for _, item := range items {
		if f := q.readItem(item, &known); f != nil {
			return f
		}
	}
	if len(known) > 0 {
		return Refuse("No tool output found for function call " + known[0] + ".")
	}
	return nil
}

func (q *responsesRequest) readItem(item responsesItem, known *[]string) *Failure {
	a := &q.asked
	switch item.Type {
	case "", "message":
		return q.readMessage(item)
	case "function_call":
		*known = append(*known, item.CallID)
		call := ToolCall{ID: item.CallID, Name: item.Name, Arguments: item.Arguments}
		if a.Last().Role != "assistant" {
			a.Turns = append(a.Turns, Turn{Role: "assistant"})
		}
		last := &a.Turns[len(a.Turns)-1]
		last.Calls = append(last.Calls, call)
	case "function_call_output":
		at := slices.Index(*known, item.CallID)
		if at < 0 {
			return Refuse("No tool call found for function call output with call_id " + item.CallID + ".")
		}
		*known = slices.Delete(*known, at, at+1)
		result := ToolResult{ID: item.CallID}
		if json.Unmarshal(item.Output, &result.Text) != nil {
			result.Text = string(item.Output)
		}
		a.AddResult(result)
	case "reasoning":
		var thought strings.Builder
		for _, s := range item.Summary {
			thought.WriteString(s.Text)
		}
		a.Turns = append(a.Turns, Turn{Role: "assistant", Thoughts: thought.String()})
	case "item_reference":
	default:
		return Refuse("Invalid value: '" + item.Type + "'. Supported values are: 'function_call', 'function_call_output', 'item_reference', 'message', and 'reasoning'.")
	}
	return nil
}

type responsesPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	ImageURL string `json:"image_url"`
	FileData string `json:"file_data"`
	FileID   string `json:"file_id"`
	FileURL  string `json:"file_url"`
	Refusal  string `json:"refusal"`
}

func (q *responsesRequest) readMessage(item responsesItem) *Failure {
	t := Turn{Role: "user"}
	if item.Role == "assistant" {
		t.Role = "assistant"
	} else if !slices.Contains([]string{"user", "system", "developer"}, item.Role) {
		return Refuse("Invalid value: '" + item.Role + "'. Supported values are: 'assistant', 'system', 'developer', and 'user'.")
	}
	if json.Unmarshal(item.Content, &t.Text) != nil {
		var parts []responsesPart
		if json.Unmarshal(item.Content, &parts) != nil {
			return Refuse("Invalid type for 'input[0].content': expected one of a string or array of objects.")
		}
		for _, p := range parts {
			if f := t.responsesPart(p); f != nil {
				return f
			}
		}
	}
	if item.Role == "system" || item.Role == "developer" {
		q.asked.System = strings.TrimPrefix(q.asked.System+"\n"+t.Text, "\n")
		return nil
	}
	q.asked.Turns = append(q.asked.Turns, t)
	return nil
}

func (t *Turn) responsesPart(p responsesPart) *Failure {
	input, output := t.Role == "user", t.Role == "assistant"
	switch {
	case input && p.Type == "input_text", output && p.Type == "output_text":
		t.Text += p.Text
	case output && p.Type == "refusal":
		t.Text += p.Refusal
	case input && p.Type == "input_image":
		return t.openAIImage(p.ImageURL)
	case input && p.Type == "input_file":
		return t.openAIFile(p.FileData, p.FileID+p.FileURL)
	case input:
		return Refuse("Invalid value: '" + p.Type + "'. Supported values are: 'input_text', 'input_image', and 'input_file'.")
	default:
		return Refuse("Invalid value: '" + p.Type + "'. Supported values are: 'output_text' and 'refusal'.")
	}
	return nil
}
