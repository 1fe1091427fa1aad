//nolint:tagliatelle // the names are the vendor's
package fakegemini

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

type part struct {
	Text       *string `json:"text"`
	Thought    bool    `json:"thought"`
	Signature  *string `json:"thoughtSignature"`
	InlineData *struct {
		MIMEType string `json:"mimeType"`
		Data     string `json:"data"`
	} `json:"inlineData"`
	FileData *struct {
		MIMEType string `json:"mimeType"`
		FileURI  string `json:"fileUri"`
	} `json:"fileData"`
	FunctionCall *struct {
		ID   string          `json:"id"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall"`
	FunctionResponse *struct {
		ID       string          `json:"id"`
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
	} `json:"functionResponse"`
}

func (b *body) readContents(a *fakevendor.Asked, model string, vertex bool) *fakevendor.Failure {
	if s := b.SystemInstruction; s != nil {
		t, f := s.turn("system_instruction", model)
		if f != nil {
			return f
		}
		a.System = t.Text
	}
	if len(b.Contents) == 0 {
		return fakevendor.Refuse("* GenerateContentRequest.contents: contents is not specified")
	}
	for i, c := range b.Contents {
		where := fmt.Sprintf("contents[%d]", i)
		if c.Role != "user" && c.Role != "model" && (c.Role != "" || vertex) {
			return fakevendor.Refuse("Please use a valid role: user, model.")
		}
		t, f := c.turn(where, model)
		if f != nil {
			return f
		}
		if f := follows(a, t); f != nil {
			return f
		}
		a.Turns = append(a.Turns, t)
	}
	if len(a.Last().Calls) > 0 {
		return fakevendor.Refuse("Please ensure that function response turn comes immediately after a function call turn.")
	}
	return nil
}

// follows checks that calls and responses stand next to each other, as many of
// the one as of the other.
func follows(a *fakevendor.Asked, t fakevendor.Turn) *fakevendor.Failure {
	last := a.Last()
	switch {
	case len(t.Calls) > 0 && last.Role != "user":
		return fakevendor.Refuse("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
	case len(t.Results) > 0 && len(last.Calls) == 0:
		return fakevendor.Refuse("Please ensure that function response turn comes immediately after a function call turn.")
	case len(t.Results) != len(last.Calls):
		return fakevendor.Refuse("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
	}
	for i, r := range t.Results {
		if r.Name != last.Calls[i].Name && r.ID == "" {
			return fakevendor.Refuse("Please ensure that function responses are for the functions that were called.")
		}
	}
	return nil
}

// turn reads the parts of a content.
func (c *content) turn(where, model string) (fakevendor.Turn, *fakevendor.Failure) {
	t := fakevendor.Turn{Role: "user"}
	if c.Role == "model" {
		t.Role = "assistant"
	}
	if len(c.Parts) == 0 {
		return t, fakevendor.Refuse("* GenerateContentRequest." + where + ".parts: contents.parts must not be empty.")
	}
	for i, raw := range c.Parts {
		at := fmt.Sprintf("%s.parts[%d]", where, i)
		if f := unknown(raw, at, members("part", false)); f != nil {
			return t, f
		}
		var p part
		if json.Unmarshal(raw, &p) != nil {
			return t, fakevendor.Refuse("Invalid value at '" + at + "'")
		}
		if f := p.add(&t, at, model); f != nil {
			return t, f
		}
	}
	return t, nil
}

func (p *part) add(t *fakevendor.Turn, where, model string) *fakevendor.Failure {
	set := 0
	for _, is := range []bool{p.Text != nil, p.InlineData != nil, p.FileData != nil, p.FunctionCall != nil, p.FunctionResponse != nil} {
		if is {
			set++
		}
	}
	if set > 1 {
		return fakevendor.Refuse("Invalid value at '" + where + "' (oneof), oneof field 'data' is already set. Cannot set another.")
	}
	if p.Signature != nil && *p.Signature != fakevendor.Signature {
		return fakevendor.Refuse("Invalid value at '" + where + ".thought_signature': the signature is not valid.")
	}
	switch {
	case p.Text != nil && p.Thought:
		t.Thoughts += *p.Text
	case p.Text != nil:
		t.Text = strings.TrimPrefix(t.Text+"\n"+*p.Text, "\n")
	case p.InlineData != nil:
		if p.InlineData.MIMEType == "" {
			return fakevendor.Refuse("* GenerateContentRequest." + where + ".inline_data.mime_type: mime_type must be specified.")
		}
		f, err := fakevendor.Inline(p.InlineData.MIMEType, p.InlineData.Data)
		if err != nil {
			return fakevendor.Refuse("Invalid value at '" + where + ".inline_data.data' (TYPE_BYTES), Base64 decoding failed")
		}
		t.Files = append(t.Files, f)
	case p.FileData != nil:
		t.Files = append(t.Files, fakevendor.File{URL: p.FileData.FileURI})
	case p.FunctionCall != nil:
		return p.addCall(t, where, model)
	case p.FunctionResponse != nil:
		return p.addResponse(t, where)
	case p.Signature == nil:
		return fakevendor.Refuse("* GenerateContentRequest." + where + ".data: required oneof field 'data' must have one initialized field")
	}
	return nil
}

func (p *part) addCall(t *fakevendor.Turn, where, model string) *fakevendor.Failure {
	c := p.FunctionCall
	var args map[string]json.RawMessage
	switch {
	case t.Role != "assistant":
		return fakevendor.Refuse("Please ensure that function call turn is of the role model.")
	case c.Name == "":
		return fakevendor.Refuse("* GenerateContentRequest." + where + ".function_call.name: Name cannot be empty.")
	case len(c.Args) > 0 && json.Unmarshal(c.Args, &args) != nil:
		return fakevendor.Refuse("Invalid value at '" + where + ".function_call.args' (type.googleapis.com/google.protobuf.Struct)")
	case len(t.Calls) == 0 && p.Signature == nil && strings.HasPrefix(model, "gemini-3"):
		return fakevendor.Refuse("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.")
	}
	t.Calls = append(t.Calls, fakevendor.ToolCall{ID: c.ID, Name: c.Name, Arguments: string(c.Args)})
	return nil
}

func (p *part) addResponse(t *fakevendor.Turn, where string) *fakevendor.Failure {
	r := p.FunctionResponse
	var object map[string]json.RawMessage
	switch {
	case r.Name == "":
		return fakevendor.Refuse("* GenerateContentRequest." + where + ".function_response.name: Name cannot be empty.")
	case json.Unmarshal(r.Response, &object) != nil || object == nil:
		return fakevendor.Refuse("Invalid value at '" + where + ".function_response.response' (type.googleapis.com/google.protobuf.Struct)")
	}
	t.Results = append(t.Results, fakevendor.ToolResult{ID: r.ID, Name: r.Name, Text: only(object, r.Response)})
	return nil
}

// only is the one text of an object that has nothing else, or the object.
func only(object map[string]json.RawMessage, whole json.RawMessage) string {
	var text string
	for _, value := range object {
		if len(object) == 1 && json.Unmarshal(value, &text) == nil {
			return text
		}
	}
	return string(whole)
}
