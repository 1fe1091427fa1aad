package gemini

import (
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// DecodeCount reads a request whose tokens are to be counted: contents, or a
// whole request inside of generateContentRequest.
func DecodeCount(body []byte, all []jsonx.Member) (*chat.Request, error) {
	for i := range all {
		if m := &all[i]; camel(m.Name) == "generateContentRequest" {
			inner := m.Value.Of(body)
			found, err := jsonx.Members(nil, inner)
			if err != nil {
				return nil, &chat.ParamError{Param: "generateContentRequest", Want: "an object"}
			}
			return Dialect{}.Decode(inner, found)
		}
	}
	return Dialect{}.Decode(body, all)
}

// Count writes the answer to a request whose tokens were counted.
func Count(tokens int64) []byte {
	b := strconv.AppendInt([]byte(`{"totalTokens":`), tokens, 10)
	b = strconv.AppendInt(append(b, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...), tokens, 10)
	return append(b, `}]}`...)
}
