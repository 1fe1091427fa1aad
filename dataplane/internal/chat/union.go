package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// The shapes that JSON leaves open: a text or a list, a word or an object.

// UnmarshalJSON takes a text or a list of texts.
func (s *Stop) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		return json.Unmarshal(b, (*[]string)(s))
	}
	*s = make(Stop, 1)
	return json.Unmarshal(b, &(*s)[0])
}

// UnmarshalJSON takes a text or a list of parts.
func (c *Content) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		if err := json.Unmarshal(b, (*[]Part)(c)); err != nil {
			return &ParamError{Param: "messages.content", Want: "a string or a list of parts"}
		}
		return nil
	}
	*c = Content{{Type: TextPart}}
	return json.Unmarshal(b, &(*c)[0].Text)
}

// MarshalJSON writes one plain text as a text, since not every imitator of
// OpenAI takes lists.
func (c Content) MarshalJSON() ([]byte, error) {
	if c == nil {
		return []byte("null"), nil
	}
	if slices.ContainsFunc(c, isHidden) {
		if c = slices.DeleteFunc(slices.Clone(c), isHidden); len(c) == 0 {
			return []byte(`""`), nil
		}
	}
	if len(c) == 1 && c[0].Type == TextPart && c[0].CacheControl == nil && c[0].Citations == nil {
		return jsonx.Quote(c[0].Text), nil
	}
	return Marshal([]Part(c))
}

// isHidden reports whether a part says nothing outside Anthropic's wire.
func isHidden(p Part) bool { return p.Raw != nil && p.Type == TextPart && p.Text == "" }

// UnmarshalJSON takes a URL or an object that has one.
func (i *Image) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &i.URL)
	}
	type plain Image
	return json.Unmarshal(b, (*plain)(i))
}

// UnmarshalJSON takes a URL or an object that has one.
func (v *Video) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &v.URL)
	}
	type plain Video
	return json.Unmarshal(b, (*plain)(v))
}

// UnmarshalJSON keeps tools that are not functions as they are.
func (t *Tool) UnmarshalJSON(b []byte) error {
	type plain Tool
	if err := json.Unmarshal(b, (*plain)(t)); err != nil {
		return &ParamError{Param: "tools", Want: "a list of tools"}
	}
	if t.Type == FunctionTool || t.Type == "" && t.Function != nil {
		t.Type = FunctionTool
		if t.Function == nil || t.Function.Name == "" {
			return &ParamError{Param: "tools.function.name", Want: "a string"}
		}
		return nil
	}
	t.Raw = bytes.Clone(b)
	return nil
}

// MarshalJSON writes tools that are not functions as they came.
func (t *Tool) MarshalJSON() ([]byte, error) {
	if t.Raw != nil {
		return t.Raw, nil
	}
	type plain Tool
	return Marshal((*plain)(t))
}

// UnmarshalJSON takes a word or an object that names a function.
func (t *ToolChoice) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		if err := json.Unmarshal(b, &t.Mode); err != nil {
			return err
		}
		if t.Mode == "any" { // Mistral's and Anthropic's word, which clients send
			t.Mode = ChooseRequired
		}
		return nil
	}
	var object struct {
		Type     string `json:"type"`
		Name     string `json:"name"` // Anthropic's form, and that of OpenAI's Responses
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if err := json.Unmarshal(b, &object); err != nil {
		return err
	}
	switch {
	case object.Function.Name != "":
		t.Function = object.Function.Name
	case object.Name != "" && (object.Type == "tool" || object.Type == FunctionTool):
		t.Function = object.Name
	case object.Type == "any":
		t.Mode = ChooseRequired
	case object.Type == ChooseAuto || object.Type == ChooseNone || object.Type == ChooseRequired:
		t.Mode = object.Type
	case object.Type == "":
		return errors.New("no type")
	default:
		t.Raw = bytes.Clone(b)
	}
	return nil
}

// MarshalJSON writes OpenAI's form.
func (t ToolChoice) MarshalJSON() ([]byte, error) {
	switch {
	case t.Raw != nil:
		return t.Raw, nil
	case t.Function != "":
		return json.Marshal(map[string]any{"type": FunctionTool, FunctionTool: map[string]string{"name": t.Function}})
	}
	return json.Marshal(t.Mode)
}
