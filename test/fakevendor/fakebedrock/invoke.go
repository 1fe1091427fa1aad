package fakebedrock

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
)

// readInvoke reads the native bodies of models.
func readInvoke(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	switch {
	case strings.Contains(c.Model, "amazon.titan-embed"):
		return readTitan(c)
	case strings.Contains(c.Model, "cohere.embed"):
		return readCohere(c)
	}
	return readClaude(c, fakeanthropic.Predict)
}

func malformed(what string) *fakevendor.Failure {
	return invalid("Malformed input request: " + what + ", please reformat your input and try again.")
}

func embedded(body []byte) *fakevendor.Request {
	d := document(body)
	d.Header.Set("X-Amzn-Bedrock-Input-Token-Count", strconv.Itoa(fakevendor.PromptTokens))
	d.Header.Set("X-Amzn-Bedrock-Invocation-Latency", strconv.Itoa(latency))
	return fakevendor.Settled(d)
}

// readTitan reads
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
func readTitan(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var members map[string]json.RawMessage
	var text string
	if c.Decode(&members) != nil || json.Unmarshal(members["inputText"], &text) != nil || text == "" {
		return nil, malformed("required key [inputText] not found")
	}
	for name := range members {
		if !slices.Contains([]string{"inputText", "dimensions", "normalize", "embeddingTypes"}, name) {
			return nil, malformed("extraneous key [" + name + "] is not permitted")
		}
	}
	return embedded(fakevendor.Object("embedding", fakevendor.Vector(), "embeddingsByType", fakevendor.Object("float", fakevendor.Vector()),
		"inputTextTokenCount", fakevendor.PromptTokens)), nil
}

// readCohere reads
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
func readCohere(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Texts          []string `json:"texts"`
		InputType      string   `json:"input_type"`
		EmbeddingTypes []string `json:"embedding_types"`
	}
	switch {
	case c.Decode(&b) != nil || len(b.Texts) == 0:
		return nil, malformed("required key [texts] not found")
	case !slices.Contains([]string{"search_document", "search_query", "classification", "clustering", "image"}, b.InputType):
		return nil, malformed("input_type: " + b.InputType + " is not a valid enum value")
	}
	vectors := make([][]float64, len(b.Texts))
	for i := range vectors {
		vectors[i] = fakevendor.Vector()
	}
	kind, embeddings := "embeddings_floats", fakevendor.List(vectors)
	if len(b.EmbeddingTypes) > 0 {
		kind, embeddings = "embeddings_by_type", fakevendor.Object("float", fakevendor.List(vectors))
	}
	return embedded(fakevendor.Object("id", "vendor", "texts", b.Texts, "embeddings", embeddings, "response_type", kind)), nil
}
