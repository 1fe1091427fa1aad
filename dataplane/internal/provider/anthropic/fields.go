package anthropic

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// fields are the provider_specific_fields of an answer: what Anthropic says
// and OpenAI's wire has no place for. They have LiteLLM's names.
type fields []byte

// The names of fields.
const (
	fieldCitation    = "citation"
	fieldCitations   = "citations"
	fieldSearches    = "web_search_results"
	fieldResults     = "tool_results"
	fieldServerTools = "server_tool_use"
	fieldCompactions = "compaction_blocks"
	fieldStop        = "stop_reason"
	fieldSequence    = "stop_sequence"
	fieldDetails     = "stop_details"
	fieldContainer   = "container"
	fieldManagement  = "context_management"
)

// add adds a field; a value that is missing or null is none.
func (f *fields) add(name string, value []byte) {
	if len(value) == 0 || jsonx.IsNull(value) {
		return
	}
	b := append(*f, ',')
	b = append(append(append(b, '"'), name...), `":`...)
	b = append(b, value...)
	*f = b
}

// list adds a field that is a list.
func (f *fields) list(name string, values []json.RawMessage) {
	if len(values) == 0 {
		return
	}
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	f.add(name, append(b, ']'))
}

// json returns the object, or nil when it is empty.
func (f *fields) json() json.RawMessage {
	if len(*f) == 0 {
		return nil
	}
	b := append([]byte(nil), *f...)
	b[0] = '{'
	return append(b, '}')
}

// stop adds why the model stopped, where that says more than OpenAI's word.
func (f *fields) stop(reason string, sequence, details []byte) {
	if !plainStop(reason) {
		f.add(fieldStop, jsonx.Quote(reason))
	}
	f.add(fieldSequence, sequence)
	f.add(fieldDetails, details)
}

// fieldOf returns the field that a block of a tool that ran at the vendor
// belongs to, or "" for blocks of other kinds.
func fieldOf(kind string) string {
	switch kind {
	case "web_search_tool_result":
		return fieldSearches
	case blockServerToolUse, "mcp_tool_use":
		return fieldServerTools
	case blockCompaction:
		return fieldCompactions
	case blockText, blockThinking, blockRedactedThinking, blockToolUse, "":
		return ""
	}
	return fieldResults
}
