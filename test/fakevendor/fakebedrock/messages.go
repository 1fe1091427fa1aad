//nolint:tagliatelle // the names are the vendor's
package fakebedrock

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

type message struct {
	Role    string                       `json:"role"`
	Content []map[string]json.RawMessage `json:"content"`
}

func (b *body) readMessages(a *fakevendor.Asked) *fakevendor.Failure {
	if len(b.Messages) == 0 {
		return invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
	}
	for i, m := range b.Messages {
		if m.Role != "user" && m.Role != "assistant" {
			return invalid(fmt.Sprintf("1 validation error detected: Value '%s' at 'messages.%d.member.role' failed to satisfy constraint: "+
				"Member must satisfy enum value set: [user, assistant]", m.Role, i+1))
		}
		if i == 0 && m.Role != "user" {
			return invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
		}
		if m.Role == a.Last().Role {
			return invalid("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
		}
		t, f := m.turn(i)
		if f != nil {
			return f
		}
		if f := follows(a.Last(), t, i); f != nil {
			return f
		}
		a.Turns = append(a.Turns, t)
	}
	return b.endsWell(a)
}

// follows checks that each call has its result in the next message.
func follows(last, t fakevendor.Turn, at int) *fakevendor.Failure {
	var due []string
	for _, c := range last.Calls {
		due = append(due, c.ID)
	}
	if len(t.Results) > len(due) {
		return invalid(fmt.Sprintf("The number of toolResult blocks at messages.%d.content exceeds the number of toolUse blocks of previous turn.", at))
	}
	for _, r := range t.Results {
		n := slices.Index(due, r.ID)
		if n < 0 {
			return invalid(fmt.Sprintf("The toolUseId %s of the toolResult at messages.%d.content has no toolUse in the previous turn.", r.ID, at))
		}
		due = slices.Delete(due, n, n+1)
	}
	if len(due) > 0 {
		return invalid(fmt.Sprintf("Expected toolResult blocks at messages.%d.content for the following Ids: %s", at, strings.Join(due, ", ")))
	}
	return nil
}

func (b *body) endsWell(a *fakevendor.Asked) *fakevendor.Failure {
	last := a.Last()
	if len(last.Calls) > 0 {
		return follows(last, fakevendor.Turn{}, len(a.Turns))
	}
	if last.Role == "assistant" && strings.TrimRight(last.Text, " \n\t") != last.Text {
		return invalid("The model returned the following errors: messages: final assistant content cannot end with trailing whitespace")
	}
	for i, t := range a.Turns {
		if len(t.Calls) > 0 && b.ToolConfig == nil {
			return invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
		}
		final := i == len(a.Turns)-2 && len(last.Results) > 0
		if len(t.Calls) > 0 && a.Thinking && final && t.Thoughts == "" {
			return invalid(fmt.Sprintf("The model returned the following errors: messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. "+
				"When `thinking` is enabled, a final `assistant` message must start with a thinking block", i))
		}
	}
	return nil
}

// turn reads the blocks of a message, each of which has one member.
func (m *message) turn(at int) (fakevendor.Turn, *fakevendor.Failure) {
	t := fakevendor.Turn{Role: m.Role}
	if len(m.Content) == 0 {
		return t, invalid(fmt.Sprintf("The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", at))
	}
	documents := false
	for i, block := range m.Content {
		where := fmt.Sprintf("messages.%d.content.%d", at, i)
		if len(block) != 1 {
			return t, invalid("ContentBlock object at " + where + " must set one of the following keys: text, image, toolUse, toolResult, document, video, cachePoint, reasoningContent.")
		}
		for kind, raw := range block {
			documents = documents || kind == "document"
			if f := addBlock(&t, kind, raw, where); f != nil {
				return t, f
			}
		}
	}
	if documents && t.Text == "" {
		return t, invalid("The model returned the following errors: A text block is required when including documents.")
	}
	return t, nil
}

func addBlock(t *fakevendor.Turn, kind string, raw json.RawMessage, where string) *fakevendor.Failure {
	switch kind {
	case "text":
		var text string
		if json.Unmarshal(raw, &text) != nil || strings.TrimSpace(text) == "" {
			return invalid("The text field in the ContentBlock object at " + where + " is blank. Add text to the text field, and try again.")
		}
		t.Text = strings.TrimPrefix(t.Text+"\n"+text, "\n")
	case "image":
		return addFile(t, raw, where+".image", "image/", "png", "jpeg", "gif", "webp")
	case "document":
		return addFile(t, raw, where+".document", "", "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")
	case "toolUse":
		return addToolUse(t, raw, where)
	case "toolResult":
		return addToolResult(t, raw, where)
	case "reasoningContent":
		return addReasoning(t, raw, where)
	case "cachePoint", "video", "audio", "guardContent":
	default:
		return invalid("ContentBlock object at " + where + " must set one of the following keys: text, image, toolUse, toolResult, document, video, cachePoint, reasoningContent.")
	}
	return nil
}

// documentName is what a document may be called.
var documentName = regexp.MustCompile(`^[a-zA-Z0-9()\[\]-]+( [a-zA-Z0-9()\[\]-]+)*$`)

func addFile(t *fakevendor.Turn, raw json.RawMessage, where, prefix string, formats ...string) *fakevendor.Failure {
	var file struct {
		Format string `json:"format"`
		Name   string `json:"name"`
		Source struct {
			Bytes string `json:"bytes"`
			Text  string `json:"text"`
			S3    *struct {
				URI string `json:"uri"`
			} `json:"s3Location"`
		} `json:"source"`
	}
	if json.Unmarshal(raw, &file) != nil || !slices.Contains(formats, file.Format) {
		return invalid("1 validation error detected: Value '" + file.Format + "' at '" + where + ".format' failed to satisfy constraint: Member must satisfy enum value set: [" + strings.Join(formats, ", ") + "]")
	}
	if prefix == "" && !documentName.MatchString(file.Name) {
		return invalid("1 validation error detected: Value '" + file.Name + "' at '" + where + ".name' failed to satisfy constraint: the name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets, and no more than one consecutive whitespace character.")
	}
	if file.Source.S3 != nil {
		t.Files = append(t.Files, fakevendor.File{URL: file.Source.S3.URI})
		return nil
	}
	f, err := fakevendor.Inline(prefix+file.Format, file.Source.Bytes)
	if err != nil || f.Size == 0 && file.Source.Text == "" {
		return invalid("The source at " + where + " has no valid bytes.")
	}
	t.Files = append(t.Files, f)
	return nil
}

func addToolUse(t *fakevendor.Turn, raw json.RawMessage, where string) *fakevendor.Failure {
	var use struct {
		ToolUseID string          `json:"toolUseId"`
		Name      string          `json:"name"`
		Input     json.RawMessage `json:"input"`
	}
	var input map[string]json.RawMessage
	switch {
	case t.Role != "assistant":
		return invalid("toolUse blocks can only be provided in an assistant message.")
	case json.Unmarshal(raw, &use) != nil || !identifier.MatchString(use.ToolUseID):
		return invalid("1 validation error detected: Value '" + use.ToolUseID + "' at '" + where + ".toolUse.toolUseId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
	case json.Unmarshal(use.Input, &input) != nil || input == nil:
		return invalid("The format of the value at " + where + ".toolUse.input is invalid. Provide a json object for the field and try again.")
	case !identifier.MatchString(use.Name):
		return invalid("1 validation error detected: Value '" + use.Name + "' at '" + where + ".toolUse.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
	}
	t.Calls = append(t.Calls, fakevendor.ToolCall{ID: use.ToolUseID, Name: use.Name, Arguments: string(use.Input)})
	return nil
}

func addToolResult(t *fakevendor.Turn, raw json.RawMessage, where string) *fakevendor.Failure {
	var result struct {
		ToolUseID string                       `json:"toolUseId"`
		Content   []map[string]json.RawMessage `json:"content"`
		Status    string                       `json:"status"`
	}
	switch {
	case t.Role != "user":
		return invalid("toolResult blocks can only be provided in a user message.")
	case json.Unmarshal(raw, &result) != nil:
		return invalid("The toolResult at " + where + " is not an object.")
	case !slices.Contains([]string{"", "success", "error"}, result.Status):
		return invalid("1 validation error detected: Value '" + result.Status + "' at '" + where + ".toolResult.status' failed to satisfy constraint: Member must satisfy enum value set: [success, error]")
	}
	inner := fakevendor.Turn{Role: "user"}
	for i, block := range result.Content {
		at := fmt.Sprintf("%s.toolResult.content.%d", where, i)
		for kind, raw := range block {
			switch {
			case len(block) != 1 || !slices.Contains([]string{"text", "json", "image", "document", "video"}, kind):
				return invalid("ToolResultContentBlock object at " + at + " must set one of the following keys: json, text, image, document, video.")
			case kind == "json":
				inner.Text += string(raw)
			default:
				if f := addBlock(&inner, kind, raw, at); f != nil {
					return f
				}
			}
		}
	}
	t.Results = append(t.Results, fakevendor.ToolResult{ID: result.ToolUseID, Text: inner.Text})
	t.Files = append(t.Files, inner.Files...)
	return nil
}

func addReasoning(t *fakevendor.Turn, raw json.RawMessage, where string) *fakevendor.Failure {
	var reasoning struct {
		ReasoningText *struct {
			Text      string `json:"text"`
			Signature string `json:"signature"`
		} `json:"reasoningText"`
		RedactedContent string `json:"redactedContent"`
	}
	switch {
	case json.Unmarshal(raw, &reasoning) != nil || reasoning.ReasoningText == nil && reasoning.RedactedContent == "":
		return invalid("ReasoningContentBlock object at " + where + " must set one of the following keys: reasoningText, redactedContent.")
	case t.Role != "assistant":
		return invalid("reasoningContent blocks can only be provided in an assistant message.")
	case reasoning.ReasoningText == nil:
	case reasoning.ReasoningText.Signature != fakevendor.Signature:
		return invalid("The model returned the following errors: " + where + ": Invalid `signature` in `thinking` block")
	default:
		t.Thoughts += reasoning.ReasoningText.Text
	}
	return nil
}
