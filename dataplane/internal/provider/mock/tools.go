package mock

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// toolCall is a call of a function. An empty id is made up from the call id.
type toolCall struct {
	id, name, arguments string
}

func parseToolCalls(value []byte) ([]toolCall, error) {
	var list []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		} `json:"function"`
	}
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, fmt.Errorf("decode tool calls: %w", err)
	}
	calls := make([]toolCall, len(list))
	for i, c := range list {
		if c.Function.Name == "" {
			return nil, errors.New("a tool call without a function name")
		}
		arguments, err := argumentText(c.Function.Arguments)
		if err != nil {
			return nil, err
		}
		calls[i] = toolCall{id: c.ID, name: c.Function.Name, arguments: arguments}
	}
	return calls, nil
}

// argumentText accepts the text that the wire wants, and the object that
// people write.
func argumentText(raw json.RawMessage) (string, error) {
	switch {
	case len(raw) == 0 || jsonx.IsNull(raw):
		return "{}", nil
	case raw[0] == '"':
		return jsonx.Unquote(raw)
	default:
		text, err := compact(raw)
		return string(text), err
	}
}

// forcedCall returns the call that tool_choice leaves no way around.
func forcedCall(tools, toolChoice []byte) (toolCall, bool) {
	if len(tools) == 0 || len(toolChoice) == 0 {
		return toolCall{}, false
	}
	name := ""
	switch {
	case string(toolChoice) == `"required"`:
		for w := walk(tools); name == "" && w.next(); {
			name = functionName(w.value)
		}
	case toolChoice[0] == '{':
		name = functionName(toolChoice)
	}
	return toolCall{name: name, arguments: "{}"}, name != ""
}

// functionName reads {"function":{"name":…}}, the form of tools and of
// choices alike.
func functionName(object []byte) string {
	function := jsonx.Lookup(object, "function").Of(object)
	return unquote(jsonx.Lookup(function, "name").Of(function))
}

// appendCall writes a tool call without its closing braces up to the quote
// behind the opening one of its arguments.
func appendCall(dst []byte, c *toolCall, callID string, index int) []byte {
	dst = append(dst, `"id":"`...)
	if c.id != "" {
		dst = appendEscaped(dst, c.id)
	} else {
		dst = appendEscaped(append(dst, "call_"...), callID)
		dst = strconv.AppendInt(append(dst, '_'), int64(index), 10)
	}
	dst = appendString(append(dst, `","type":"function","function":{"name":`...), c.name)
	return append(dst, `,"arguments":`...)
}
