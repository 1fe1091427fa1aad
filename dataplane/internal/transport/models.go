package transport

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
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

// listed is a model in a list, which may say what stands in for it.
type listed struct {
	modelObject

	Metadata *modelMetadata `json:"metadata,omitempty"`
}

type modelMetadata struct {
	Fallbacks []string `json:"fallbacks"`
}

// scopeExpand asks for everything that the caller can reach, which is listed
// anyway.
const scopeExpand = "expand"

// models lists what the caller may use.
func (o Options) models(c echo.Context) error {
	if scope := c.QueryParam("scope"); scope != "" && scope != scopeExpand {
		e := apierr.BadRequest("Invalid scope parameter. Only 'expand' is currently supported.")
		e.DetailText = true
		e.Write(c.Response())
		return nil
	}
	asked := pipeline.Listing{
		Groups: c.QueryParam("include_model_access_groups") == "true", GroupsOnly: c.QueryParam("only_model_access_groups") == "true",
		FallbackType: c.QueryParam("fallback_type"),
	}
	all, err := o.Pipeline.List(c.Request(), asked)
	if err != nil {
		apierr.Public(err).Write(c.Response())
		return nil
	}
	if speaksAnthropic(c.Request()) {
		return c.JSON(http.StatusOK, anthropicList(all))
	}
	data := make([]listed, len(all))
	for i, m := range all {
		data[i] = listed{modelObject: asModel(m.Name)}
		if c.QueryParam("include_metadata") == "true" {
			data[i].Metadata = &modelMetadata{m.Fallbacks}
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"object": "list", "data": data})
}

// model shows one; its name may hold slashes.
func (o Options) model(c echo.Context) error {
	all, err := o.Pipeline.List(c.Request(), pipeline.Listing{})
	if err != nil {
		apierr.Public(err).Write(c.Response())
		return nil
	}
	want, err := url.PathUnescape(c.Param("*"))
	if err != nil {
		want = c.Param("*")
	}
	for _, m := range all {
		if m.Name == want && speaksAnthropic(c.Request()) {
			return c.JSON(http.StatusOK, asAnthropicModel(m))
		}
		if m.Name == want {
			return c.JSON(http.StatusOK, asModel(m.Name))
		}
	}
	e := apierr.New(http.StatusNotFound, apierr.TypeInvalidRequest, "The model '%s' does not exist or is not available for this API key", want)
	e.Param = "model"
	e.Write(c.Response())
	return nil
}
