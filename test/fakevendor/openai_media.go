package fakevendor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// Pixel is the smallest picture: what vendors draw, and what tests show them.
const Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// Sound is what vendors say aloud, under an MP3's type.
const Sound = "ID3 a vendor's voice"

// form is a multipart request: fields, and the files by field.
type form struct {
	fields map[string]string
	files  map[string][]upload
}

type upload struct {
	name    string
	content []byte
}

// readForm reads a multipart body.
func readForm(c *Call) (form, *Failure) {
	f := form{fields: map[string]string{}, files: map[string][]upload{}}
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return f, Refuse("Invalid Content-Type header (" + c.Header.Get("Content-Type") + "), expected multipart/form-data.")
	}
	parts := multipart.NewReader(bytes.NewReader(c.Body), params["boundary"])
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, Refuse("Could not parse multipart form.")
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return f, Refuse("Could not parse multipart form.")
		}
		if p.FileName() == "" {
			f.fields[p.FormName()] = string(b)
			continue
		}
		name := strings.TrimSuffix(p.FormName(), "[]")
		f.files[name] = append(f.files[name], upload{p.FileName(), b})
	}
}

// openAIImages is a request to
// https://platform.openai.com/docs/api-reference/images
type openAIImages struct {
	n   int
	url bool
}

func readOpenAIImages(c *Call) (*Request, *Failure) {
	var body struct {
		Model  string `json:"model"`
		Prompt string `json:"prompt"`
		N      int    `json:"n"`
		Format string `json:"response_format"`
	}
	if strings.HasSuffix(c.Path, "/generations") {
		if err := c.Decode(&body); err != nil {
			return nil, badOpenAIJSON()
		}
	} else {
		f, failure := readForm(c)
		if failure != nil {
			return nil, failure
		}
		if len(f.files["image"]) == 0 {
			return nil, Refuse("Missing required parameter: 'image'.")
		}
		body.Model, body.Prompt, body.Format = f.fields["model"], f.fields["prompt"], f.fields["response_format"]
	}
	c.Model = body.Model
	if body.Prompt == "" && !strings.HasSuffix(c.Path, "/variations") {
		return nil, Refuse("Missing required parameter: 'prompt'.")
	}
	return &Request{Answer: openAIImages{n: max(1, body.N), url: body.Format == "url"}.answer}, nil
}

// answer renders the whole answer.
func (q openAIImages) answer(r Reply) Document {
	image := Object("b64_json", Pixel)
	if q.url {
		image = Object("url", "https://images.vendor.example/1.png", "revised_prompt", "A pixel.")
	}
	data := make([]json.RawMessage, q.n)
	for i := range data {
		data[i] = image
	}
	pairs := []any{"created", 1760000000, "data", List(data)}
	if u := r.Usage; u != nil && !q.url {
		pairs = append(pairs, "usage", Object("total_tokens", u.Total(), "input_tokens", u.Prompt, "output_tokens", u.Completion,
			"input_tokens_details", Object("text_tokens", u.Prompt, "image_tokens", 0)))
	}
	return openAIDocument(Object(pairs...))
}

// openAIAudio is a request to
// https://platform.openai.com/docs/api-reference/audio
type openAIAudio struct {
	speech bool
	format string
	length int
}

func readOpenAIAudio(c *Call) (*Request, *Failure) {
	if strings.HasSuffix(c.Path, "/speech") {
		var body struct{ Model, Input, Voice string }
		if err := c.Decode(&body); err != nil {
			return nil, badOpenAIJSON()
		}
		c.Model = body.Model
		if body.Input == "" || body.Voice == "" {
			return nil, Refuse("Missing required parameter: 'input' or 'voice'.")
		}
		return &Request{Answer: openAIAudio{speech: true}.answer}, nil
	}
	f, failure := readForm(c)
	if failure != nil {
		return nil, failure
	}
	c.Model = f.fields["model"]
	if len(f.files["file"]) != 1 {
		return nil, Refuse("Missing required parameter: 'file'.")
	}
	return &Request{Answer: openAIAudio{format: f.fields["response_format"], length: len(f.files["file"][0].content)}.answer}, nil
}

// answer renders the whole answer.
func (q openAIAudio) answer(r Reply) Document {
	if q.speech {
		return Document{Header: openAIHeader("audio/mpeg"), Body: []byte(Sound)}
	}
	said := fmt.Sprintf("I hear %d bytes.", q.length)
	switch q.format {
	case "text", "srt", "vtt":
		return Document{Header: openAIHeader("text/plain; charset=utf-8"), Body: []byte(said + "\n")}
	case "verbose_json":
		segment := Object("id", 0, "start", 0.0, "end", 1.5, "text", said)
		return openAIDocument(Object("task", "transcribe", "language", "english", "duration", 1.5, "text", said, "segments", List([]json.RawMessage{segment})))
	}
	pairs := []any{"text", said}
	if u := r.Usage; u != nil {
		pairs = append(pairs, "usage", Object("type", "tokens", "input_tokens", u.Prompt, "input_token_details",
			Object("text_tokens", 0, "audio_tokens", u.Prompt), "output_tokens", u.Completion, "total_tokens", u.Total()))
	}
	return openAIDocument(Object(pairs...))
}

// PixelBytes is the picture itself.
func PixelBytes() []byte {
	b, err := base64.StdEncoding.DecodeString(Pixel)
	if err != nil {
		return nil
	}
	return b
}

// openAIModeration flags texts that say so.
// https://platform.openai.com/docs/api-reference/moderations
type openAIModeration struct {
	model string
	texts []string
}

func readOpenAIModeration(c *Call) (*Request, *Failure) {
	var body struct {
		Model string          `json:"model"`
		Input json.RawMessage `json:"input"`
	}
	if err := c.Decode(&body); err != nil {
		return nil, badOpenAIJSON()
	}
	c.Model = body.Model
	texts := stops(body.Input)
	if len(texts) == 0 {
		return nil, Refuse("Missing required parameter: 'input'.")
	}
	return &Request{Answer: openAIModeration{body.Model, texts}.answer}, nil
}

// answer renders the whole answer.
func (q openAIModeration) answer(Reply) Document {
	var results []json.RawMessage
	for _, t := range q.texts {
		flagged, score := strings.Contains(t, "violence"), 0.01
		if flagged {
			score = 0.98
		}
		results = append(results, Object("flagged", flagged, "categories", Object("violence", flagged, "hate", false),
			"category_scores", Object("violence", score, "hate", 0.001), "category_applied_input_types", Object("violence", []string{"text"}, "hate", []string{"text"})))
	}
	return openAIDocument(Object("id", "modr-vendor", "model", q.model, "results", List(results)))
}

// readOpenAIModels lists a few models.
// https://platform.openai.com/docs/api-reference/models
func readOpenAIModels(c *Call) (*Request, *Failure) {
	model := func(id string) json.RawMessage {
		return Object("id", id, "object", "model", "created", 1760000000, "owned_by", "vendor")
	}
	_, id, _ := strings.Cut(c.Path, "/models/")
	switch {
	case c.Method != http.MethodGet:
		return nil, &Failure{Status: http.StatusMethodNotAllowed, Message: "Not allowed to " + c.Method + " on " + c.Path}
	case id == "":
		return Settled(openAIDocument(Object("object", "list", "data", List([]json.RawMessage{model("gpt-4o"), model("text-embedding-3-small")})))), nil
	}
	return Settled(openAIDocument(model(id))), nil
}
