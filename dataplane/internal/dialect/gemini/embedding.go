package gemini

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// embedding is one embedContent request.
type embedding struct {
	input, taskType, title string
	dimensions             *int64
}

// DecodeEmbedding turns a request of embedContent, or of batchEmbedContents,
// into the body of an embeddings request in OpenAI's wire.
func DecodeEmbedding(body []byte, model string, batch bool) ([]byte, error) {
	var all []embedding
	one := func(value []byte) error {
		e, err := readEmbedding(value)
		all = append(all, e)
		return err
	}
	var err error
	if batch {
		err = members(body, "requests", func(name string, value []byte) error {
			if name != "requests" {
				return nil
			}
			return elements(value, "requests", one)
		})
	} else {
		err = one(body)
	}
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, &chat.ParamError{Param: "requests", Want: "a list of at least one request"}
	}
	for _, e := range all[1:] {
		if e.taskType != all[0].taskType || e.title != all[0].title || !same(e.dimensions, all[0].dimensions) {
			return nil, apierr.BadRequest("Invalid value for 'requests': taskType, title and outputDimensionality must be the same in all of them")
		}
	}
	return encodeEmbedding(all, model), nil
}

func same(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

func readEmbedding(value []byte) (embedding, error) {
	var e embedding
	var parts []part
	err := members(value, "request", func(name string, value []byte) error {
		switch name {
		case "content":
			return members(value, "content", func(name string, value []byte) error {
				if name != "parts" {
					return nil
				}
				return readParts(value, &parts)
			})
		case "taskType":
			return text(value, &e.taskType, name)
		case "title":
			return text(value, &e.title, name)
		case "outputDimensionality":
			return integer(value, &e.dimensions, name)
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	var said []string
	for i := range parts {
		if parts[i].text == nil {
			return e, apierr.BadRequest("Invalid value for 'content.parts': only texts can be embedded by this model")
		}
		said = append(said, *parts[i].text)
	}
	if len(said) == 0 {
		return e, &chat.ParamError{Param: "content.parts", Want: "a list of at least one part"}
	}
	e.input = strings.Join(said, "\n")
	return e, nil
}

func encodeEmbedding(all []embedding, model string) []byte {
	b := jsonx.AppendQuote([]byte(`{"model":`), model)
	b = append(b, `,"input":[`...)
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonx.AppendQuote(b, all[i].input)
	}
	b = append(b, `],"encoding_format":"float"`...)
	first := &all[0]
	if first.dimensions != nil {
		b = strconv.AppendInt(append(b, `,"dimensions":`...), *first.dimensions, 10)
	}
	if first.taskType != "" {
		b = jsonx.AppendQuote(append(b, `,"task_type":`...), first.taskType)
	}
	if first.title != "" {
		b = jsonx.AppendQuote(append(b, `,"title":`...), first.title)
	}
	return append(b, '}')
}

// EncodeEmbedding turns an answer in OpenAI's wire into that of embedContent, or
// of batchEmbedContents.
func EncodeEmbedding(answer []byte, batch bool) ([]byte, error) {
	var a struct {
		Data []struct {
			Index  int             `json:"index"`
			Values json.RawMessage `json:"embedding"`
		} `json:"data"`
		Usage struct {
			Prompt int64 `json:"prompt_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("decode embeddings: %w", err)
	}
	if len(a.Data) == 0 || !batch && len(a.Data) != 1 {
		return nil, errors.New("decode embeddings: not as many as were asked for")
	}
	sorted := make([]json.RawMessage, len(a.Data))
	for i := range a.Data {
		if at := a.Data[i].Index; at >= 0 && at < len(sorted) && sorted[at] == nil {
			sorted[at] = a.Data[i].Values
		}
	}
	b := []byte(`{"embedding":`)
	if batch {
		b = []byte(`{"embeddings":[`)
	}
	for i, values := range sorted {
		if i > 0 {
			b = append(b, ',')
		}
		numbers, err := listOf(values)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, `{"values":`...), numbers...), '}')
	}
	if batch {
		b = append(b, ']')
	}
	if a.Usage.Prompt > 0 {
		b = strconv.AppendInt(append(b, `,"usageMetadata":{"promptTokenCount":`...), a.Usage.Prompt, 10)
		b = append(b, '}')
	}
	return append(b, '}'), nil
}

// listOf returns the numbers as a list: some vendors send base64 whatever they
// are asked for.
func listOf(values json.RawMessage) ([]byte, error) {
	if len(values) > 0 && values[0] == '[' {
		return values, nil
	}
	text, err := jsonx.Unquote(values)
	if err != nil {
		return nil, errors.New("decode embeddings: no list of numbers")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw)%4 != 0 {
		return nil, errors.New("decode embeddings: no base64 of numbers")
	}
	b := []byte{'['}
	for i := 0; i < len(raw); i += 4 {
		if i > 0 {
			b = append(b, ',')
		}
		f := math.Float32frombits(binary.LittleEndian.Uint32(raw[i:]))
		if f != f || math.IsInf(float64(f), 0) {
			return nil, errors.New("decode embeddings: not a number")
		}
		b = strconv.AppendFloat(b, float64(f), 'g', -1, 32)
	}
	return append(b, ']'), nil
}
