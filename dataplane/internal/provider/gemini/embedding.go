package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Embedding is an embeddings request in OpenAI's wire, with what Google adds.
type Embedding struct {
	*embedding.Request

	TaskType, Title string
}

// ReadEmbedding reads an embeddings request.
func ReadEmbedding(call *provider.Call) (*Embedding, error) {
	r, err := embedding.Read(call)
	if err != nil {
		return nil, err
	}
	e := &Embedding{Request: r}
	for i := range call.Members {
		m := &call.Members[i]
		value := m.Value.Of(call.Body)
		if jsonx.IsNull(value) {
			continue
		}
		switch name := camel(string(m.Name)); name {
		case "taskType":
			e.TaskType, err = jsonx.Unquote(value)
		case "title":
			e.Title, err = jsonx.Unquote(value)
		case "outputDimensionality":
			err = json.Unmarshal(value, &e.Dimensions)
		}
		if err != nil {
			return nil, apierr.BadRequest("Invalid type for '%s': expected a string, or an integer for dimensions", m.Name)
		}
	}
	return e, nil
}

type embedRequest struct {
	Model      string  `json:"model,omitempty"`
	Content    content `json:"content"`
	TaskType   string  `json:"taskType,omitempty"` //nolint:tagliatelle // Google's name
	Title      string  `json:"title,omitempty"`
	Dimensions *int64  `json:"outputDimensionality,omitempty"` //nolint:tagliatelle // Google's name
}

func (s *Site) embed(call *provider.Call) (*native.Request, error) {
	e, err := ReadEmbedding(call)
	if err != nil {
		return nil, err
	}
	var batch struct {
		Requests []embedRequest `json:"requests"`
	}
	for _, input := range e.Texts {
		batch.Requests = append(batch.Requests, embedRequest{
			Model: "models/" + s.Model, Content: content{Parts: []part{embedded(input)}}, TaskType: e.TaskType, Title: e.Title, Dimensions: e.Dimensions,
		})
	}
	body, err := marshal(batch)
	return &native.Request{Path: s.Path("batchEmbedContents", false), Body: body}, err
}

// embedded is one input: a text, or a picture, sound or film by data URI or
// where it lies at Google, for models that read those.
func embedded(input string) part {
	if strings.HasPrefix(input, "data:") {
		if mediaType, data, ok := dataURI(input); ok {
			return part{InlineData: &blob{MimeType: mediaType, Data: data}}
		}
	}
	if strings.HasPrefix(input, "gs://") {
		return part{FileData: &fileData{MimeType: typeOfURL(input), FileURI: input}}
	}
	return part{Text: input}
}

// EmbedOne is the body of embedContent, which takes one input.
func (e *Embedding) EmbedOne(input string) ([]byte, error) {
	body := struct {
		Content content        `json:"content"`
		Config  map[string]any `json:"embedContentConfig,omitempty"` //nolint:tagliatelle // Google's name
	}{content{Parts: []part{embedded(input)}}, map[string]any{}}
	if e.TaskType != "" {
		body.Config["taskType"] = e.TaskType
	}
	if e.Title != "" {
		body.Config["title"] = e.Title
	}
	if e.Dimensions != nil {
		body.Config["outputDimensionality"] = *e.Dimensions
	}
	return marshal(body)
}

// Vectors are the answer to an embeddings request. Each is a JSON list of
// numbers as it came.
type Vectors struct {
	Values []json.RawMessage
	Tokens int64 // 0 where the vendor does not tell
}

// decodeEmbeddings translates the answer of batchEmbedContents.
func decodeEmbeddings(call *provider.Call, body []byte) ([]byte, error) {
	v, err := ReadVectors(body)
	if err != nil {
		return nil, err
	}
	e, err := ReadEmbedding(call)
	if err != nil {
		return nil, err
	}
	return e.Answer(v, modelOf(call))
}

// ReadVectors reads the answers of batchEmbedContents and of embedContent.
func ReadVectors(body []byte) (*Vectors, error) {
	type values struct {
		Values json.RawMessage `json:"values"`
	}
	var a struct {
		Embeddings []values        `json:"embeddings"`
		Embedding  *values         `json:"embedding"`
		Usage      json.RawMessage `json:"usageMetadata"` //nolint:tagliatelle // Google's name
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode embeddings: %w", err)
	}
	if a.Embedding != nil {
		a.Embeddings = append(a.Embeddings, *a.Embedding)
	}
	v := &Vectors{}
	for _, e := range a.Embeddings {
		v.Values = append(v.Values, e.Values)
	}
	var u chat.Usage
	if u.ReadGemini(a.Usage) {
		v.Tokens = u.Input
	}
	return v, nil
}

// Answer writes OpenAI's answer.
func (e *Embedding) Answer(v *Vectors, model string) ([]byte, error) {
	if len(v.Values) != len(e.Texts) {
		return nil, fmt.Errorf("%d embeddings for %d inputs", len(v.Values), len(e.Texts))
	}
	for _, values := range v.Values {
		if len(values) == 0 || values[0] != '[' {
			return nil, errors.New("an embedding is no list of numbers")
		}
	}
	return e.Request.Answer(model, v.Values, v.Tokens)
}

// modelOf is the name by which the client asked for the model.
func modelOf(call *provider.Call) string {
	model, _ := jsonx.Unquote(call.Lookup("model")) // not a text: the answer has none
	return model
}
