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
	// MaxInput and MaxOutput are nil where nobody knows.
	MaxInput  *int64 `json:"max_input_tokens"`
	MaxOutput *int64 `json:"max_tokens"`
}

// modelBirth is the date that LiteLLM gives every model.
const modelBirth = "2023-02-27T00:00:02Z"

func asAnthropicModel(m pipeline.ListedModel) anthropicModel {
	return anthropicModel{
		Type: "model", ID: m.Name, DisplayName: m.Name, CreatedAt: modelBirth, MaxInput: positive(m.MaxInputTokens), MaxOutput: positive(m.MaxOutputTokens),
	}
}

func positive(n int64) *int64 {
	if n <= 0 {
		return nil
	}
	return &n
}

func anthropicList(all []pipeline.ListedModel) anthropicModels {
	list := anthropicModels{Data: make([]anthropicModel, len(all))}
	for i, m := range all {
		list.Data[i] = asAnthropicModel(m)
	}
	if len(all) > 0 {
		list.FirstID, list.LastID = &all[0].Name, &all[len(all)-1].Name
	}
	return list
}

// speaksAnthropic reports whether a client is one of Anthropic's SDKs.
func speaksAnthropic(r *http.Request) bool { return r.Header.Get("Anthropic-Version") != "" }
