package azure

import (
	"net/url"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// URL returns where a deployment of Azure OpenAI calls a surface.
func URL(base, deployment, version, environment string, s provider.Surface) (string, error) {
	e, err := newEndpoint(base, deployment, version, environment)
	if err != nil {
		return "", err
	}
	return e.url(s)
}

// FoundryURL returns where a deployment of Foundry calls a surface.
func FoundryURL(base, version string, s provider.Surface) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	return foundryURL(u, version)(s)
}

// ReasoningName is reasoningName.
func ReasoningName(deployment string) string { return reasoningName(deployment) }
