package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/claude"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// emptySchema is for functions that tell nothing of their parameters.
	emptySchema = `{"type":"object","properties":{}}`
	// webSearch is the version of the search that every model knows.
	webSearch = "web_search_20250305"
	// codeExecution is where uploaded files go.
	codeExecution = `{"type":"code_execution_20250825","name":"code_execution"}`
	// dummyTool stands for the tools of a conversation that had some, when the
	// request has none: Anthropic refuses calls of no known tool.
	dummyTool = "dummy_tool"
)

// tools translates the tools that the model may call.
func (t *translation) tools() error {
	for i := range t.req.Tools {
		if err := t.tool(&t.req.Tools[i]); err != nil {
			return err
		}
	}
	if o := t.req.WebSearchOptions; o != nil {
		t.wire.Tools = append(t.wire.Tools, searchTool(o))
	}
	if t.uploads && !t.hosted("code_execution_") {
		t.wire.Tools = append(t.wire.Tools, json.RawMessage(codeExecution))
		t.betas = append(t.betas, betasOf("code_execution_20250825")...)
	}
	if len(t.wire.Tools) == 0 && t.called() {
		t.wire.Tools = append(t.wire.Tools, &wireTool{
			Name: dummyTool, Description: "This is a dummy tool call", InputSchema: json.RawMessage(emptySchema),
		})
	}
	return nil
}

func (t *translation) tool(tool *chat.Tool) error {
	if f := tool.Function; tool.Type == chat.FunctionTool && f != nil {
		w := &wireTool{
			Name: t.names.toVendor(f.Name), Description: f.Description, InputSchema: inputSchema(f.Parameters), DeferLoading: tool.DeferLoading,
			EagerInputStreaming: tool.EagerInputStreaming, AllowedCallers: tool.AllowedCallers, InputExamples: tool.InputExamples,
			CacheControl: tool.CacheControl,
		}
		if f.Strict != nil && *f.Strict && t.traits.schemas {
			w.Strict = f.Strict
			w.InputSchema = claude.StrictSchema(w.InputSchema)
		}
		t.wire.Tools = append(t.wire.Tools, w)
		return nil
	}
	switch tool.Type {
	case "mcp", "url":
		server, err := mcpServer(tool)
		t.wire.MCPServers = append(t.wire.MCPServers, server)
		t.betas = append(t.betas, betaMCP)
		return err
	}
	raw := tool.Raw
	t.betas = append(t.betas, betasOf(tool.Type)...)
	if function := jsonx.Lookup(raw, "function"); !function.Empty() {
		raw = flatten(raw, function.Of(raw))
	}
	t.wire.Tools = append(t.wire.Tools, raw)
	return nil
}

// hosted reports whether there is a tool of Anthropic's of a kind.
func (t *translation) hosted(kind string) bool {
	for i := range t.req.Tools {
		if strings.HasPrefix(t.req.Tools[i].Type, kind) {
			return true
		}
	}
	return false
}

// called reports whether tools were called earlier in the conversation.
func (t *translation) called() bool {
	for i := range t.req.Messages {
		if m := &t.req.Messages[i]; len(m.ToolCalls) > 0 || m.FunctionCall != nil || m.Role == chat.ToolRole || m.Role == functionRole {
			return true
		}
	}
	return false
}

// inputSchema returns the parameters as Anthropic wants them: an object.
func inputSchema(parameters json.RawMessage) json.RawMessage {
	if !isObject(parameters) {
		return json.RawMessage(emptySchema)
	}
	if jsonx.Lookup(parameters, "type").Empty() {
		return splice.Object(parameters, func(string, []byte) splice.Edit { return splice.Edit{} }, []byte(`"type":"object"`))
	}
	return parameters
}

