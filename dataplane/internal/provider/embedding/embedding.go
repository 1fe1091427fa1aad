// Package embedding reads embeddings requests in OpenAI's wire and writes the
// answers, for vendors that have their own. It is pure.
//
// Wire facts: https://platform.openai.com/docs/api-reference/embeddings
package embedding

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Request is what a client asks.
type Request struct {
	Texts      []string
	Dimensions *int64
	// Base64 wants the numbers as base64 of little-endian float32.
	Base64 bool
}

// Read reads a request. Lists of tokens are refused: only the vendor whose
// tokens they are knows what they say.
func Read(call *provider.Call) (*Request, error) {
	r := &Request{Base64: string(call.Lookup("encoding_format")) == `"base64"`}
	if d := call.Lookup("dimensions"); d != nil && !jsonx.IsNull(d) {
		if json.Unmarshal(d, &r.Dimensions) != nil {
			return nil, apierr.BadRequest("Invalid type for 'dimensions': expected an integer")
		}
	}
	input := call.Lookup("input")
	if len(input) > 0 && input[0] == '"' {
		r.Texts = make([]string, 1)
		if json.Unmarshal(input, &r.Texts[0]) != nil {
			return nil, apierr.BadRequest("Invalid value for 'input'")
		}
		return r, nil
	}
	if json.Unmarshal(input, &r.Texts) != nil || len(r.Texts) == 0 {
		return nil, apierr.BadRequest("Invalid type for 'input': expected a string or a list of strings; the provider does not take tokens")
	}
	return r, nil
}

// Answer writes the answer. Vectors are lists of numbers as the vendor wrote
// them; they are decoded only where the client wants base64. Tokens that the
// vendor does not count are estimated.
func (r *Request) Answer(model string, vectors []json.RawMessage, tokens int64) ([]byte, error) {
	b := []byte(`{"object":"list","data":[`)
	for i, v := range vectors {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"object":"embedding","index":`...), int64(i), 10)
		b = append(b, `,"embedding":`...)
		if r.Base64 {
			var numbers []float32
			if err := json.Unmarshal(v, &numbers); err != nil {
				return nil, fmt.Errorf("decode embedding %d: %w", i, err)
			}
			b = appendBase64(b, numbers)
		} else {
			b = append(b, v...)
		}
		b = append(b, '}')
	}
	if tokens == 0 {
		tokens = r.estimate()
	}
	b = jsonx.AppendQuote(append(b, `],"model":`...), model)
	b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), tokens, 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), tokens, 10)
	return append(b, `}}`...), nil
}

// bytesPerToken is how many bytes of English make a token, about.
const bytesPerToken = 4

func (r *Request) estimate() (tokens int64) {
	for _, t := range r.Texts {
		tokens += int64(len(t)+bytesPerToken-1) / bytesPerToken
	}
	return tokens
}

func appendBase64(b []byte, numbers []float32) []byte {
	raw := make([]byte, 0, 4*len(numbers))
	for _, f := range numbers {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), raw), '"')
}
