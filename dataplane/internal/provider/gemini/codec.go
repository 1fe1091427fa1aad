package gemini

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// Site is where a deployment finds its model. The Gemini API and Vertex AI
// have the same bodies under different paths.
type Site struct {
	Slug  string
	Model string
	// Path returns the path of a method of the model, such as generateContent,
	// of the API's beta version where that is needed.
	Path func(method string, beta bool) string
	// Vertex is set for Vertex AI, which fetches links by itself and knows
	// labels.
	Vertex  bool
	Budgets Budgets
}

// Codec translates chats. It is safe for concurrent use.
type Codec struct {
	site   Site
	traits traits
	params []string
}

// NewCodec returns the codec of a deployment.
func NewCodec(site Site) *Codec {
	c := &Codec{site: site, traits: traitsOf(site.Model)}
	c.params = []string{
		"tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed",
		"frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "response_format", "modalities", "audio", "web_search_options",
		"service_tier", "user", // nobody is told of the user; LiteLLM takes the parameter everywhere
	}
	if c.traits.reasons {
		c.params = append(c.params, "reasoning_effort", "thinking")
	}
	return c
}

// Params implements native.Chatter.
func (c *Codec) Params() []string { return c.params }

// Chat implements native.Chatter.
func (c *Codec) Chat(req *chat.Request) (*native.Exchange, error) {
	r, err := c.request(req)
	if err != nil {
		return nil, err
	}
	body, err := r.encode()
	if err != nil {
		return nil, err
	}
	method := "generateContent"
	if req.Stream {
		method = "streamGenerateContent?alt=sse"
	}
	_, cached := r.extra["cachedContent"]
	return &native.Exchange{
		Request: native.Request{Path: c.site.Path(method, cached), Body: body},
		Whole:   readAnswer, Stream: &decoder{}, Framing: frame.SSE(),
	}, nil
}

func (r *request) encode() ([]byte, error) {
	b, err := marshal(r)
	if err != nil {
		return nil, err
	}
	return overlay(b, r.extra)
}

// request translates a request.
func (c *Codec) request(req *chat.Request) (*request, error) {
	if err := c.parallel(req); err != nil {
		return nil, err
	}
	v, err := c.converse(req.Messages)
	if err != nil {
		return nil, err
	}
	if c.traits.small {
		v.demand(req)
	}
	if len(v.contents) == 0 {
		v.say(userRole, false, part{Text: " "}) // there has to be something; LiteLLM says as much
	}
	r := &request{Contents: v.contents, ServiceTier: serviceTier(req.ServiceTier)}
	if len(v.system) > 0 {
		r.SystemInstruction = &content{Parts: v.system}
	}
	if err := c.tools(r, req); err != nil {
		return nil, err
	}
	g, err := c.config(req)
	if err != nil {
		return nil, err
	}
	if err := c.extras(r, g, req); err != nil {
		return nil, err
	}
	r.GenerationConfig, err = g.encode()
	return r, err
}

// parallel refuses what Gemini has no word for: several functions, of which
// only one may be called at a time.
func (c *Codec) parallel(req *chat.Request) error {
	if req.ParallelToolCalls == nil || *req.ParallelToolCalls || functions(req) < 2 {
		return nil
	}
	return native.Unsupported(c.site.Slug, c.site.Model, "parallel_tool_calls")
}

func functions(req *chat.Request) int {
	n := 0
	for i := range req.Tools {
		if req.Tools[i].Function != nil {
			n++
		}
	}
	return n
}

// demand tells a model without JSON mode what is wanted of it.
func (v *conversation) demand(req *chat.Request) {
	schema := req.OutputSchema()
	switch f := req.ResponseFormat; {
	case f == nil || f.Type == chat.FormatText:
	case len(schema) > 0:
		v.say(userRole, false, part{Text: "Use this JSON schema:\n```json\n" + string(schema) + "\n```"})
	default:
		v.say(userRole, false, part{Text: "Answer with a JSON object and nothing else."})
	}
}

// serviceTier translates OpenAI's names of the tiers.
func serviceTier(tier string) string {
	switch tier {
	case "", "auto":
		return ""
	case "default":
		return "standard"
	}
	return tier
}
