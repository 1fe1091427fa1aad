// Package access holds the rules that both planes must apply alike: which routes
// and which models a key may use.
package access

import (
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/route"
)

// group returns the routes that a name in a key's allowed_routes stands for.
// The names and members are LiteLLM's.
func group(name string) []string {
	switch name {
	case "llm_api_routes":
		return slices.Concat(openAI(), anthropic(), google(), route.PassThroughPrefixes())
	case "openai_routes":
		return openAI()
	case "anthropic_routes":
		return anthropic()
	case "google_routes":
		return google()
	case "mapped_pass_through_routes", "passthrough_routes_wildcard":
		return route.PassThroughPrefixes()
	case "info_routes":
		return []string{
			"/key/info", "/team/info", "/team/list", "/user/info", "/model/info", "/v1/model/info", "/health", "/key/list", "/models", "/v1/models",
			"/organization/list",
		}
	case "management_routes":
		return []string{"/key/*", "/team/*", "/user/*", "/model/*"}
	case "key_management_routes":
		return []string{"/key/*"}
	case "spend_tracking_routes":
		return []string{"/spend/*"}
	}
	return nil
}

func openAI() []string {
	routes := []string{"/openai/deployments/*", "/engines/*", "/v2/rerank"}
	for _, path := range []string{
		"/chat/completions", "/completions", "/embeddings", "/responses", "/images", "/audio", "/moderations", "/rerank", "/realtime", "/models",
		"/files", "/uploads", "/batches", "/fine_tuning", "/vector_stores", "/assistants", "/threads", "/evals",
	} {
		routes = append(routes, path, "/v1"+path)
	}
	return routes
}

func anthropic() []string { return []string{"/v1/messages"} }

func google() []string { return []string{"/v1beta/models", "/models"} }

// Route reports whether a path is among a key's allowed routes. An empty
// list allows everything. An item is a path, a path in front of a slash, a
// pattern that ends in '*', or the name of a group.
func Route(allowed []string, path string) bool {
	if len(allowed) == 0 {
		return true
	}
	for _, item := range allowed {
		if matches(item, path) || slices.ContainsFunc(group(item), func(member string) bool { return matches(member, path) }) {
			return true
		}
	}
	return false
}

func matches(item, path string) bool {
	if item == path || strings.HasPrefix(path, item+"/") {
		return item != ""
	}
	prefix, ok := strings.CutSuffix(item, "*")
	return ok && strings.HasPrefix(path, prefix)
}
