package pipeline

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/tianjillm/tianjillm/shared/money"
)

func itoa(n int) string { return strconv.Itoa(n) }

// set stores a header value without a slice of its own: the values of one
// response share an array. name must be in canonical form.
func (x *exchange) set(h http.Header, name, value string) {
	if x.values == nil {
		n := usualHeaders
		if x.tells() {
			n += 2 * len(x.account.demands)
		}
		x.values = make([]string, 0, n)
	}
	x.values = append(x.values, value)
	n := len(x.values)
	h[name] = x.values[n-1 : n : n]
}

// usualHeaders is how many headers an answer has, rarely more.
const usualHeaders = 8

// ours sets one of our headers, under LiteLLM's name too where that is wanted.
func (x *exchange) ours(h http.Header, name, twin, value string) {
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

func (x *exchange) setHeaders(h http.Header, vendor func(string) string) {
	x.ours(h, "X-Tianji-Call-Id", "X-Litellm-Call-Id", x.callID)
	h["X-Tianji-Version"] = x.p.version
	if d := x.deployment; d != nil {
		x.ours(h, "X-Tianji-Model-Id", "X-Litellm-Model-Id", d.ID)
		x.ours(h, "X-Tianji-Model-Group", "X-Litellm-Model-Group", x.usage.ModelGroup)
		x.ours(h, "X-Tianji-Model-Api-Base", "X-Litellm-Model-Api-Base", d.APIBase)
		x.setAttempts(h)
	}
	if x.account.shared {
		x.ours(h, "X-Tianji-Priority", "X-Litellm-Priority", cmp.Or(x.priority(), "default"))
		x.ours(h, "X-Tianji-Rate-Limiter-Version", "X-Litellm-Rate-Limiter-Version", "v3")
	}
	x.setStandings(h)
	if vendor == nil {
		return
	}
	for _, name := range relayed() {
		if value := vendor(name); value != "" {
			x.set(h, "Llm_provider-"+name, value)
		}
	}
}

// setAttempts says how often was tried. The usual answer, never, is not worth
// a header, but for those who ask for LiteLLM's.
func (x *exchange) setAttempts(h http.Header) {
	if u := &x.usage; u.Retries > 0 || u.Fallbacks > 0 || x.state.config.General.LitellmHeaders {
		x.ours(h, "X-Tianji-Attempted-Retries", "X-Litellm-Attempted-Retries", itoa(u.Retries))
		x.ours(h, "X-Tianji-Attempted-Fallbacks", "X-Litellm-Attempted-Fallbacks", itoa(u.Fallbacks))
	}
}

func (x *exchange) setCost(h http.Header) {
	x.ours(h, "X-Tianji-Response-Cost", "X-Litellm-Response-Cost", money.Nano(x.usage.CostNano).String())
}
