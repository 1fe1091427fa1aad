package fakevendor

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
)

// openAIEmbeddings is a request to
// https://platform.openai.com/docs/api-reference/embeddings/create
type openAIEmbeddings struct {
	model  string
	base64 bool
	inputs int
}

func readOpenAIEmbeddings(c *Call) (*Request, *Failure) {
	var body struct {
		Model          string          `json:"model"`
		EncodingFormat string          `json:"encoding_format"`
		Input          json.RawMessage `json:"input"`
	}
	if err := c.Decode(&body); err != nil {
		return nil, badOpenAIJSON()
	}
	c.Model = body.Model
	q := &openAIEmbeddings{model: body.Model, base64: body.EncodingFormat == "base64", inputs: inputs(body.Input)}
	return &Request{Answer: q.answer}, nil
}

// inputs counts what is to be embedded: a list of texts or of token lists has
// many, a text or one list of tokens is one.
func inputs(raw json.RawMessage) int {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 && (list[0][0] == '"' || list[0][0] == '[') {
		return len(list)
	}
	return 1
}

// answer renders
// https://platform.openai.com/docs/api-reference/embeddings/object
func (q *openAIEmbeddings) answer(r Reply) Document {
	vector := any(Vector())
	if q.base64 {
		var b []byte
		for _, f := range Vector() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
		}
		vector = base64.StdEncoding.EncodeToString(b)
	}
	data := make([]json.RawMessage, q.inputs)
	for i := range data {
		data[i] = Object("object", "embedding", "index", i, "embedding", vector)
	}
	pairs := []any{"object", "list", "data", List(data), "model", q.model + Snapshot}
	if r.Usage != nil {
		pairs = append(pairs, "usage", Object("prompt_tokens", r.Usage.Prompt, "total_tokens", r.Usage.Prompt))
	}
	return openAIDocument(Object(pairs...))
}
