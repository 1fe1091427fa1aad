package transport

import (
	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/responses"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/text"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// openAI are the endpoints of OpenAI's API that a model serves, by their path
// without prefixes.
func openAI() map[string]pipeline.Endpoint {
	all := map[string]pipeline.Endpoint{
		"/chat/completions":     {Surface: provider.ChatCompletions, Chats: true},
		"/completions":          {Surface: provider.Completions, Chats: true, Translator: text.Dialect{}},
		"/embeddings":           {Surface: provider.Embeddings},
		"/responses":            {Surface: provider.Responses, Chats: true, Dialect: responses.Dialect{}},
		"/images/generations":   {Surface: provider.ImageGenerations},
		"/images/edits":         {Surface: provider.ImageEdits},
		"/images/variations":    {Surface: provider.ImageVariations},
		"/audio/speech":         {Surface: provider.Speech},
		"/audio/transcriptions": {Surface: provider.Transcriptions},
		"/audio/translations":   {Surface: provider.Translations},
		"/moderations":          {Surface: provider.Moderations},
		"/rerank":               {Surface: provider.Rerank},
	}
	for path, e := range all {
		e.Name = path
		all[path] = e
	}
	return all
}

// modelRoutes are the routes of the endpoints that a model serves.
func (o Options) modelRoutes(h map[string]echo.HandlerFunc) {
	for path, endpoint := range openAI() {
		serve := o.llm(endpoint)
		for _, prefix := range []string{"", "/v1", "/v2", "/openai/deployments/:model", "/engines/:model"} {
			h["POST "+prefix+path] = serve // those that the table of routes does not have are not served
		}
	}
	for _, prefix := range []string{"", "/v1"} {
		h["GET "+prefix+"/realtime"] = o.realtime
		h["GET "+prefix+"/models"] = o.models
		h["GET "+prefix+"/models/*"] = o.model
		h["GET "+prefix+"/responses/:id"] = o.response("")
		h["DELETE "+prefix+"/responses/:id"] = o.response("")
		h["POST "+prefix+"/responses/:id/cancel"] = o.response("/cancel")
		h["GET "+prefix+"/responses/:id/input_items"] = o.response("/input_items")
	}
}

// llm hands a request to the pipeline, past echo's response wrapper: the
// pipeline writes its own head and flushes by itself.
func (o Options) llm(endpoint pipeline.Endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		o.Pipeline.Serve(c.Response().Writer, c.Request(), endpoint, c.Param("model"))
		return nil
	}
}

// response serves what can be asked about a response by its id.
func (o Options) response(action string) echo.HandlerFunc {
	return func(c echo.Context) error {
		o.Pipeline.ServeResponse(c.Response().Writer, c.Request(), c.Param("id"), action)
		return nil
	}
}

// realtime serves the realtime API.
func (o Options) realtime(c echo.Context) error {
	o.Pipeline.Realtime(c.Response().Writer, c.Request())
	return nil
}
