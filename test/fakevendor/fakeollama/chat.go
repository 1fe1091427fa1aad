package fakeollama

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// common is what chat and generate have both. Ollama streams unless it is told
// not to.
type common struct {
	Model   string          `json:"model"`
	Stream  *bool           `json:"stream"`
	Format  json.RawMessage `json:"format"`
	Think   json.RawMessage `json:"think"`
	Options struct {
		NumPredict  int             `json:"num_predict"`
		Temperature *float64        `json:"temperature"`
		TopP        *float64        `json:"top_p"`
		Stop        json.RawMessage `json:"stop"`
	} `json:"options"`
}

// body is https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
type body struct {
	common

	Messages []message `json:"messages"`
	Tools    []struct {
		Type     string `json:"type"`
		Function struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
}

type message struct {
	Role      string   `json:"role"`
	Content   string   `json:"content"`
	Thinking  string   `json:"thinking"`
	Images    []string `json:"images"`
	ToolName  string   `json:"tool_name"`
	ToolCalls []struct {
		Function struct {
			Name      string                     `json:"name"`
			Arguments map[string]json.RawMessage `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// request is one for an answer.
type request struct {
	asked    fakevendor.Asked
	model    string
	generate bool
}

func readChat(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b body
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse(err.Error())
	}
	q := &request{model: b.Model}
	if f := b.read(c, &q.asked); f != nil {
		return nil, f
	}
	for _, t := range b.Tools {
		if t.Type != "function" || t.Function.Name == "" {
			return nil, fakevendor.Refuse("invalid tool")
		}
		q.asked.Tools = append(q.asked.Tools, fakevendor.Tool{Name: t.Function.Name, Description: t.Function.Description, Schema: t.Function.Parameters})
	}
	for _, m := range b.Messages {
		if f := m.add(&q.asked); f != nil {
			return nil, f
		}
	}
	return &fakevendor.Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

func (o *common) read(c *fakevendor.Call, a *fakevendor.Asked) *fakevendor.Failure {
	c.Model, c.Stream = o.Model, o.Stream == nil || *o.Stream
	if o.Model == "" {
		return fakevendor.Refuse("model is required")
	}
	switch format := string(o.Format); {
	case format == "" || format == `""` || format == "null":
	case format == `"json"`:
		a.JSON = true
	case strings.HasPrefix(format, "{"):
		a.Schema = o.Format
	default:
		return fakevendor.Refuse(`invalid format: "` + format + `"; expected "json" or a valid JSON Schema object`)
	}
	if think := string(o.Think); !slices.Contains([]string{"", "null", "true", "false", `"low"`, `"medium"`, `"high"`}, think) {
		return fakevendor.Refuse("invalid think value: " + think + " (must be \"high\", \"medium\", \"low\", true, or false)")
	}
	a.Thinking = len(o.Think) > 0 && string(o.Think) != "false" && string(o.Think) != "null"
	a.MaxTokens, a.Temperature, a.TopP = o.Options.NumPredict, o.Options.Temperature, o.Options.TopP
	if len(o.Options.Stop) > 0 && json.Unmarshal(o.Options.Stop, &a.Stop) != nil {
		return fakevendor.Refuse("option \"stop\" must be of type array")
	}
	return nil
}

func (m *message) add(a *fakevendor.Asked) *fakevendor.Failure {
	t := fakevendor.Turn{Role: "user", Text: m.Content, Thoughts: m.Thinking}
	for _, image := range m.Images {
		f, err := fakevendor.Inline("image/png", image) // it tells images by their content
		if err != nil {
			return fakevendor.Refuse(err.Error())
		}
		t.Files = append(t.Files, f)
	}
	switch m.Role {
	case "system":
		a.System = strings.TrimPrefix(a.System+"\n"+m.Content, "\n")
		return nil
	case "user":
	case "assistant":
		t.Role = "assistant"
		for _, c := range m.ToolCalls {
			t.Calls = append(t.Calls, fakevendor.ToolCall{Name: c.Function.Name, Arguments: fakevendor.Render(c.Function.Arguments)})
		}
	case "tool":
		a.AddResult(fakevendor.ToolResult{Name: m.ToolName, Text: m.Content})
		return nil
	default:
		return fakevendor.Refuse("invalid role: " + m.Role + ", must be one of [system, user, assistant, tool]")
	}
	a.Turns = append(a.Turns, t)
	return nil
}

// readGenerate reads
// https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion
func readGenerate(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		common

		Prompt string   `json:"prompt"`
		System string   `json:"system"`
		Images []string `json:"images"`
	}
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse(err.Error())
	}
	q := &request{model: b.Model, generate: true}
	if f := b.read(c, &q.asked); f != nil {
		return nil, f
	}
	q.asked.System = b.System
	m := message{Role: "user", Content: b.Prompt, Images: b.Images}
	if f := m.add(&q.asked); f != nil {
		return nil, f
	}
	return &fakevendor.Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

// readEmbed reads
// https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
func readEmbed(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Model string          `json:"model"`
		Input json.RawMessage `json:"input"`
	}
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse(err.Error())
	}
	c.Model = b.Model
	var one string
	var many []string
	if json.Unmarshal(b.Input, &one) == nil {
		many = []string{one}
	} else if json.Unmarshal(b.Input, &many) != nil {
		return nil, fakevendor.Refuse("invalid input type")
	}
	vectors := make([][]float64, len(many))
	for i := range vectors {
		vectors[i] = fakevendor.Vector()
	}
	return settled(fakevendor.Object("model", b.Model, "embeddings", fakevendor.List(vectors), "total_duration", 14143917, "load_duration", 1019500,
		"prompt_eval_count", fakevendor.PromptTokens)), nil
}
