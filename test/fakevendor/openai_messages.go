package fakevendor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

type openAIMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
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

// openAITurns reads messages into turns.
func (a *Asked) openAITurns(messages []openAIMessage) func() *Failure {
	return func() *Failure {
		var due []string // calls without a result
		for i, m := range messages {
			if len(due) > 0 && m.Role != "tool" {
				return missingResults(due)
			}
			var f *Failure
			if due, f = a.openAITurn(m, fmt.Sprintf("messages[%d]", i), due); f != nil {
				return f
			}
		}
		if len(due) > 0 {
			return missingResults(due)
		}
		return nil
	}
}

// openAITurn adds a message, and returns the calls that now have no result.
func (a *Asked) openAITurn(m openAIMessage, where string, due []string) ([]string, *Failure) {
	t := Turn{Role: "user"}
	if f := t.openAIContent(m, where); f != nil {
		return nil, f
	}
	switch m.Role {
	case "system", "developer":
		a.System = strings.TrimPrefix(a.System+"\n"+t.Text, "\n")
		return nil, nil
	case "user", "function":
	case "assistant":
		t.Role = "assistant"
		for _, call := range m.ToolCalls {
			due = append(due, call.ID)
			t.Calls = append(t.Calls, ToolCall{ID: call.ID, Name: call.Function.Name, Arguments: call.Function.Arguments})
		}
	case "tool":
		at := slices.Index(due, m.ToolCallID)
		if at < 0 {
			return nil, Refuse("Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.") //nolint:misspell // the vendor's
		}
		a.AddResult(ToolResult{ID: m.ToolCallID, Text: t.Text})
		return slices.Delete(due, at, at+1), nil
	default:
		return nil, Refuse("Invalid value: '" + m.Role + "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.")
	}
	a.Turns = append(a.Turns, t)
	return due, nil
}

func missingResults(due []string) *Failure {
	return Refuse("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
		"The following tool_call_ids did not have response messages: " + strings.Join(due, ", "))
}

type openAIPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	ImageURL struct {
		URL string `json:"url"`
	} `json:"image_url"`
	File struct {
		FileData string `json:"file_data"`
		FileID   string `json:"file_id"`
		Filename string `json:"filename"`
	} `json:"file"`
	InputAudio struct {
		Data   string `json:"data"`
		Format string `json:"format"`
	} `json:"input_audio"`
	Refusal string `json:"refusal"`
}

// openAIContent reads a text or a list of parts.
func (t *Turn) openAIContent(m openAIMessage, where string) *Failure {
	if len(m.Content) == 0 || string(m.Content) == "null" {
		if m.Role == "assistant" && len(m.ToolCalls) > 0 {
			return nil
		}
		return Refuse("Invalid value for 'content': expected a string, got null.")
	}
	if json.Unmarshal(m.Content, &t.Text) == nil {
		return nil
	}
	var parts []openAIPart
	if json.Unmarshal(m.Content, &parts) != nil {
		return Refuse("Invalid type for '" + where + ".content': expected one of a string or array of objects.")
	}
	for _, p := range parts {
		if p.Type != "text" && m.Role != "user" && (m.Role != "assistant" || p.Type != "refusal") {
			return Refuse("Invalid value: '" + p.Type + "'. Supported values are: 'text'.")
		}
		if f := t.openAIPart(p); f != nil {
			return f
		}
	}
	return nil
}

func (t *Turn) openAIPart(p openAIPart) *Failure {
	switch p.Type {
	case "text":
		t.Text += p.Text
	case "refusal":
		t.Text += p.Refusal
	case "image_url":
		return t.openAIImage(p.ImageURL.URL)
	case "input_audio":
		f, err := Inline("audio/"+p.InputAudio.Format, p.InputAudio.Data)
		if err != nil {
			return Refuse("Invalid 'input_audio.data': not valid base64.")
		}
		t.Files = append(t.Files, f)
	case "file":
		return t.openAIFile(p.File.FileData, p.File.FileID)
	default:
		return Refuse("Invalid value: '" + p.Type + "'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.")
	}
	return nil
}

// openAIImage adds an image by its URL.
func (t *Turn) openAIImage(url string) *Failure {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		t.Files = append(t.Files, File{URL: url})
		return nil
	}
	f, err := DataURI(url)
	if err != nil || !slices.Contains(strings.Fields("image/png image/jpeg image/gif image/webp"), f.Type) {
		return Refuse("You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].")
	}
	t.Files = append(t.Files, f)
	return nil
}

// openAIFile adds a document by its content or its id.
func (t *Turn) openAIFile(content, id string) *Failure {
	if id != "" {
		t.Files = append(t.Files, File{URL: id})
		return nil
	}
	f, err := DataURI(content)
	if err != nil {
		return Refuse("Invalid value for 'file_data': expected a data URI with base64.")
	}
	t.Files = append(t.Files, f)
	return nil
}
