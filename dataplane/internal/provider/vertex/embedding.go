package vertex

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// atOnce is how many texts are embedded at the same time by models that
	// take one in a request.
	atOnce = 8
	// maxInputs is OpenAI's bound on the texts of one request.
	maxInputs = 2048
	maxAnswer = 64 << 20
)

// embedder embeds with the methods that Vertex AI has for it: predict, which
// older models take lists in, and embedContent, which takes one text.
type embedder struct {
	model *model
	path  func(method string, beta bool) string
}

// content reports whether the model has embedContent, as the SDK tells it.
func (e *embedder) content() bool {
	return strings.HasPrefix(e.model.name, "gemini") && e.model.name != "gemini-embedding-001"
}

// single reports whether the model takes one text at a time.
func (e *embedder) single() bool { return strings.HasPrefix(e.model.name, "gemini") }

type predictRequest struct {
	Instances  []instance     `json:"instances"`
	Parameters map[string]any `json:"parameters,omitempty"`
}

type instance struct {
	Content  string `json:"content"`
	TaskType string `json:"task_type,omitempty"`
	Title    string `json:"title,omitempty"`
}

// surface embeds what fits into one request. The answers of models that take
// one text at a time are put together by the backend.
func (e *embedder) surface() native.Surface {
	s := native.Surface{Encode: e.encode, Decode: decodeEmbeddings}
	if e.single() {
		s.Decode = nil
	}
	return s
}

func (e *embedder) encode(call *provider.Call) (*native.Request, error) {
	r, err := gemini.ReadEmbedding(call)
	if err != nil {
		return nil, err
	}
	if e.content() {
		body, err := r.EmbedOne(r.Texts[0])
		return &native.Request{Path: e.path("embedContent", false), Body: body}, err
	}
	p := predictRequest{Parameters: map[string]any{}}
	for _, input := range r.Texts {
		p.Instances = append(p.Instances, instance{Content: input, TaskType: r.TaskType, Title: r.Title})
	}
	if r.Dimensions != nil {
		p.Parameters["outputDimensionality"] = *r.Dimensions
	}
	for _, name := range []string{"auto_truncate", "autoTruncate"} {
		if v := call.Lookup(name); v != nil {
			p.Parameters["autoTruncate"] = json.RawMessage(v)
		}
	}
	body, err := json.Marshal(p)
	return &native.Request{Path: e.path("predict", false), Body: body}, err
}

func decodeEmbeddings(call *provider.Call, body []byte) ([]byte, error) {
	v, err := readVectors(body)
	if err != nil {
		return nil, err
	}
	return answer(call, v)
}

func answer(call *provider.Call, v *gemini.Vectors) ([]byte, error) {
	r, err := gemini.ReadEmbedding(call)
	if err != nil {
		return nil, err
	}
	model, _ := jsonx.Unquote(call.Lookup("model")) // not a text: the answer has none
	return r.Answer(v, model)
}

// readVectors reads the answers of both methods.
func readVectors(body []byte) (*gemini.Vectors, error) {
	if jsonx.Lookup(body, "predictions").Empty() {
		return gemini.ReadVectors(body)
	}
	var a struct {
		Predictions []struct {
			Embeddings struct {
				Values     json.RawMessage `json:"values"`
				Statistics struct {
					Tokens float64 `json:"token_count"`
				} `json:"statistics"`
			} `json:"embeddings"`
		} `json:"predictions"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode predictions: %w", err)
	}
	v := &gemini.Vectors{}
	for i := range a.Predictions {
		p := &a.Predictions[i].Embeddings
		v.Values = append(v.Values, p.Values)
		if n := p.Statistics.Tokens; n > 0 && n < math.MaxInt32 {
			v.Tokens += int64(n)
		}
	}
	return v, nil
}

// googleBackend embeds several texts with models that take one at a time.
type googleBackend struct {
	*gemini.Backend

	embedder *embedder
}

// Do implements provider.Backend.
func (b *googleBackend) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	if call.Surface != provider.Embeddings || !b.embedder.single() {
		return b.Backend.Do(ctx, call)
	}
	r, err := gemini.ReadEmbedding(call)
	if err != nil {
		return nil, err
	}
	if len(r.Texts) > maxInputs {
		return nil, apierr.BadRequest("'input' has %d texts, and may have %d", len(r.Texts), maxInputs)
	}
	parts := b.each(ctx, call, r.Texts)
	v := &gemini.Vectors{}
	for i := range parts {
		p := &parts[i]
		if p.err != nil || p.status >= http.StatusBadRequest {
			return p.reply(), p.err
		}
		one, err := readVectors(p.body)
		if err != nil {
			return nil, provider.BadAnswer("the answer is not what the provider documents", err)
		}
		v.Values, v.Tokens = append(v.Values, one.Values...), v.Tokens+one.Tokens
	}
	body, err := answer(call, v)
	if err != nil {
		return nil, provider.BadAnswer("the answer is not what the provider documents", err)
	}
	last := &parts[len(parts)-1]
	last.body = body
	return last.reply(), nil
}

// result is the answer for one text.
type result struct {
	status int
	body   []byte
	header func(string) string
	err    error
}

// each embeds every text, a few at the same time. The first failure stops those
// that have not begun; it stands first among the results.
func (b *googleBackend) each(ctx context.Context, call *provider.Call, inputs []string) []result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]result, len(inputs))
	next := make(chan int)
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first *result
	)
	for range min(atOnce, len(inputs)) {
		wg.Go(func() {
			for i := range next {
				results[i] = b.one(ctx, call, inputs[i])
				if r := &results[i]; r.err != nil || r.status >= http.StatusBadRequest {
					once.Do(func() { first = r; cancel() })
				}
			}
		})
	}
	for i := range inputs {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	switch {
	case first != nil:
		return []result{*first}
	case ctx.Err() != nil:
		return []result{{err: context.Cause(ctx)}}
	}
	return results
}

func (b *googleBackend) one(ctx context.Context, call *provider.Call, input string) result {
	own := *call
	own.Body, own.Members = nil, nil
	quoted := jsonx.Quote(input)
	for i := range call.Members {
		if string(call.Members[i].Name) == "input" {
			own.Body = bytes.Join(jsonx.Rewrite(nil, call.Body, call.Members, []jsonx.Change{{Index: i, Value: quoted}}), nil)
		}
	}
	var err error
	if own.Members, err = jsonx.Members(nil, own.Body); err != nil {
		return result{err: fmt.Errorf("split embeddings request: %w", err)}
	}
	reply, err := b.Backend.Do(ctx, &own)
	if err != nil {
		return result{err: err}
	}
	defer func() { _ = reply.Close() }()
	body, err := io.ReadAll(io.LimitReader(reply, maxAnswer))
	return result{status: reply.Status(), body: body, header: reply.Header, err: err}
}

func (r *result) reply() provider.Reply {
	if r.err != nil {
		return nil
	}
	return &memory{Reader: bytes.NewReader(r.body), result: r, length: int64(len(r.body))}
}

// memory is an answer that was put together.
type memory struct {
	*bytes.Reader

	result *result
	length int64
}

// Close implements provider.Reply.
func (m *memory) Close() error { return nil }

// Status implements provider.Reply.
func (m *memory) Status() int { return m.result.status }

// ContentLength implements provider.Reply.
func (m *memory) ContentLength() int64 { return m.length }

// Header implements provider.Reply.
func (m *memory) Header(name string) string {
	if strings.EqualFold(name, "Content-Length") {
		return ""
	}
	return m.result.header(name)
}