// flatten brings a tool of Anthropic's that was written like a function into
// its own shape: the name and the parameters stand beside the type.
func flatten(raw, function []byte) []byte {
	var more [][]byte
	if name := jsonx.Lookup(function, "name"); !name.Empty() {
		more = append(more, splice.NewMember("name", name.Of(function)))
	}
	if parameters := jsonx.Lookup(function, "parameters"); !parameters.Empty() {
		object := parameters.Of(function)
		members, err := jsonx.Members(nil, object)
		for i := range members {
			if err == nil {
				more = append(more, members[i].All.Of(object))
			}
		}
	}
	return splice.Object(raw, func(name string, _ []byte) splice.Edit { return splice.Edit{Cut: name == "function"} }, more...)
}

// mcpServer translates OpenAI's tool for a server of the Model Context
// Protocol. One in Anthropic's own shape passes.
func mcpServer(tool *chat.Tool) (json.RawMessage, error) {
	if tool.Type == "url" {
		return tool.Raw, nil
	}
	var in struct {
		Label         string            `json:"server_label"`
		URL           string            `json:"server_url"`
		Authorization string            `json:"authorization"`
		Headers       map[string]string `json:"headers"`
		Allowed       json.RawMessage   `json:"allowed_tools"`
	}
	if err := json.Unmarshal(tool.Raw, &in); err != nil {
		return nil, &chat.ParamError{Param: "tools", Want: "a list of tools"}
	}
	type configuration struct {
		Allowed json.RawMessage `json:"allowed_tools"`
	}
	out := struct {
		Type          string         `json:"type"`
		URL           string         `json:"url"`
		Name          string         `json:"name"`
		Authorization string         `json:"authorization_token,omitempty"`
		Configuration *configuration `json:"tool_configuration,omitempty"`
	}{Type: "url", URL: in.URL, Name: in.Label, Authorization: in.Authorization}
	for name, value := range in.Headers {
		if out.Authorization == "" && strings.EqualFold(name, "Authorization") {
			out.Authorization = strings.TrimPrefix(value, "Bearer ")
		}
	}
	if len(in.Allowed) > 0 && in.Allowed[0] == '[' {
		out.Configuration = &configuration{in.Allowed}
	}
	return marshal(out)
}

// searchTool is the search that OpenAI's clients ask for in words.
func searchTool(o *chat.WebSearchOptions) any {
	if o.Tool != nil {
		return o.Tool
	}
	w := &wireWebSearch{Type: webSearch, Name: "web_search"}
	switch o.SearchContextSize {
	case "low":
		w.MaxUses = 1
	case "medium":
		w.MaxUses = 5
	case "high":
		w.MaxUses = 10
	}
	w.UserLocation = userLocation(o.UserLocation)
	return w
}

// userLocation brings what OpenAI nests beside the type.
func userLocation(raw json.RawMessage) json.RawMessage {
	if !isObject(raw) {
		return nil
	}
	inner := jsonx.Lookup(raw, "approximate").Of(raw)
	if !isObject(inner) {
		return raw
	}
	if !jsonx.Lookup(inner, "type").Empty() {
		return inner
	}
	members, err := jsonx.Members(nil, inner)
	if err != nil {
		return nil
	}
	return bytes.Join(jsonx.Rewrite(nil, inner, members, nil, []byte(`"type":"approximate"`)), nil)
}

// choose says whether and what the model has to call.
func (t *translation) choose() {
	if len(t.wire.Tools) == 0 {
		return
	}
	c := t.wire.ToolChoice // that of the structured output
	if wish := t.req.ToolChoice; wish != nil {
		switch {
		case wish.Function != "":
			c = &wireToolChoice{Type: "tool", Name: t.names.toVendor(wish.Function)}
		case wish.Mode == chat.ChooseRequired:
			c = &wireToolChoice{Type: "any"}
		case wish.Mode == chat.ChooseNone && c == nil:
			c = &wireToolChoice{Type: "none"}
		case wish.Mode == chat.ChooseAuto && c == nil:
			c = &wireToolChoice{Type: "auto"}
		}
	}
	if p := t.req.ParallelToolCalls; p != nil && !*p {
		if c == nil {
			c = &wireToolChoice{Type: "auto"}
		}
		c.DisableParallelToolUse = c.Type != "none"
	}
	t.wire.ToolChoice = c
}
