// Package passthrough knows the routes that hand requests on to a vendor as
// they are: under which prefix which vendor stands, what of a request is for
// it, and whose credentials go along. The pipeline does the rest.
//
// Wire facts: https://docs.litellm.ai/docs/pass_through/intro
package passthrough

import (
	"net/url"
	"slices"
	"strings"
)

// Prefix is a family of routes.
type Prefix struct {
	// Path is what the route starts with.
	Path string
	// Provider is whose deployments serve it.
	Provider string
	// Dialect is in which wire usage is read: openai, anthropic, gemini, or "".
	Dialect string
	// KeyInQuery takes the caller's key from there too, as Google's clients
	// send it.
	KeyInQuery bool
	// marks stand in front of the model that a path names.
	marks []string
}

// Prefixes returns the table.
func Prefixes() []Prefix {
	return []Prefix{
		{Path: "/openai", Provider: "openai", Dialect: "openai"},
		{Path: "/openai_passthrough", Provider: "openai", Dialect: "openai"},
		{Path: "/anthropic", Provider: "anthropic", Dialect: "anthropic"},
		{Path: "/gemini", Provider: "gemini", Dialect: "gemini", KeyInQuery: true, marks: google()},
		{Path: "/vertex_ai", Provider: "vertex_ai", Dialect: "gemini", KeyInQuery: true, marks: google()},
		{Path: "/vertex-ai", Provider: "vertex_ai", Dialect: "gemini", KeyInQuery: true, marks: google()},
		{Path: "/bedrock", Provider: "bedrock", marks: []string{"/model/"}},
		{Path: "/azure", Provider: "azure", Dialect: "openai", marks: []string{"/deployments/"}},
		{Path: "/azure_ai", Provider: "azure_ai", Dialect: "openai"},
		{Path: "/cohere", Provider: "cohere"},
		{Path: "/mistral", Provider: "mistral", Dialect: "openai"},
		{Path: "/vllm", Provider: "hosted_vllm", Dialect: "openai"},
		{Path: "/groq", Provider: "groq", Dialect: "openai"},
		{Path: "/deepseek", Provider: "deepseek", Dialect: "openai"},
		{Path: "/openrouter", Provider: "openrouter", Dialect: "openai"},
		{Path: "/xai", Provider: "xai", Dialect: "openai"},
	}
}

// google are the collections of things at Google that generate.
func google() []string { return []string{"/models/", "/tunedModels/", "/endpoints/"} }

// Model returns the model that a path behind the prefix names, or "": the
// segment behind the last mark, at Google up to the colon of a method.
func (p *Prefix) Model(path string) string {
	path, _, _ = strings.Cut(path, "?")
	ends := "/"
	if p.KeyInQuery {
		ends = "/:"
	}
	for _, mark := range p.marks {
		at := strings.LastIndex(path, mark)
		if at < 0 {
			continue
		}
		rest := path[at+len(mark):]
		if end := strings.IndexAny(rest, ends); end >= 0 {
			rest = rest[:end]
		}
		if model, err := url.PathUnescape(rest); err == nil {
			return model
		}
		return rest
	}
	return ""
}

// DialectOf is the wire of what a path asks for: vendors have more than one.
func (p *Prefix) DialectOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	switch {
	case p.Dialect == "gemini" && strings.Contains(path, "/publishers/anthropic/"), p.Provider == "azure_ai" && strings.Contains(path, "/anthropic/"):
		return "anthropic"
	case p.Dialect == "openai" && strings.HasSuffix(path, "/responses"):
		return "responses"
	}
	return p.Dialect
}

// Streams reports whether a path asks for a stream that may come as JSON: that
// of Google's methods without alt=sse.
func Streams(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	return strings.Contains(path, ":stream")
}

// Target returns what the vendor is asked for: the path behind the prefix with
// the query, without a key for us. A path that
// climbs is refused: it would leave what the prefix stands for.
func (p *Prefix) Target(u *url.URL) (path string, ok bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), p.Path)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	if rest == "" {
		rest = "/"
	}
	if climbs(rest) {
		return "", false
	}
	query := u.RawQuery
	if p.KeyInQuery {
		query = without(query, "key") // the caller's key for this gateway
	}
	if query != "" {
		rest += "?" + query
	}
	return rest, true
}

// climbs reports whether a path might leave what it stands under, however its
// reader takes it apart.
func climbs(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || strings.ContainsAny(plain, "\\\x00\r\n") {
			return true
		}
		for part := range strings.SplitSeq(plain, "/") {
			if part == ".." || part == "." {
				return true
			}
		}
	}
	return false
}

// without cuts a parameter out of a query and leaves the rest as it was
// written.
func without(query, name string) string {
	if !strings.Contains(query, "=") {
		return query
	}
	kept := strings.Split(query, "&")
	kept = slices.DeleteFunc(kept, func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(key)
		return err == nil && plain == name
	})
	return strings.Join(kept, "&")
}
