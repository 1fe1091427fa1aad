package pipeline

import (
	"net/http"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/money"
)

func itoa(n int) string { return strconv.Itoa(n) }

// set stores a header value without a slice of its own: the values of one
// response share an array. name must be in canonical form.
func (x *exchange) set(h http.Header, name, value string) {
	if x.values == nil {
		x.values = make([]string, 0, usualHeaders)
	}
	x.values = append(x.values, value)
	n := len(x.values)
	h[name] = x.values[n-1 : n : n]
}

// usualHeaders is how many headers an answer has, rarely more.
const usualHeaders = 8

// own sets one of our headers, under LiteLLM's name too where that is wanted.
func (x *exchange) own(h http.Header, name, twin, value string) {
	if value == "" {
		return
	}
	x.set(h, name, value)
	if x.state != nil && x.state.config.General.LitellmHeaders {
		h[twin] = h[name]
	}
}

// relayed are headers of the vendor that clients read; the rest stays here.
func relayed() [8]string {
	return [...]string{
		"X-Request-Id", "Openai-Processing-Ms", "X-Ratelimit-Limit-Requests", "X-Ratelimit-Limit-Tokens",
		"X-Ratelimit-Remaining-Requests", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Requests", "X-Ratelimit-Reset-Tokens",
	}
}

func (x *exchange) setHeaders(h http.Header, reply provider.Reply) {
	x.own(h, "X-Tianji-Call-Id", "X-Litellm-Call-Id", x.callID)
	h["X-Tianji-Version"] = x.p.version
	if d := x.deployment; d != nil {
		x.own(h, "X-Tianji-Model-Id", "X-Litellm-Model-Id", d.ID)
		x.own(h, "X-Tianji-Model-Group", "X-Litellm-Model-Group", x.usage.ModelGroup)
		x.own(h, "X-Tianji-Model-Api-Base", "X-Litellm-Model-Api-Base", d.APIBase)
	}
	if reply == nil {
		return
	}
	for _, name := range relayed() {
		if value := reply.Header(name); value != "" {
			x.set(h, "Llm_provider-"+name, value)
		}
	}
}

func (x *exchange) setCost(h http.Header) {
	x.own(h, "X-Tianji-Response-Cost", "X-Litellm-Response-Cost", money.Nano(x.usage.CostNano).String())
}
