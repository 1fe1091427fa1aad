package bedrock

import (
	"slices"
	"strings"
)

// beta is a feature of Claude that Bedrock knows, and the first model that has
// it there. Others make Bedrock refuse the request, though clients send them
// as a habit, so they are left out.
type beta struct {
	name  string
	since version
}

// betas are from https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
func betas() []beta {
	return []beta{
		{"computer-use-2024-10-22", version{3, 5}},
		{"computer-use-2025-01-24", version{3, 7}},
		{"computer-use-2025-11-24", version{4, 5}},
		{"token-efficient-tools-2025-02-19", version{3, 7}},
		{"interleaved-thinking-2025-05-14", version{4, 0}},
		{"output-128k-2025-02-19", version{3, 7}},
		{"dev-full-thinking-2025-05-14", version{4, 0}},
		{"context-1m-2025-08-07", version{4, 0}},
		{"context-management-2025-06-27", version{4, 5}},
		{"compact-2026-01-12", version{4, 6}},
		{"effort-2025-11-24", version{4, 5}},
		{"tool-search-tool-2025-10-19", version{4, 5}},
		{"tool-examples-2025-10-29", version{4, 5}},
	}
}

// betas returns those of the wanted ones that the model has, sorted.
func (m *model) betas(wanted []string) []string {
	if len(wanted) == 0 || m.family != claude && m.family != unknownFamily {
		return nil
	}
	var known []string
	for _, name := range wanted {
		name = strings.TrimSpace(name)
		if strings.HasPrefix(name, "advanced-tool-use") { // Anthropic's name for both
			known = append(known, m.betas([]string{"tool-search-tool-2025-10-19", "tool-examples-2025-10-29"})...)
			continue
		}
		for _, b := range betas() {
			if b.name == name && (m.family == unknownFamily || m.version.atLeast(b.since.major, b.since.minor)) {
				known = append(known, name)
			}
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}
