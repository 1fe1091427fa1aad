package azure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/azure/entra"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// The slugs that New serves.
const (
	Slug     = "azure"
	TextSlug = "azure_text"
)

// New prepares a deployment of Azure OpenAI. It reads the parameters and
// variables that LiteLLM reads; the error holds no secret.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	if strings.HasPrefix(cfg.Model, "claude") {
		return NewFoundry(cfg, doer, fetch)
	}
	base := cfg.APIBase
	if base == "" {
		base = cfg.Env("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT")
	}
	if base == "" {
		return nil, errors.New("no api base for azure: set api_base or AZURE_API_BASE")
	}
	known := cfg.Model // what the model is, as far as the name tells
	cfg.Model = deploymentName(cfg.Model)
	e, err := newEndpoint(base, cfg.Model, cfg.APIVersion, cfg.Env("AZURE_API_VERSION"))
	if err != nil {
		return nil, err
	}
	if own := cfg.Text("base_model"); own != "" {
		known = own
	}
	row, err := openAIRow(e, known, cfg.Provider)
	if err != nil {
		return nil, err
	}
	o := compat.Options{URL: e.url}
	if cfg.Provider == TextSlug {
		o.URL = onlyText(e)
	}
	if err := prove(&cfg, doer, &o); err != nil {
		return nil, err
	}
	cfg.APIBase = e.root
	return compat.NewWith(row, cfg, doer, o)
}

func onlyText(e *endpoint) func(provider.Surface) (string, error) {
	return func(s provider.Surface) (string, error) {
		if s != provider.Completions {
			return "", nil
		}
		return e.url(s)
	}
}

// deploymentName cuts LiteLLM's marks of what a deployment is.
func deploymentName(model string) string {
	for _, mark := range []string{"o_series/", "gpt5_series/", "responses/", "chat/"} {
		model = strings.TrimPrefix(model, mark)
	}
	return model
}

// prove decides how the deployment proves itself. What it names itself comes
// before what the environment holds, and a key before a token.
func prove(cfg *provider.Config, doer native.Doer, o *compat.Options) error {
	if cfg.APIKey != "" {
		return nil
	}
	own, err := entra.Find(cfg, doer, false)
	if err != nil {
		return err
	}
	if own == nil {
		if cfg.APIKey = cfg.Env(keyVariables(cfg.Provider)...); cfg.APIKey != "" {
			return nil
		}
		if own, err = entra.Find(cfg, doer, true); err != nil {
			return err
		}
	}
	if own == nil {
		return fmt.Errorf("no credentials for %s: set api_key, azure_ad_token, or tenant_id, client_id and client_secret, or %s",
			cfg.Provider, strings.Join(keyVariables(cfg.Provider), ", "))
	}
	o.Authorizer = own
	return nil
}

func keyVariables(slug string) []string {
	if slug == FoundrySlug {
		return []string{"AZURE_AI_API_KEY", "AZURE_API_KEY"}
	}
	return []string{"AZURE_OPENAI_API_KEY", "AZURE_API_KEY"}
}

// openAIRow is OpenAI's row with Azure's credentials: the same models have the
// same peculiarities. Deployments may be called anything; known tells which
// model one is.
func openAIRow(e *endpoint, known, slug string) (*catalog.Vendor, error) {
	row, ok := catalog.Lookup("openai")
	if !ok {
		return nil, errors.New("the catalog has no row for openai")
	}
	row.Slug, row.Aliases = slug, nil
	row.BaseURL, row.BaseEnv = "", nil
	row.KeyEnv, row.Headers = nil, nil
	row.Auth = []catalog.Auth{{Header: "api-key"}}
	// https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
	row.StreamUsage = !e.before("2024-09-01")
	model := reasoningName(known)
	rules := make([]catalog.Rule, 0, len(row.Rules)+2)
	for _, r := range row.Rules {
		matches := r.Match(model)
		r.Match = func(string) bool { return matches }
		rules = append(rules, r)
	}
	always := func(string) bool { return true }
	if e.before("2024-08-01") { // json_schema
		rules = append(rules, catalog.Rule{Match: always, Quirks: catalog.Quirks{Request: catalog.RequestQuirks{StructuredOutput: catalog.StructuredByTool}}})
	}
	if e.before("2024-06-01") { // the choice "required"
		rules = append(rules, catalog.Rule{Match: always, Quirks: catalog.Quirks{Request: catalog.RequestQuirks{ToolChoiceOnly: []string{"auto", "none"}}}})
	}
	row.Rules = rules
	return &row, nil
}

// reasoningName finds OpenAI's name of a reasoning model in the name that a
// deployment was given: prod-gpt-5-mini, team_o3-mini, o_series/anything.
func reasoningName(deployment string) string {
	switch {
	case strings.HasPrefix(deployment, "o_series/"):
		return "o1"
	case strings.HasPrefix(deployment, "gpt5_series/"):
		return "gpt-5"
	}
	if i := strings.Index(deployment, "gpt-5"); i >= 0 {
		return deployment[i:]
	}
	for i := range len(deployment) - 1 {
		begins := i == 0 || strings.ContainsRune("-_./ ", rune(deployment[i-1]))
		ends := i+2 == len(deployment) || strings.ContainsRune("-_./ ", rune(deployment[i+2]))
		if digit := deployment[i+1]; begins && ends && deployment[i] == 'o' && digit >= '1' && digit <= '9' {
			return deployment[i:]
		}
	}
	return deployment
}
