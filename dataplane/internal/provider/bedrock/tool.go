package bedrock

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// maxName bounds the names and ids of tools, which match [a-zA-Z0-9_-]+:
	// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
	maxName = 64
	// dummyTool stands in for tools that a history used and the request lacks.
	dummyTool   = "dummy_tool"
	emptySchema = `{"type":"object","properties":{}}`
)

// toolNames maps the client's names of tools to ones that AWS takes, and back.
type toolNames struct {
	vendor, client map[string]string
}

func newToolNames() *toolNames {
	return &toolNames{vendor: map[string]string{}, client: map[string]string{}}
}

func (n *toolNames) toVendor(name string) string {
	if known, ok := n.vendor[name]; ok {
		return known
	}
	base := identifier(name)
	unique := base
	for i := 2; ; i++ {
		if _, taken := n.client[unique]; !taken {
			break
		}
		suffix := "_" + strconv.Itoa(i)
		unique = base[:min(len(base), maxName-len(suffix))] + suffix
	}
	n.vendor[name], n.client[unique] = unique, name
	return unique
}

func (n *toolNames) toClient(name string) string {
	if known, ok := n.client[name]; ok {
		return known
	}
	return name
}

// identifier makes a name or an id that AWS takes. The same text gives the same
// identifier.
func identifier(s string) string {
	if valid(s) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if !validByte(c) {
			b[i] = '_'
		}
	}
	if len(b) > maxName {
		h := fnv.New32a()
		_, _ = h.Write([]byte(s)) // it never fails
		hash := strconv.FormatUint(uint64(h.Sum32()), 16)
		b = append(append(b[:maxName-1-len(hash)], '_'), hash...)
	}
	if len(b) == 0 {
		return "unnamed"
	}
	return string(b)
}

