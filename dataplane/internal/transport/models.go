package transport

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// modelObject is OpenAI's model; LiteLLM gives every model the same date and
// owner. https://platform.openai.com/docs/api-reference/models/object
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func asModel(name string) modelObject {
	return modelObject{ID: name, Object: "model", Created: 1677610602, OwnedBy: "openai"}
}

// models lists what the caller may use.
func (o Options) models(c echo.Context) error {
	names, err := o.Pipeline.Models(c.Request())
	if err != nil {
		apierr.Public(err).Write(c.Response())
		return nil
	}
	if speaksAnthropic(c.Request()) {
		return c.JSON(http.StatusOK, anthropicList(names))
	}
	data := make([]modelObject, len(names))
	for i, n := range names {
		data[i] = asModel(n)
	}
	return c.JSON(http.StatusOK, map[string]any{"object": "list", "data": data})
}

// model shows one; its name may hold slashes.
func (o Options) model(c echo.Context) error {
	names, err := o.Pipeline.Models(c.Request())
	if err != nil {
		apierr.Public(err).Write(c.Response())
		return nil
	}
	want, err := url.PathUnescape(c.Param("*"))
	if err != nil {
		want = c.Param("*")
	}
	for _, n := range names {
		if n == want && speaksAnthropic(c.Request()) {
			return c.JSON(http.StatusOK, asAnthropicModel(n))
		}
		if n == want {
			return c.JSON(http.StatusOK, asModel(n))
		}
	}
	e := apierr.New(http.StatusNotFound, apierr.TypeInvalidRequest, "The model '%s' does not exist or is not available for this API key", want)
	e.Param = "model"
	e.Write(c.Response())
	return nil
}
