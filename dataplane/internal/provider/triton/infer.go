package triton

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
)

// infer is plain inference of a model with a text as its input.
type infer struct{}

// defaultInferLimit is LiteLLM's.
const defaultInferLimit = 20

type tensor struct {
	Name     string          `json:"name"`
	Shape    []int           `json:"shape"`
	Datatype string          `json:"datatype"`
	Data     json.RawMessage `json:"data"`
}

type inferRequest struct {
	Inputs []tensor `json:"inputs"`
}

type inferAnswer struct {
	ModelName string   `json:"model_name"`
	Outputs   []tensor `json:"outputs"`
}

// Params implements native.Chatter.
func (infer) Params() []string { return params() }

// Chat implements native.Chatter. The first message is all that the model is
// told, as LiteLLM has it; parameters of the model's own are inputs, too.
func (infer) Chat(req *chat.Request) (*native.Exchange, error) {
	if err := one(req); err != nil {
		return nil, err
	}
	text, err := json.Marshal([]string{req.Messages[0].Content.Text()})
	if err != nil {
		return nil, fmt.Errorf("encode input: %w", err)
	}
	r := inferRequest{Inputs: []tensor{{"text_input", []int{1}, "BYTES", text}}}
	for _, name := range slices.Sorted(maps.Keys(req.Extra)) {
		if own(name) {
			r.Inputs = append(r.Inputs, input(name, req.Extra[name]))
		}
	}
	n, ok := req.Limit()
	if !ok {
		n = defaultInferLimit
	}
	r.Inputs = append(r.Inputs, input("max_tokens", strconv.AppendInt(nil, n, 10)))
	body, err := splice.Encode(r)
	if err != nil {
		return nil, err
	}
	return &native.Exchange{Request: native.Request{Body: body}, Whole: readInferred}, nil
}

// input is a parameter as a tensor of one element.
func input(name string, value json.RawMessage) tensor {
	t := tensor{Name: name, Shape: []int{1}, Datatype: "BYTES", Data: slices.Concat([]byte("["), value, []byte("]"))}
	switch {
	case len(value) == 0 || value[0] == '"' || value[0] == '{' || value[0] == '[' || value[0] == 'n':
	case value[0] == 't':
		t.Datatype, t.Data = "INT32", json.RawMessage("[1]")
	case value[0] == 'f':
		t.Datatype, t.Data = "INT32", json.RawMessage("[0]")
	case bytes.ContainsAny(value, ".eE"):
		t.Datatype = "FP32"
	default:
		t.Datatype = "INT32"
	}
	return t
}

func readInferred(body []byte) (*chat.Response, error) {
	var a inferAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if len(a.Outputs) == 0 {
		return nil, errors.New("decode answer: no outputs")
	}
	var texts []string
	if json.Unmarshal(a.Outputs[0].Data, &texts) != nil {
		return nil, errors.New("decode answer: the output is no text")
	}
	var all []byte
	for _, t := range texts {
		all = append(all, t...)
	}
	return answer(a.ModelName, string(all), chat.FinishStop), nil
}

func encodeEmbedding(call *provider.Call) (*native.Request, error) {
	in, err := embedding.Read(call)
	if err != nil {
		return nil, err
	}
	texts, err := json.Marshal(in.Texts)
	if err != nil {
		return nil, fmt.Errorf("encode input: %w", err)
	}
	body, err := splice.Encode(inferRequest{Inputs: []tensor{{"input_text", []int{len(in.Texts)}, "BYTES", texts}}})
	return &native.Request{Body: body}, err
}

// decodeEmbedding cuts the one list of numbers into vectors.
func decodeEmbedding(model string) func(*provider.Call, []byte) ([]byte, error) {
	return func(call *provider.Call, body []byte) ([]byte, error) {
		var a inferAnswer
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, fmt.Errorf("decode embeddings: %w", err)
		}
		if len(a.Outputs) == 0 {
			return nil, errors.New("decode embeddings: no outputs")
		}
		var numbers []json.RawMessage
		if err := json.Unmarshal(a.Outputs[0].Data, &numbers); err != nil {
			return nil, fmt.Errorf("decode embeddings: %w", err)
		}
		in, err := embedding.Read(call)
		if err != nil {
			return nil, err
		}
		if len(numbers)%len(in.Texts) != 0 {
			return nil, errors.New("decode embeddings: the numbers do not fit the inputs")
		}
		size := len(numbers) / len(in.Texts)
		vectors := make([]json.RawMessage, len(in.Texts))
		for i := range vectors {
			vectors[i] = splice.Join(numbers[i*size : (i+1)*size])
		}
		return in.Answer(model, vectors, 0)
	}
}
