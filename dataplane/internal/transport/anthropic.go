package transport

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// anthropicRoutes are Anthropic's API.
func (o Options) anthropicRoutes(h map[string]echo.HandlerFunc) {
	h["POST /v1/messages"] = o.llm(pipeline.Endpoint{
		Surface: provider.Messages, Name: "/messages", Dialect: anthropic.Dialect{}, Chats: true,
	})
	h["POST /v1/messages/count_tokens"] = o.llm(pipeline.Endpoint{
		Surface: provider.CountTokens, Name: "/messages/count_tokens", Dialect: anthropic.Dialect{},
		Count: &pipeline.Count{Decode: anthropic.DecodeCount, Answer: anthropic.Count},
	})
}

// anthropicModels is Anthropic's list of models, for clients that send its
// version header: https://docs.anthropic.com/en/api/models-list
type anthropicModels struct {
	Data    []anthropicModel `json:"data"`
	FirstID *string          `json:"first_id"`
	LastID  *string          `json:"last_id"`
	HasMore bool             `json:"has_more"`
}

type anthropicModel struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	CreatedAt   string `json:"created_at"`
}

// modelBirth is the date that LiteLLM gives every model.
const modelBirth = "2023-02-27T00:00:02Z"

func asAnthropicModel(name string) anthropicModel {
	return anthropicModel{Type: "model", ID: name, DisplayName: name, CreatedAt: modelBirth}
}

func anthropicList(names []string) anthropicModels {
	list := anthropicModels{Data: make([]anthropicModel, len(names))}
	for i, n := range names {
		list.Data[i] = asAnthropicModel(n)
	}
	if len(names) > 0 {
		list.FirstID, list.LastID = &names[0], &names[len(names)-1]
	}
	return list
}

// speaksAnthropic reports whether a client is one of Anthropic's SDKs.
func speaksAnthropic(r *http.Request) bool { return r.Header.Get("Anthropic-Version") != "" }
