package vertex

import (
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
)

const (
	defaultRegion = "us-central1"
	claudeRegion  = "us-east5"
	// global is the one location that the newest models have.
	global = "global"
)

// place is where the models of a deployment are.
type place struct {
	base     string
	project  string
	location string
	version  string // of the API, or "" when the base has it all
	whole    bool   // the base leads to the model itself
}

// newPlace finds out where a deployment is, but for its project.
func newPlace(cfg *provider.Config, m *model) *place {
	p := &place{
		project: setting(cfg, []string{"vertex_project", "vertex_ai_project"}, "VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"),
		location: strings.ToLower(
			setting(cfg, []string{"vertex_location", "vertex_ai_location"}, "VERTEXAI_LOCATION", "VERTEX_LOCATION")),
	}
	if p.location == "" {
		p.location = m.region()
	}
	p.base = strings.TrimRight(cfg.APIBase, "/")
	if p.base == "" {
		p.base = strings.TrimRight(cfg.Env("VERTEXAI_API_BASE"), "/")
	}
	if p.base == "" {
		p.base = "https://" + host(p.location)
	}
	switch {
	case strings.Contains(p.base, "/publishers/") || strings.Contains(p.base, "/endpoints/"):
		p.whole = true
	case strings.Contains(p.base, "/projects/"):
	default:
		p.version = version(cfg.APIVersion)
	}
	return p
}

// setting returns the first of the parameters that is given, else the first of
// the variables.
func setting(cfg *provider.Config, names []string, env ...string) string {
	for _, name := range names {
		if s := cfg.Text(name); s != "" {
			return s
		}
	}
	return cfg.Env(env...)
}

func version(configured string) string {
	if configured != "" {
		return strings.Trim(configured, "/")
	}
	return "v1"
}

// host is the service of a location: a region, or a group of them.
func host(location string) string {
	switch location {
	case global:
		return "aiplatform.googleapis.com"
	case "us", "eu":
		return "aiplatform." + location + ".rep.googleapis.com"
	}
	return location + "-aiplatform.googleapis.com"
}

// root is the path of the location. Previews are in the API's beta version.
func (p *place) root(beta bool) string {
	if p.version == "" {
		return ""
	}
	v := p.version
	if v == "v1" && beta {
		v = "v1beta1"
	}
	return "/" + v + "/" + p.name()
}

// name is the location's resource name.
func (p *place) name() string {
	return "projects/" + url.PathEscape(p.project) + "/locations/" + url.PathEscape(p.location)
}

// method returns the path of a method of a model, given by its publisher or as
// an endpoint.
func (p *place) method(resource, method string, beta bool) string {
	if p.whole {
		return ":" + method
	}
	return p.root(beta) + "/" + resource + ":" + method
}

func publisher(who, model string) string {
	return "publishers/" + who + "/models/" + gemini.EscapeModel(model)
}
