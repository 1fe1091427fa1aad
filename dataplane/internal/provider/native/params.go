package native

import (
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// check refuses or drops OpenAI's parameters that the vendor does not know.
// Members that are none of OpenAI's are the vendor's own and stay in Extra.
func (b *Backend) check(call *provider.Call, req *chat.Request) error {
	known := b.opts.Chatter.Params()
	var unknown []string
	if req.N != nil && *req.N == 1 {
		req.N = nil // what everybody does; LangChain always sends it
	}
	for _, name := range req.Params() {
		if !slices.Contains(known, name) && !slices.Contains(call.Allowed, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	if !call.DropParams && string(b.opts.Config.Params["drop_params"]) != "true" {
		return Unsupported(b.opts.Config.Provider, b.opts.Config.Model, unknown...)
	}
	for _, name := range unknown {
		req.Drop(name)
	}
	return nil
}

// Unsupported is LiteLLM's answer to parameters that a vendor does not know.
func Unsupported(slug, model string, params ...string) error {
	return provider.Unsupported(slug, "['"+strings.Join(params, "', '")+"']", model)
}
