package azure

import (
	"errors"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

const (
	// defaultVersion is LiteLLM's.
	defaultVersion = "2025-02-01-preview"
	previewVersion = "preview"
	// responsesSince is the first dated version that has Responses; others are
	// sent to the v1 API for it.
	responsesSince = "2025-03-01"
	v1Path         = "/openai/v1"
	deployments    = "/openai/deployments/"
)

// endpoint is where a deployment is called.
type endpoint struct {
	root string // scheme, host and what stands in front of /openai
	// dir is what stands in front of the operations by deployment.
	dir     string
	version string
	v1      bool
	// gateway hosts have no API beside the one by deployment.
	gateway bool
}

// newEndpoint reads a base as users write it: the resource, the v1 API, or a
// whole URL from the portal. Its version is the deployment's own, else that of
// the URL, else the environment's.
func newEndpoint(base, deployment, version, environment string) (*endpoint, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("api_base: want https://RESOURCE.openai.azure.com")
	}
	e := &endpoint{}
	for _, v := range []string{version, u.Query().Get("api-version"), environment, defaultVersion} {
		if e.version == "" {
			e.version = v
		}
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	origin := u.Scheme + "://" + u.Host
	if u.User != nil {
		origin = u.Scheme + "://" + u.User.String() + "@" + u.Host
	}
	if u.Hostname() == "gateway.ai.cloudflare.com" { // it knows the resource, and wants the deployment
		e.root, e.gateway = origin+path, true
		e.dir = e.root + "/" + url.PathEscape(deployment)
		return e, nil
	}
	if before, after, ok := strings.Cut(path, deployments); ok { // a URL from the portal names the deployment
		name, _, _ := strings.Cut(after, "/")
		e.root = origin + before
		e.dir = e.root + deployments + name
		return e, nil
	}
	before, rest, _ := strings.Cut(path, "/openai")
	e.root = origin + before
	e.dir = e.root + deployments + url.PathEscape(deployment)
	e.v1 = rest == "/v1" || strings.HasPrefix(rest, "/v1/") || e.version == previewVersion || e.version == "latest" || e.version == "v1"
	return e, nil
}

// dated reports whether a version is a date before another one; names are none.
func (e *endpoint) before(date string) bool {
	return e.version[0] >= '0' && e.version[0] <= '9' && e.version < date
}

// url returns where a surface is called, or "" for one that Azure lacks.
func (e *endpoint) url(s provider.Surface) (string, error) {
	path := operation(s)
	switch {
	case path == "":
		return "", nil
	case s == provider.Responses && e.gateway:
		return "", nil
	case e.v1:
		return e.root + v1Path + path + e.v1Query(), nil
	case s == provider.Responses && e.before(responsesSince):
		return e.root + v1Path + path + "?api-version=" + previewVersion, nil
	case s == provider.Responses:
		return e.root + "/openai" + path + e.query(), nil
	}
	return e.dir + path + e.query(), nil
}

func (e *endpoint) query() string { return "?api-version=" + url.QueryEscape(e.version) }

// v1Query asks for what is not settled yet; the settled v1 API needs no version.
func (e *endpoint) v1Query() string {
	if e.version == previewVersion {
		return e.query()
	}
	return ""
}

// operation is the path of a surface, the same in both APIs.
func operation(s provider.Surface) string {
	switch s {
	case provider.ChatCompletions:
		return "/chat/completions"
	case provider.Completions:
		return "/completions"
	case provider.Embeddings:
		return "/embeddings"
	case provider.Responses:
		return "/responses"
	case provider.ImageGenerations:
		return "/images/generations"
	case provider.ImageEdits:
		return "/images/edits"
	case provider.Speech:
		return "/audio/speech"
	case provider.Transcriptions:
		return "/audio/transcriptions"
	case provider.Translations:
		return "/audio/translations"
	default:
		return ""
	}
}
