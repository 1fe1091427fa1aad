package bedrock

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

const (
	maxTexts  = 2048 // OpenAI's
	maxVector = 64 << 20
)

// embedder embeds lists through models that take one text, or a few, in a
// request: it asks as often as it has to, one request after another.
type embedder struct {
	model *model
	maker embeddingMaker
}

// embeddingMaker is the wire of one maker.
type embeddingMaker interface {
	// batch is how many texts go into a request.
	batch() int
	// unsupported names the parameters of a request that the model lacks.
	unsupported(r *embedRequest) []string
	body(texts []string, r *embedRequest) any
	// read takes the vectors out of an answer, and the tokens where it says.
	read(body []byte) (vectors []json.RawMessage, tokens int64, err error)
}

func newEmbedder(m *model) *embedder { return &embedder{model: m, maker: makerOf(m.name)} }

// embedRequest is OpenAI's, with what the makers add.
type embedRequest struct {
	*embedding.Request `json:"-"`

	// Cohere's.
	InputType string `json:"input_type"`
	Truncate  string `json:"truncate"`
	// Titan's.
	Normalize *bool `json:"normalize"`
}

func (e *embedder) decode(call *provider.Call) (*embedRequest, error) {
	r := &embedRequest{}
	if err := json.Unmarshal(call.Body, r); err != nil {
		return nil, refuse("", "input_type and truncate have to be strings, normalize a boolean")
	}
	var err error
	if r.Request, err = embedding.Read(call); err != nil {
		return nil, err
	}
	if len(r.Texts) > maxTexts {
		return nil, refuse("input", "input has to hold at most %d texts", maxTexts)
	}
	if unknown := e.maker.unsupported(r); len(unknown) > 0 && !call.DropParams {
		return nil, native.Unsupported("bedrock", e.model.id, unknown...)
	}
	return r, nil
}

// do answers a call. The first refusal is the answer.
func (e *embedder) do(ctx context.Context, b *native.Backend, call *provider.Call) (provider.Reply, error) {
	r, err := e.decode(call)
	if err != nil {
		return nil, err
	}
	var vectors []json.RawMessage
	var tokens int64
	var header func(string) string
	for texts := r.Texts; len(texts) > 0; {
		n := min(e.maker.batch(), len(texts))
		part := *call
		if part.Body, err = marshal(e.maker.body(texts[:n], r)); err != nil {
			return nil, fmt.Errorf("encode embedding: %w", err)
		}
		reply, err := b.Do(ctx, &part)
		if err != nil {
			return nil, err
		}
		if reply.Status() >= http.StatusBadRequest {
			return reply, nil
		}
		some, used, err := e.take(reply, n)
		if err != nil {
			return nil, err
		}
		vectors, tokens = append(vectors, some...), tokens+used
		header, texts = reply.Header, texts[n:]
	}
	answer, err := r.Answer(e.model.id, vectors, tokens)
	if err != nil {
		return nil, provider.BadAnswer("the answer holds no embeddings", err)
	}
	return newMade(http.StatusOK, answer, header), nil
}

// take reads one answer.
func (e *embedder) take(reply provider.Reply, want int) (vectors []json.RawMessage, tokens int64, err error) {
	defer func() { _ = reply.Close() }()
	body, err := io.ReadAll(io.LimitReader(reply, maxVector))
	if err != nil {
		return nil, 0, err
	}
	vectors, tokens, err = e.maker.read(body)
	if err == nil && len(vectors) != want {
		err = fmt.Errorf("%d vectors for %d texts", len(vectors), want)
	}
	for i := 0; err == nil && i < len(vectors); i++ {
		if len(vectors[i]) == 0 || vectors[i][0] != '[' {
			err = fmt.Errorf("vector %d is no list", i)
		}
	}
	if err != nil {
		return nil, 0, provider.BadAnswer("the answer holds no embeddings", err)
	}
	if n, err := strconv.ParseInt(reply.Header("X-Amzn-Bedrock-Input-Token-Count"), 10, 64); err == nil && n > 0 {
		tokens = n
	}
	return vectors, tokens, nil
}
