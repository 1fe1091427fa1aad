package ollama

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
)

type embedRequest struct {
	Model      string          `json:"model"`
	Input      []string        `json:"input"`
	Dimensions *int64          `json:"dimensions,omitempty"`
	Truncate   json.RawMessage `json:"truncate,omitempty"`
	KeepAlive  json.RawMessage `json:"keep_alive,omitempty"`
	Options    json.RawMessage `json:"options,omitempty"`
}

func (c *codec) encodeEmbedding(call *provider.Call) (*native.Request, error) {
	in, err := embedding.Read(call)
	if err != nil {
		return nil, err
	}
	r := embedRequest{
		Model: c.model, Input: in.Texts, Dimensions: in.Dimensions, Truncate: call.Lookup("truncate"),
		KeepAlive: call.Lookup("keep_alive"), Options: call.Lookup("options"),
	}
	if r.KeepAlive == nil {
		r.KeepAlive = c.defaults["keep_alive"]
	}
	body, err := splice.Encode(r)
	return &native.Request{Path: "/api/embed", Body: body}, err
}

func (c *codec) decodeEmbedding(call *provider.Call, body []byte) ([]byte, error) {
	var a struct {
		Embeddings []json.RawMessage `json:"embeddings"`
		PromptEval int64             `json:"prompt_eval_count"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode embeddings: %w", err)
	}
	if a.Embeddings == nil {
		return nil, errors.New("decode embeddings: there are none")
	}
	in, err := embedding.Read(call)
	if err != nil {
		return nil, err
	}
	return in.Answer(c.model, a.Embeddings, a.PromptEval)
}
