package transport

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// geminiRoutes are Gemini's API: https://ai.google.dev/api
func (o Options) geminiRoutes(h map[string]echo.HandlerFunc) {
	h["POST /v1beta/models/*"] = o.geminiMethod
	h["POST /models/*"] = o.geminiMethod
	h["GET /v1beta/models"] = o.geminiModels
	h["GET /v1beta/models/*"] = o.geminiModel
}

// geminiMethod serves what stands behind the colon of a model's path.
func (o Options) geminiMethod(c echo.Context) error {
	w, r := c.Response().Writer, c.Request()
	keyFromQuery(r)
	model, method, ok := cutMethod(c.Param("*"))
	if !ok {
		writeGemini(w, apierr.RouteNotFound())
		return nil
	}
	sse := r.URL.Query().Get("alt") == "sse"
	endpoint := pipeline.Endpoint{Name: "/models:" + method, Dialect: gemini.Dialect{}, ModelInPath: true}
	switch method {
	case "generateContent":
		endpoint.Surface, endpoint.Chats = provider.GenerateContent, true
	case "streamGenerateContent":
		endpoint.Surface, endpoint.Chats, endpoint.Stream = provider.GenerateContent, true, true
		if !sse { // a list that grows, which is written here: vendors are asked for events
			endpoint.Dialect, endpoint.Translated, endpoint.StreamType = gemini.Dialect{Array: true}, true, "application/json"
		}
	case "countTokens":
		endpoint.Surface = provider.GeminiCountTokens
		endpoint.Count = &pipeline.Count{Decode: gemini.DecodeCount, Answer: gemini.Count}
	case "embedContent", "batchEmbedContents":
		batch := method == "batchEmbedContents"
		endpoint.Surface, endpoint.ModelInPath = provider.Embeddings, false
		endpoint.Request = func(body []byte) ([]byte, error) { return gemini.DecodeEmbedding(body, model, batch) }
		endpoint.Answer = func(body []byte) ([]byte, error) { return gemini.EncodeEmbedding(body, batch) }
	default:
		writeGemini(w, apierr.RouteNotFound())
		return nil
	}
	o.Pipeline.Serve(w, r, endpoint, model)
	return nil
}

// cutMethod splits "model:method". A model's name may hold slashes and colons.
func cutMethod(path string) (model, method string, ok bool) {
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	at := strings.LastIndexByte(path, ':')
	if at <= 0 {
		return "", "", false
	}
	return path[:at], path[at+1:], true
}

// keyFromQuery takes the key from where Google's clients may put it.
func keyFromQuery(r *http.Request) {
	if key := r.URL.Query().Get("key"); key != "" && r.Header.Get("X-Goog-Api-Key") == "" {
		r.Header.Set("X-Goog-Api-Key", key)
	}
}

func writeGemini(w http.ResponseWriter, e *apierr.Error) { e.WriteBody(w, gemini.Dialect{}.Error(e)) }

// geminiModel is Gemini's model: https://ai.google.dev/api/models
type geminiModel struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`                //nolint:tagliatelle // Google's name
	Methods     []string `json:"supportedGenerationMethods"` //nolint:tagliatelle // Google's name
}

func asGeminiModel(name string) geminiModel {
	return geminiModel{
		Name: "models/" + name, DisplayName: name, Methods: []string{"generateContent", "streamGenerateContent", "countTokens", "embedContent"},
	}
}

func (o Options) geminiModels(c echo.Context) error {
	keyFromQuery(c.Request())
	names, err := o.Pipeline.Models(c.Request())
	if err != nil {
		writeGemini(c.Response(), apierr.Public(err))
		return nil
	}
	models := make([]geminiModel, len(names))
	for i, n := range names {
		models[i] = asGeminiModel(n)
	}
	return c.JSON(http.StatusOK, map[string]any{"models": models})
}

func (o Options) geminiModel(c echo.Context) error {
	keyFromQuery(c.Request())
	names, err := o.Pipeline.Models(c.Request())
	if err != nil {
		writeGemini(c.Response(), apierr.Public(err))
		return nil
	}
	want, err := url.PathUnescape(c.Param("*"))
	if err != nil {
		want = c.Param("*")
	}
	for _, n := range names {
		if n == want {
			return c.JSON(http.StatusOK, asGeminiModel(n))
		}
	}
	writeGemini(c.Response(), apierr.New(http.StatusNotFound, apierr.TypeInvalidRequest, "The model '%s' does not exist or is not available for this API key", want))
	return nil
}