func valid(s string) bool {
	for i := range len(s) {
		if !validByte(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func validByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// tools writes the tools of a request. Claude's own tools, which AWS does not
// know, go past it.
func (t *translation) tools() error {
	for i := range t.req.Tools {
		tool := &t.req.Tools[i]
		if tool.Function != nil {
			t.addTool(tool)
			continue
		}
		if err := t.hostedTool(tool); err != nil {
			return err
		}
	}
	if t.req.WebSearchOptions != nil && (t.model.family == nova || t.model.family == nova2) {
		// https://docs.aws.amazon.com/nova/latest/nova2-userguide/web-grounding.html
		t.toolList = append(t.toolList, wireTool{System: &wireSystemTool{Name: "nova_grounding"}})
	}
	return nil
}

func (t *translation) addTool(tool *chat.Tool) {
	f := tool.Function
	schema := f.Parameters
	if !object(schema) {
		schema = json.RawMessage(emptySchema)
	}
	spec := &wireToolSpec{
		Name: t.names.toVendor(f.Name), Description: f.Description, InputSchema: wireInputSchema{JSON: withType(schema)},
	}
	if f.Strict != nil && *f.Strict && t.model.structured() {
		spec.Strict = f.Strict
	}
	t.toolList = append(t.toolList, wireTool{Spec: spec})
	if point := cachePoint(tool.CacheControl); point != nil {
		t.toolList = append(t.toolList, wireTool{CachePoint: point})
	}
}

// withType adds the type that clients leave out of the schema of no
// parameters, and that AWS wants.
func withType(schema json.RawMessage) json.RawMessage {
	if !jsonx.Lookup(schema, "type").Empty() {
		return schema
	}
	members, err := jsonx.Members(nil, schema)
	if err != nil {
		return schema
	}
	return slices.Concat(jsonx.Rewrite(nil, schema, members, nil, []byte(`"type":"object"`))...)
}

// hostedTool takes a tool that is not a function.
func (t *translation) hostedTool(tool *chat.Tool) error {
	if name := jsonx.Lookup(tool.Raw, "systemTool"); !name.Empty() {
		var raw struct {
			System wireSystemTool `json:"systemTool"` //nolint:tagliatelle // AWS's name
		}
		if err := json.Unmarshal(tool.Raw, &raw); err == nil && raw.System.Name != "" {
			t.toolList = append(t.toolList, wireTool{System: &raw.System})
			return nil
		}
	}
	beta := claudeTool(tool.Type)
	if t.model.family != claude || beta == "" {
		return refuse("", "litellm.UnsupportedParamsError: bedrock does not support tools of type %q for model=%s", tool.Type, t.model.id)
	}
	t.claudeTools = append(t.claudeTools, tool.Raw)
	t.betas = append(t.betas, beta)
	return nil
}

// claudeTool returns the beta that a tool of Claude's needs, or "":
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-tool-use.html
func claudeTool(kind string) string {
	for _, prefix := range []string{"computer_", "bash_", "text_editor_", "memory_", "tool_search_tool_"} {
		date, ok := strings.CutPrefix(kind, prefix)
		switch {
		case !ok:
		case prefix == "memory_":
			return "context-management-2025-06-27"
		case prefix == "tool_search_tool_":
			return "tool-search-tool-2025-10-19"
		case date == "20241022":
			return "computer-use-2024-10-22"
		case date == "20251124":
			return "computer-use-2025-11-24"
		default:
			return "computer-use-2025-01-24"
		}
	}
	return ""
}

// toolConfig decides which tools go along and which must be called.
func (t *translation) toolConfig() *wireTools {
	choice := t.req.ToolChoice
	none := choice != nil && choice.Mode == chat.ChooseNone
	if none && !t.conversation.usesTools {
		return nil // what cannot be said is done: no tools, no calls
	}
	tools := t.toolList
	if len(tools) == 0 && t.conversation.usesTools && len(t.claudeTools) == 0 {
		// A history that used tools is refused without any.
		tools = []wireTool{{Spec: &wireToolSpec{
			Name: dummyTool, Description: "This is a dummy tool call", InputSchema: wireInputSchema{JSON: json.RawMessage(emptySchema)},
		}}}
	}
	if len(tools) == 0 {
		return nil
	}
	config := &wireTools{Tools: tools}
	switch {
	case t.formatTool != "":
		config.Choice = t.formatChoice()
	case none || choice == nil:
	default:
		config.Choice = t.toolChoice(choice)
	}
	return t.withoutParallel(config)
}

func (t *translation) toolChoice(choice *chat.ToolChoice) *wireToolChoice {
	switch {
	case choice.Function != "":
		return &wireToolChoice{Tool: &wireSystemTool{Name: t.names.toVendor(choice.Function)}}
	case choice.Mode == chat.ChooseRequired:
		return &wireToolChoice{Any: &struct{}{}}
	case choice.Mode == chat.ChooseAuto && t.model.takesToolChoice():
		return &wireToolChoice{Auto: &struct{}{}}
	}
	return nil
}

// takesToolChoice leaves out the models that refuse even what is the default.
func (m *model) takesToolChoice() bool {
	switch m.family {
	case claude, nova, nova2, mistral:
		return true
	default:
		return false
	}
}

// withoutParallel forbids calls at once, which Claude takes in its own words
// alone; there is one place for the choice then.
func (t *translation) withoutParallel(config *wireTools) *wireTools {
	parallel := t.req.ParallelToolCalls
	if parallel == nil || *parallel || t.model.family != claude {
		return config
	}
	choice := map[string]any{"type": "auto", "disable_parallel_tool_use": true}
	switch c := config.Choice; {
	case c == nil:
	case c.Tool != nil:
		choice["type"], choice["name"] = "tool", c.Tool.Name
	case c.Any != nil:
		choice["type"] = "any"
	}
	raw, err := json.Marshal(choice)
	if err != nil {
		return config
	}
	t.additional("tool_choice", raw)
	config.Choice = nil
	return config
}
