package fakevendor

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// openAIChat is a request to
// https://platform.openai.com/docs/api-reference/chat/create
type openAIChat struct {
	asked        Asked
	model        string
	includeUsage bool
}

type openAIChatBody struct {
	Model         string              `json:"model"`
	Stream        bool                `json:"stream"`
	StreamOptions openAIStreamOptions `json:"stream_options"`
	Messages      []openAIMessage     `json:"messages"`
	Tools         []struct {
		Type     string     `json:"type"`
		Function openAITool `json:"function"`
	} `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls"`
	ResponseFormat      *responseFormat `json:"response_format"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	TopP                *float64        `json:"top_p"`
	Stop                json.RawMessage `json:"stop"`
	User                string          `json:"user"`
	ReasoningEffort     string          `json:"reasoning_effort"`
}

type openAIStreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type openAITool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict bool            `json:"strict"`
	} `json:"json_schema"`
}

// foreign are members that other vendors and gateways have, and OpenAI refuses.
// What neither has may be OpenAI's tomorrow, and is let through.
func foreign() []string {
	return strings.Fields(`top_k thinking system stop_sequences anthropic_version anthropic_beta cache_control output_config output_format
		contents systemInstruction generationConfig toolConfig inferenceConfig additionalModelRequestFields stopSequences
		options format think keep_alive thinking_blocks reasoning_content
		api_base api_key drop_params additional_drop_params allowed_openai_params fallbacks num_retries litellm_params cache tags guardrails
		mock_response mock_testing_fallbacks`)
}

// openAIName is what a function may be called.
var openAIName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func readOpenAIChat(c *Call) (*Request, *Failure) {
	var body openAIChatBody
	if err := c.Decode(&body); err != nil {
		return nil, badOpenAIJSON()
	}
	c.Model, c.Stream = body.Model, body.Stream
	q := &openAIChat{model: body.Model, includeUsage: body.StreamOptions.IncludeUsage}
	steps := []func() *Failure{
		func() *Failure {
			return foreignMember(c.Body, "input", "instructions", "max_output_tokens", "text", "reasoning")
		},
		body.limits, q.asked.openAITurns(body.Messages), body.choice(&q.asked), body.format(&q.asked),
	}
	for _, step := range steps {
		if f := step(); f != nil {
			return nil, f
		}
	}
	q.asked.MaxTokens = max(body.MaxTokens, body.MaxCompletionTokens)
	q.asked.Temperature, q.asked.TopP, q.asked.User = body.Temperature, body.TopP, body.User
	q.asked.Stop = stops(body.Stop)
	q.asked.Thinking = body.ReasoningEffort != "" && body.ReasoningEffort != "none"
	return &Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

func badOpenAIJSON() *Failure {
	return Refuse("We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)")
}

// foreignMember refuses members of others, and those that belong to the other
// of OpenAI's own endpoints.
func foreignMember(body []byte, others ...string) *Failure {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return badOpenAIJSON()
	}
	for _, name := range append(foreign(), others...) {
		if _, ok := members[name]; ok {
			return Refuse("Unrecognized request argument supplied: " + name)
		}
	}
	return nil
}

// limits checks what depends on the model, and ranges.
func (b *openAIChatBody) limits() *Failure {
	reasons := strings.HasPrefix(b.Model, "o1") || strings.HasPrefix(b.Model, "o3") || strings.HasPrefix(b.Model, "o4") || strings.HasPrefix(b.Model, "gpt-5")
	switch {
	case reasons && b.MaxTokens > 0:
		return Refuse("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
	case reasons && b.Temperature != nil && *b.Temperature != 1:
		return Refuse("Unsupported value: 'temperature' does not support this value with this model. Only the default (1) value is supported.")
	case b.Temperature != nil && (*b.Temperature < 0 || *b.Temperature > 2):
		return Refuse("Invalid 'temperature': decimal out of range. Expected a value between 0 and 2.")
	case b.StreamOptions.IncludeUsage && !b.Stream:
		return Refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	return nil
}

func (b *openAIChatBody) choice(a *Asked) func() *Failure {
	return func() *Failure {
		for i, t := range b.Tools {
			if f := addOpenAITool(a, fmt.Sprintf("tools[%d].function", i), t.Type, t.Function); f != nil {
				return f
			}
		}
		a.Choice.Single = b.ParallelToolCalls != nil && !*b.ParallelToolCalls
		if b.ParallelToolCalls != nil && len(a.Tools) == 0 {
			return Refuse("Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.")
		}
		var named struct {
			Function struct {
				Name string `json:"name"`
			} `json:"function"`
		}
		mode, f := openAIChoice(b.ToolChoice, len(a.Tools), &named)
		if f != nil {
			return f
		}
		a.Choice.Mode, a.Choice.Name = mode, named.Function.Name
		return hasTool(a)
	}
}

// addOpenAITool checks a tool and adds it.
func addOpenAITool(a *Asked, where, kind string, t openAITool) *Failure {
	switch {
	case kind != "function":
		return Refuse("Invalid value: '" + kind + "'. Supported values are: 'function' and 'custom'.")
	case !openAIName.MatchString(t.Name):
		return Refuse("Invalid '" + where + ".name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.")
	case t.Strict && !closedObject(t.Parameters):
		return Refuse("Invalid schema for function '" + t.Name + "': In context=(), 'additionalProperties' is required to be supplied and to be false.")
	}
	a.Tools = append(a.Tools, Tool{Name: t.Name, Description: t.Description, Schema: t.Parameters})
	return nil
}

// openAIChoice reads a tool_choice, a word or an object.
func openAIChoice(raw json.RawMessage, tools int, object any) (string, *Failure) {
	var word string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", nil
	case tools == 0:
		return "", Refuse("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
	case json.Unmarshal(raw, object) == nil:
		return "tool", nil
	case json.Unmarshal(raw, &word) != nil:
		return "", Refuse("Invalid type for 'tool_choice': expected one of 'none', 'auto', 'required' or an object.")
	}
	mode, ok := map[string]string{"none": "none", "auto": "", "required": "any"}[word]
	if !ok {
		return "", Refuse("Invalid value: '" + word + "'. Supported values are: 'none', 'auto', and 'required'.")
	}
	return mode, nil
}

func hasTool(a *Asked) *Failure {
	known := slices.ContainsFunc(a.Tools, func(t Tool) bool { return t.Name == a.Choice.Name })
	if a.Choice.Mode == "tool" && !known {
		return Refuse("Tool choice '" + a.Choice.Name + "' not found in 'tools' parameter.")
	}
	return nil
}

func (b *openAIChatBody) format(a *Asked) func() *Failure {
	return func() *Failure {
		f := b.ResponseFormat
		if f == nil {
			return nil
		}
		switch f.Type {
		case "text":
		case "json_object":
			a.JSON = true
			if !strings.Contains(strings.ToLower(Render(a.System)+Render(a.Turns)), "json") {
				return Refuse("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
			}
		case "json_schema":
			return addSchema(a, "response_format.json_schema", f.JSONSchema.Name, f.JSONSchema.Schema, f.JSONSchema.Strict)
		default:
			return Refuse("Invalid value: '" + f.Type + "'. Supported values are: 'json_object', 'json_schema', and 'text'.")
		}
		return nil
	}
}

func addSchema(a *Asked, where, name string, schema json.RawMessage, strict bool) *Failure {
	switch {
	case name == "":
		return Refuse("Missing required parameter: '" + where + ".name'.")
	case len(schema) == 0:
		return Refuse("Missing required parameter: '" + where + ".schema'.")
	case strict && !closedObject(schema):
		return Refuse("Invalid schema for response_format '" + name + "': In context=(), 'additionalProperties' is required to be supplied and to be false.")
	}
	a.Schema = schema
	return nil
}

// closedObject reports whether a schema has what strict mode wants of objects.
func closedObject(schema json.RawMessage) bool {
	var s struct {
		Type                 any             `json:"type"`
		AdditionalProperties json.RawMessage `json:"additionalProperties"` //nolint:tagliatelle // JSON Schema's
	}
	return json.Unmarshal(schema, &s) == nil && (s.Type != "object" || string(s.AdditionalProperties) == "false")
}

// stops reads a stop sequence or a list of them.
func stops(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	var many []string
	_ = json.Unmarshal(raw, &many) // what is neither asks for nothing
	return many
}
