package anthropic

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	headerVersion = "Anthropic-Version"
	headerBeta    = "Anthropic-Beta"
	// version1 is the only version of the API that there is.
	version1 = "2023-06-01"

	betaFiles             = "files-api-2025-04-14"
	betaMCP               = "mcp-client-2025-04-04"
	betaOAuth             = "oauth-2025-04-20"
	betaCountTokens       = "token-counting-2024-11-01"
	betaContextManagement = "context-management-2025-06-27"
	betaCompact           = "compact-2026-01-12"
	betaFast              = "fast-mode-2026-02-01"
	betaStructuredOutputs = "structured-outputs-2025-11-13"

	// extraBetas is the member in which clients of OpenAI's wire name betas.
	extraBetas = "anthropic_beta"
)

// betasOf returns the betas that a tool of Anthropic's needs. Tools that are
// out of beta are not listed:
// https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-reference
func betasOf(tool string) []string {
	for _, b := range [...]struct{ tool, beta string }{
		{"web_fetch_20250910", "web-fetch-2025-09-10"},
		{"memory_", betaContextManagement},
		{"computer_20241022", "computer-use-2024-10-22"},
		{"computer_20250124", "computer-use-2025-01-24"},
		{"computer_20251124", "computer-use-2025-11-24"},
		{"code_execution_20250522", "code-execution-2025-05-22"},
		{"code_execution_20250825", "code-execution-2025-08-25"},
		{"advisor_", "advisor-tool-2026-03-01"},
		{"mcp_toolset", "mcp-client-2025-11-20"},
	} {
		if strings.HasPrefix(tool, b.tool) {
			return []string{b.beta}
		}
	}
	return nil
}

// header returns the fields that say which API is meant, unless the body does.
func (c *Codec) header(version string, betas []string) []upstream.Field {
	var fields []upstream.Field
	if c.opts.BodyVersion == "" {
		fields = append(fields, upstream.Field{Name: headerVersion, Value: version})
	}
	if all := distinct(betas); len(all) > 0 && !c.opts.BodyBetas {
		fields = append(fields, upstream.Field{Name: headerBeta, Value: strings.Join(all, ", ")})
	}
	return fields
}

// distinct returns names in the order in which they first stand.
func distinct(names []string) []string {
	var all []string
	for _, name := range names {
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// split takes lists of betas apart: header values, or what stands in a body.
// What is no name could not stand in a header.
func split(lists []string) []string {
	var all []string
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); valid(strings.ReplaceAll(name, ".", "_")) {
				all = append(all, name)
			}
		}
	}
	return all
}

// WithBetas returns the request with the betas that the client named in a
// header, for a Codec to merge with its own.
func WithBetas(call *provider.Call, req *chat.Request) *chat.Request {
	named := split(call.Header[http.CanonicalHeaderKey(headerBeta)])
	if len(named) == 0 {
		return req
	}
	own := *req
	own.Anthropic = cloneWith(req.Anthropic, extraBetas, jsonx.Quote(strings.Join(named, ",")))
	return &own
}
