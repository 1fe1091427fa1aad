//nolint:tagliatelle // the names are the vendor's
package fakegemini

import (
	"encoding/json"
	"strconv"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// readCount reads https://ai.google.dev/api/tokens
func readCount(c *fakevendor.Call, vertex bool) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		GenerateContentRequest json.RawMessage `json:"generateContentRequest"`
	}
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse("Invalid JSON payload received. " + err.Error())
	}
	raw := c.Body
	if len(b.GenerateContentRequest) > 0 {
		raw = b.GenerateContentRequest
	}
	if _, f := readBody(c, raw, vertex); f != nil {
		return nil, f
	}
	return fakevendor.Settled(document(fakevendor.Object("totalTokens", fakevendor.PromptTokens,
		"promptTokensDetails", fakevendor.List([]json.RawMessage{fakevendor.Object("modality", "TEXT", "tokenCount", fakevendor.PromptTokens)})))), nil
}

// embed is one text to be embedded.
type embed struct {
	Model   string  `json:"model"`
	Content content `json:"content"`
}

func (e embed) check(where string) *fakevendor.Failure {
	if len(e.Content.Parts) == 0 {
		return fakevendor.Refuse("* " + where + "content: content is empty or missing.")
	}
	_, f := e.Content.turn("content", "")
	return f
}

func embedding() json.RawMessage { return fakevendor.Object("values", fakevendor.Vector()) }

// readEmbed reads https://ai.google.dev/api/embeddings#method:-models.embedcontent
func readEmbed(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var e embed
	if err := c.Decode(&e); err != nil {
		return nil, fakevendor.Refuse("Invalid JSON payload received. " + err.Error())
	}
	if f := e.check("EmbedContentRequest."); f != nil {
		return nil, f
	}
	return fakevendor.Settled(document(fakevendor.Object("embedding", embedding()))), nil
}

// readBatchEmbed reads https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
func readBatchEmbed(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Requests []embed `json:"requests"`
	}
	if err := c.Decode(&b); err != nil || len(b.Requests) == 0 {
		return nil, fakevendor.Refuse("* BatchEmbedContentsRequest.requests: requests is empty.")
	}
	var all []json.RawMessage
	for i, e := range b.Requests {
		if e.Model != "models/"+c.Model {
			return nil, fakevendor.Refuse("* BatchEmbedContentsRequest.requests[" + strconv.Itoa(i) + "].model: model must be the model of the batch, in the form models/{model}.")
		}
		if f := e.check("BatchEmbedContentsRequest.requests[].EmbedContentRequest."); f != nil {
			return nil, f
		}
		all = append(all, embedding())
	}
	return fakevendor.Settled(document(fakevendor.Object("embeddings", fakevendor.List(all)))), nil
}

// readPredict reads the embeddings of Vertex.
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
func readPredict(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Instances []struct {
			Content string `json:"content"`
		} `json:"instances"`
	}
	if err := c.Decode(&b); err != nil || len(b.Instances) == 0 {
		return nil, fakevendor.Refuse("Unable to parse instances: there are none.")
	}
	var all []json.RawMessage
	for _, i := range b.Instances {
		if i.Content == "" {
			return nil, fakevendor.Refuse("The text content is empty.")
		}
		all = append(all, fakevendor.Object("embeddings", fakevendor.Object("values", fakevendor.Vector(),
			"statistics", fakevendor.Object("token_count", fakevendor.PromptTokens, "truncated", false))))
	}
	return fakevendor.Settled(document(fakevendor.Object("predictions", fakevendor.List(all),
		"metadata", fakevendor.Object("billableCharacterCount", len(c.Body))))), nil
}

// models lists one model, or shows any. https://ai.google.dev/api/models
func models(name string) *fakevendor.Request {
	model := func(name string) json.RawMessage {
		return fakevendor.Object("name", "models/"+name, "version", "001", "displayName", "Gemini of the vendor", "inputTokenLimit", 1048576,
			"outputTokenLimit", 65536, "supportedGenerationMethods", []string{"generateContent", "countTokens"}, "thinking", true)
	}
	if name != "" {
		return fakevendor.Settled(document(model(name)))
	}
	return fakevendor.Settled(document(fakevendor.Object("models", fakevendor.List([]json.RawMessage{model("gemini-vendor")}))))
}
