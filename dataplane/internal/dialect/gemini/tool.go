package gemini

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// tool reads one object of tools: a list of functions, or what runs at Google.
func (d *decoder) tool(value []byte) error {
	return members(value, "tools", func(name string, value []byte) error {
		switch name {
		case "functionDeclarations":
			return elements(value, "tools.functionDeclarations", d.function)
		case "googleSearch", "googleSearchRetrieval":
			d.req.WebSearchOptions = &chat.WebSearchOptions{}
			if name == "googleSearch" && string(value) == "{}" {
				return nil // says no more
			}
		}
		hosted := append(jsonx.AppendQuote([]byte{'{'}, name), ':')
		d.hosted = append(d.hosted, append(append(hosted, value...), '}'))
		return nil
	})
}

func (d *decoder) function(value []byte) error {
	f := &chat.FunctionDef{}
	err := members(value, "tools.functionDeclarations", func(name string, value []byte) error {
		switch name {
		case "name":
			return text(value, &f.Name, "tools.functionDeclarations.name")
		case "description":
			return text(value, &f.Description, "tools.functionDeclarations.description")
		case "parameters":
			f.Parameters = jsonSchema(value)
		case "parametersJsonSchema":
			f.Parameters = value
		}
		return nil
	})
	if err == nil && f.Name == "" {
		return &chat.ParamError{Param: "tools.functionDeclarations.name", Want: "a string"}
	}
	d.req.Tools = append(d.req.Tools, chat.Tool{Type: chat.FunctionTool, Function: f})
	return err
}

// toolConfig says which functions have to be called.
func (d *decoder) toolConfig(value []byte) error {
	return members(value, "toolConfig", func(name string, value []byte) error {
		if name != "functionCallingConfig" {
			rest := append(jsonx.AppendQuote([]byte{'{'}, name), ':')
			put(&d.req.Gemini, "toolConfig", append(append(rest, value...), '}'))
			return nil
		}
		var mode string
		err := members(value, "toolConfig.functionCallingConfig", func(name string, value []byte) error {
			switch name {
			case "mode":
				return text(value, &mode, "toolConfig.functionCallingConfig.mode")
			case "allowedFunctionNames":
				return take(value, &d.only, "toolConfig.functionCallingConfig.allowedFunctionNames", "a list of strings")
			}
			return nil
		})
		switch strings.ToUpper(mode) {
		case "AUTO", "VALIDATED":
			d.req.ToolChoice = &chat.ToolChoice{Mode: chat.ChooseAuto}
		case "ANY":
			d.req.ToolChoice = &chat.ToolChoice{Mode: chat.ChooseRequired}
		case "NONE":
			d.req.ToolChoice = &chat.ToolChoice{Mode: chat.ChooseNone}
		}
		return err
	})
}

// finishTools narrows the tools to those that may be called, and keeps those
// that run at Google for its codec.
func (d *decoder) finishTools() {
	r := d.req
	if choice := r.ToolChoice; choice != nil && choice.Mode == chat.ChooseRequired && len(d.only) > 0 {
		r.Tools = slices.DeleteFunc(r.Tools, func(t chat.Tool) bool { return !slices.Contains(d.only, t.Function.Name) })
		if len(d.only) == 1 && len(r.Tools) == 1 {
			r.ToolChoice = &chat.ToolChoice{Function: d.only[0]}
		}
	}
	if len(r.Tools) == 0 {
		r.Tools, r.ToolChoice = nil, nil // nothing to choose from
	}
	if len(d.hosted) == 0 {
		return
	}
	if b, err := json.Marshal(d.hosted); err == nil { // parts of a document that was read: it can not fail
		put(&r.Gemini, "tools", b)
	}
}

const (
	// maxSchemaDepth bounds what is translated of a schema, and maxSchema which
	// ones are: each level is read anew.
	maxSchemaDepth = 64
	maxSchema      = 256 << 10
)

// jsonSchema turns Gemini's Schema into a JSON schema: its types are written in
// capitals, and nullable is a type.
func jsonSchema(value []byte) json.RawMessage {
	if len(value) > maxSchema {
		return value
	}
	return appendSchema(nil, value, 0)
}

func appendSchema(b, value []byte, depth int) []byte {
	if len(value) == 0 || value[0] != '{' || depth > maxSchemaDepth {
		return append(b, value...)
	}
	nullable := string(jsonx.Lookup(value, "nullable").Of(value)) == "true"
	b = append(b, '{')
	start := len(b)
	var s jsonx.Scanner
	for s.Reset(value); s.Next(); {
		name, inner := camel(s.Key()), s.Value().Of(value)
		if name == "nullable" || name == "propertyOrdering" || name == "format" && string(inner) == `"enum"` {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(jsonx.AppendQuote(b, name), ':')
		switch name {
		case "type":
			b = appendType(b, inner, nullable)
		case "items":
			b = appendSchema(b, inner, depth+1)
		case "properties":
			b = appendProperties(b, inner, depth)
		case "anyOf":
			b = appendUnion(b, inner, nullable && jsonx.Lookup(value, "type").Empty(), depth)
		case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties": // 64-bit numbers are texts in Google's JSON
			b = appendNumber(b, inner)
		default:
			b = append(b, inner...)
		}
	}
	return append(b, '}')
}

func appendNumber(b, value []byte) []byte {
	if plain, err := jsonx.Unquote(value); err == nil {
		if n, err := strconv.ParseInt(plain, 10, 64); err == nil {
			return strconv.AppendInt(b, n, 10)
		}
	}
	return append(b, value...)
}

func appendType(b, value []byte, nullable bool) []byte {
	kind, err := jsonx.Unquote(value)
	if err != nil {
		return append(b, value...)
	}
	kind = strings.ToLower(kind)
	if !nullable {
		return jsonx.AppendQuote(b, kind)
	}
	return append(jsonx.AppendQuote(append(b, '['), kind), `,"null"]`...)
}

func appendProperties(b, object []byte, depth int) []byte {
	b = append(b, '{')
	first := true
	var s jsonx.Scanner
	for s.Reset(object); s.Next(); first = false {
		if !first {
			b = append(b, ',')
		}
		b = append(jsonx.AppendQuote(b, string(s.Key())), ':')
		b = appendSchema(b, s.Value().Of(object), depth+1)
	}
	return append(b, '}')
}

func appendUnion(b, value []byte, nullable bool, depth int) []byte {
	var all []json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		return append(b, value...)
	}
	b = append(b, '[')
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSchema(b, s, depth+1)
	}
	if nullable {
		if len(all) > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"type":"null"}`...)
	}
	return append(b, ']')
}
