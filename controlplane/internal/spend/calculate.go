package spend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
	"github.com/tianjillm/tianjillm/shared/tokencount"
)

// Deployments find what is behind a name that clients ask for.
type Deployments interface {
	// ByName returns a deployment, or nil when there is none of that name.
	ByName(ctx context.Context, name string) (*contract.Deployment, error)
}

// Calculator says what requests would cost. It is safe for concurrent use.
type Calculator struct {
	deployments Deployments
	book        func() *price.Book
	tokens      *tokencount.Counter
}

// NewCalculator returns a calculator with the prices that book returns.
func NewCalculator(d Deployments, book func() *price.Book) *Calculator {
	return &Calculator{deployments: d, book: book, tokens: tokencount.New()}
}

// CalculateRequest is the body of /spend/calculate: a chat that is to be sent,
// or the response of one.
type CalculateRequest struct {
	Model              *string         `json:"model"`
	Messages           *[]chatMessage  `json:"messages"`
	CompletionResponse *chatCompletion `json:"completion_response"`
}

// Cost is the answer, in dollars.
type Cost struct {
	Cost float64 `json:"cost"`
}

// Calculate returns what a request costs: by the prices of the deployment of
// that name, else by those of the price table.
func (c *Calculator) Calculate(ctx context.Context, r *CalculateRequest) (Cost, error) {
	switch {
	case r.Model != nil && r.Messages == nil:
		return Cost{}, badCalculation("messages must be provided if 'model' is provided")
	case r.Model != nil:
		return c.cost(ctx, *r.Model, func(model string) price.Usage {
			return price.Usage{Requests: 1, InputTokens: int64(c.tokens.Chat(model, neutral(*r.Messages)))}
		})
	case r.CompletionResponse != nil:
		return c.cost(ctx, r.CompletionResponse.Model, func(model string) price.Usage {
			return r.CompletionResponse.used(model, c.tokens)
		})
	default:
		return Cost{}, badCalculation("Either 'model' or 'completion_response' must be provided")
	}
}

func badCalculation(message string) error {
	return &apierr.Error{Status: http.StatusBadRequest, NoneText: true, Message: "Bad Request - " + message}
}

func (c *Calculator) cost(ctx context.Context, name string, used func(model string) price.Usage) (Cost, error) {
	found, err := c.find(ctx, name)
	if err != nil {
		return Cost{}, err
	}
	usage := used(found.model)
	return Cost{found.rate.Cost(&usage).USD()}, nil
}

// priced is a model with what it costs.
type priced struct {
	rate            *price.Rate
	provider, model string
}

// find looks up the prices of a model: those of the deployment of that name, else
// those of the price table.
func (c *Calculator) find(ctx context.Context, name string) (priced, error) {
	d, err := c.deployments.ByName(ctx, name)
	if err != nil {
		return priced{}, fmt.Errorf("find deployment: %w", err)
	}
	query := price.Query{BaseModel: name}
	var rate *price.Rate
	switch {
	case d != nil:
		query = price.Query{Provider: d.Provider, Model: d.Model, BaseModel: d.BaseModel}
		rate = d.Rate
	default:
		if provider, model, err := catalog.Split(name, ""); err == nil {
			query = price.Query{Provider: provider, Model: model, BaseModel: name}
		}
	}
	if rate == nil {
		listed := c.book().Lookup(query)
		if listed == nil && d == nil {
			return priced{}, apierr.BadRequest("This model isn't mapped yet. model=%s", name)
		}
		if listed != nil {
			rate = listed.Rate
		}
	}
	model := name
	if d != nil {
		model = d.Model
	}
	return priced{rate, query.Provider, model}, nil
}

// chatMessage is a message in OpenAI's form.
type chatMessage struct {
	Role      string          `json:"role"`
	Name      string          `json:"name"`
	Content   json.RawMessage `json:"content"`
	ToolCalls []struct {
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

type contentPart struct {
	Text     string `json:"text"`
	ImageURL *struct {
		Detail string `json:"detail"`
	} `json:"image_url"`
}

// neutral brings messages to the form that is counted. What is neither text
// nor an image counts nothing.
func neutral(messages []chatMessage) *tokencount.Chat {
	chat := &tokencount.Chat{Messages: make([]tokencount.Message, 0, len(messages))}
	for i := range messages {
		m := &messages[i]
		out := tokencount.Message{Role: m.Role, Name: m.Name, Parts: contentParts(m.Content)}
		for _, call := range m.ToolCalls {
			out.ToolCalls = append(out.ToolCalls, tokencount.ToolCall{Name: call.Function.Name, Arguments: call.Function.Arguments})
		}
		chat.Messages = append(chat.Messages, out)
	}
	return chat
}

func contentParts(content json.RawMessage) []tokencount.Part {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return []tokencount.Part{{Text: text}}
	}
	var list []contentPart
	if json.Unmarshal(content, &list) != nil {
		return nil
	}
	parts := make([]tokencount.Part, 0, len(list))
	for _, p := range list {
		part := tokencount.Part{Text: p.Text}
		if p.ImageURL != nil {
			part.Image = &tokencount.Image{Detail: p.ImageURL.Detail}
		}
		parts = append(parts, part)
	}
	return parts
}

// chatCompletion is what counts of a response in OpenAI's form, with what
// LiteLLM adds for Anthropic's.
type chatCompletion struct {
	Model       string `json:"model"`
	ServiceTier string `json:"service_tier"`
	Choices     []struct {
		Message chatMessage `json:"message"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens        int64        `json:"prompt_tokens"`
		CompletionTokens    int64        `json:"completion_tokens"`
		PromptDetails       tokenDetails `json:"prompt_tokens_details"`
		CompletionDetails   tokenDetails `json:"completion_tokens_details"`
		CacheCreationTokens int64        `json:"cache_creation_input_tokens"`
		CacheReadTokens     int64        `json:"cache_read_input_tokens"`
		ServerToolUse       struct {
			WebSearchRequests int64 `json:"web_search_requests"`
		} `json:"server_tool_use"`
	} `json:"usage"`
}

type tokenDetails struct {
	CachedTokens    int64 `json:"cached_tokens"`
	AudioTokens     int64 `json:"audio_tokens"`
	ImageTokens     int64 `json:"image_tokens"`
	ReasoningTokens int64 `json:"reasoning_tokens"`
}

// used returns what a response says it used; the tokens of its text when it
// says nothing.
func (r *chatCompletion) used(model string, tokens *tokencount.Counter) price.Usage {
	u := price.Usage{Requests: 1, Tier: price.ParseTier(r.ServiceTier)}
	if r.Usage == nil {
		for i := range r.Choices {
			for _, p := range contentParts(r.Choices[i].Message.Content) {
				u.OutputTokens += int64(tokens.Text(model, p.Text))
			}
		}
		return u
	}
	u.InputTokens, u.OutputTokens = r.Usage.PromptTokens, r.Usage.CompletionTokens
	u.CacheReadTokens = max(r.Usage.PromptDetails.CachedTokens, r.Usage.CacheReadTokens)
	u.CacheWriteTokens = r.Usage.CacheCreationTokens
	u.AudioInputTokens, u.ImageInputTokens = r.Usage.PromptDetails.AudioTokens, r.Usage.PromptDetails.ImageTokens
	u.AudioOutputTokens, u.ImageOutputTokens = r.Usage.CompletionDetails.AudioTokens, r.Usage.CompletionDetails.ImageTokens
	u.ReasoningTokens = r.Usage.CompletionDetails.ReasoningTokens
	u.WebSearches = r.Usage.ServerToolUse.WebSearchRequests
	return u
}
