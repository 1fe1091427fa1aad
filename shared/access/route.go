// Package access holds the rules that both planes must apply alike: which routes
// and which models a key may use.
package access

import "strings"

// groups are the names by which a key's allowed_routes may mean several
// routes at once.
func groups() map[string][]string {
	llm := []string{
		"/chat/completions", "/v1/chat/completions", "/completions", "/v1/completions", "/embeddings", "/v1/embeddings",
		"/models", "/v1/models", "/openai/*", "/engines/*",
	}
	info := []string{"/key/info", "/team/info", "/team/list", "/user/info", "/model/info", "/v1/model/info", "/health", "/key/list"}
	management := []string{"/key/*", "/team/*", "/user/*", "/model/*"}
	return map[string][]string{
		"llm_api_routes": llm, "openai_routes": llm, "info_routes": info,
		"management_routes": management, "key_management_routes": {"/key/*"},
		"spend_tracking_routes": {"/spend/*"},
	}
}

// Route reports whether a path is among a key's allowed routes. An empty
// list allows everything. An item is a path, a path in front of a slash, a
// pattern that ends in '*', or the name of a group.
func Route(allowed []string, path string) bool {
	if len(allowed) == 0 {
		return true
	}
	for _, item := range allowed {
		if matches(item, path) {
			return true
		}
		for _, member := range groups()[item] {
			if matches(member, path) {
				return true
			}
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
