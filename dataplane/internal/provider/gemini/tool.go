package gemini

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// toolset is the tools of a request on their way to Gemini: its functions in
// one object, each tool that runs at Google in one of its own.
type toolset struct {
	functions []functionDeclaration
	hosted    []hostedTool
	config    toolConfig
}

type hostedTool struct {
	name   string
	config json.RawMessage
}

// searches are the tools that models can not have beside functions.
func (h *hostedTool) searches() bool {
	switch h.name {
	case "googleSearch", "googleSearchRetrieval", "enterpriseWebSearch", "urlContext":
		return true
	}
	return false
}

// tools puts the tools and the choice among them into the request.
func (c *Codec) tools(r *request, req *chat.Request) error {
	var t toolset
	for i := range req.Tools {
		if f := req.Tools[i].Function; f != nil {
			t.functions = append(t.functions, c.declare(f))
		} else {
			t.addHosted(req.Tools[i].Type, req.Tools[i].Raw)
		}
	}
	for _, raw := range list(req.Gemini["tools"]) {
		t.addHosted("", raw)
	}
	if req.WebSearchOptions != nil {
		t.host("googleSearch", json.RawMessage("{}"))
	}
	t.resolve(c.traits.third() && string(req.Extra["include_server_side_tool_invocations"]) == "true")
	if len(t.functions) > 0 {
		t.choose(req.ToolChoice)
		b, err := marshal(map[string]any{"functionDeclarations": t.functions})
		if err != nil {
			return err
		}
		r.Tools = append(r.Tools, b)
	}
	for _, h := range t.hosted {
		b := append(jsonx.AppendQuote([]byte{'{'}, h.name), ':')
		r.Tools = append(r.Tools, append(append(b, h.config...), '}'))
	}
	if t.config.FunctionCallingConfig != nil || t.config.RetrievalConfig != nil || t.config.IncludeServerSideToolInvocations {
		r.ToolConfig = &t.config
	}
	return nil
}

// declare describes a function. A schema that holds itself can not be put into
// Gemini's own form; newer models take it as it is.
func (c *Codec) declare(f *chat.FunctionDef) functionDeclaration {
	d := functionDeclaration{Name: f.Name, Description: f.Description}
	if len(f.Parameters) == 0 || f.Parameters[0] != '{' {
		return d
	}
	var whole bool
	if d.Parameters, whole = cleanSchema(f.Parameters); !whole && c.traits.rawSchema() && c.traits.reasons {
		d.Parameters, d.ParametersJSONSchema = nil, f.Parameters
	}
	if at := jsonx.Lookup(d.Parameters, "properties"); string(at.Of(d.Parameters)) == "{}" {
		d.Parameters = nil // "should be non-empty for OBJECT type": a function without parameters does not speak of them
	}
	return d
}

// choose translates the tool choice.
func (t *toolset) choose(choice *chat.ToolChoice) {
	if choice == nil {
		return
	}
	switch {
	case choice.Function != "":
		t.config.FunctionCallingConfig = &callingConfig{Mode: "ANY", AllowedFunctionNames: []string{choice.Function}}
	case choice.Mode == chat.ChooseRequired:
		t.config.FunctionCallingConfig = &callingConfig{Mode: "ANY"}
	case choice.Mode == chat.ChooseNone:
		t.config.FunctionCallingConfig = &callingConfig{Mode: "NONE"}
	case choice.Mode == chat.ChooseAuto:
		t.config.FunctionCallingConfig = &callingConfig{Mode: "AUTO"}
	}
}

// resolve leaves out searches beside functions, as LiteLLM does: only Gemini 3
// takes both, and only with the calls at Google in its answers.
func (t *toolset) resolve(circulate bool) {
	searches := slices.ContainsFunc(t.hosted, func(h hostedTool) bool { return h.searches() })
	switch {
	case len(t.functions) == 0 || !searches:
	case circulate:
		t.config.IncludeServerSideToolInvocations = true
	default:
		t.hosted = slices.DeleteFunc(t.hosted, func(h hostedTool) bool { return h.searches() })
	}
}

// addHosted reads a tool that runs at Google, by any of the names that clients
// have for it. Tools of other vendors are left out.
func (t *toolset) addHosted(kind string, raw json.RawMessage) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return
	}
	delete(members, "type")
	if name := hostedName(kind); name != "" {
		if name == "googleSearch" || name == "codeExecution" { // other vendors' options of them mean nothing here
			members = nil
		}
		t.configure(name, members)
		return
	}
	for name, value := range members {
		if camel(name) == "functionDeclarations" {
			var some []functionDeclaration
			if json.Unmarshal(value, &some) == nil {
				t.functions = append(t.functions, some...)
			}
			continue
		}
		var options map[string]json.RawMessage
		if name = hostedName(name); name != "" && json.Unmarshal(value, &options) == nil {
			t.configure(name, options)
		}
	}
}

// hostedName returns Gemini's name of a tool, or "".
func hostedName(name string) string {
	switch {
	case strings.HasPrefix(name, "web_search"): // OpenAI's and Anthropic's
		return "googleSearch"
	case strings.HasPrefix(name, "code_execution"), name == "code_interpreter":
		return "codeExecution"
	case strings.HasPrefix(name, "web_fetch"):
		return "urlContext"
	}
	switch name = camel(name); name {
	case "googleSearch", "googleSearchRetrieval", "enterpriseWebSearch", "urlContext", "codeExecution", "googleMaps", "computerUse",
		"fileSearch", "retrieval", "mcpServers", "parallelAiSearch", "exaAiSearch":
		return name
	}
	return ""
}

// configure adds a tool with its options in Gemini's names.
func (t *toolset) configure(name string, options map[string]json.RawMessage) {
	named := map[string]json.RawMessage{}
	for option, value := range options {
		named[camel(option)] = value
	}
	switch name {
	case "googleMaps":
		t.locate(named)
	case "computerUse":
		if where, err := jsonx.Unquote(named["environment"]); err == nil && !strings.HasPrefix(where, "ENVIRONMENT_") {
			named["environment"] = jsonx.Quote("ENVIRONMENT_" + strings.ToUpper(where))
		}
	case "urlContext": // it has none; Anthropic's stay out
		named = nil
	}
	b, err := marshal(named)
	if err != nil {
		return
	}
	if len(named) == 0 {
		b = []byte("{}")
	}
	t.host(name, b)
}

func (t *toolset) host(name string, config json.RawMessage) {
	if !slices.ContainsFunc(t.hosted, func(h hostedTool) bool { return h.name == name }) {
		t.hosted = append(t.hosted, hostedTool{name, config})
	}
}

// locate moves where the user is to where Gemini wants it.
func (t *toolset) locate(options map[string]json.RawMessage) {
	latitude, longitude, language := options["latitude"], options["longitude"], options["languageCode"]
	delete(options, "latitude")
	delete(options, "longitude")
	delete(options, "languageCode")
	where := map[string]any{}
	if latitude != nil && longitude != nil {
		where["latLng"] = map[string]json.RawMessage{"latitude": latitude, "longitude": longitude}
	}
	if language != nil {
		where["languageCode"] = language
	}
	if len(where) == 0 {
		return
	}
	if b, err := marshal(where); err == nil {
		t.config.RetrievalConfig = b
	}
}
