package passthrough

import (
	"net/http"
	"net/url"
	"strings"
)

// Resource is a family of OpenAI's or Anthropic's routes about things that a
// vendor keeps: files, batches, jobs. They are handed on to one provider.
type Resource struct {
	// Path is the route without its version.
	Path string
	// Provider serves it where the request names none.
	Provider string
	Dialect  string
	// Versioned routes exist with /v1 only, and the vendor wants it.
	Versioned bool
	CallType  string
}

// Resources returns the table.
//
// Wire facts: https://platform.openai.com/docs/api-reference/files,
// https://docs.anthropic.com/en/api/creating-message-batches
func Resources() []Resource {
	return []Resource{
		{Path: "/files", Provider: "openai", CallType: "afile"},
		{Path: "/uploads", Provider: "openai", CallType: "aupload"},
		{Path: "/batches", Provider: "openai", CallType: "abatch"},
		{Path: "/fine_tuning", Provider: "openai", CallType: "afine_tuning"},
		{Path: "/vector_stores", Provider: "openai", CallType: "avector_store"},
		{Path: "/assistants", Provider: "openai", Dialect: "openai", CallType: "aassistants"},
		{Path: "/threads", Provider: "openai", Dialect: "openai", CallType: "aassistants"},
		{Path: "/evals", Provider: "openai", CallType: "aevals"},
		{Path: "/messages/batches", Provider: "anthropic", Versioned: true, CallType: "amessage_batch"},
	}
}

// Asked returns the provider that a request names for a resource in a header
// or in the query, or "".
func Asked(r *http.Request) string {
	for _, name := range [...]string{"Custom-Llm-Provider", "X-Tianji-Provider"} {
		if v := r.Header.Get(name); v != "" {
			return v
		}
	}
	return r.URL.Query().Get("custom_llm_provider")
}

// Target returns what the vendor is asked for.
func (s *Resource) Target(u *url.URL) (path string, ok bool) {
	p := Prefix{Path: "/v1"}
	if !strings.HasPrefix(u.Path, "/v1/") {
		p.Path = ""
	}
	path, ok = p.Target(u)
	if !ok {
		return "", false
	}
	if head, query, found := strings.Cut(path, "?"); found {
		path = head
		if query = without(query, "custom_llm_provider"); query != "" {
			path += "?" + query
		}
	}
	if s.Versioned {
		path = "/v1" + path
	}
	return path, true
}
