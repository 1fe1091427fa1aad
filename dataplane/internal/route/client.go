package route

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Client are credentials that a request brings itself.
type Client struct{ APIKey, APIBase, APIVersion string }

// The parameters that a request may bring, as litellm_params call them.
const (
	clientKey     = "api_key"
	clientBase    = "api_base"
	clientVersion = "api_version"
)

// clientParam is one that a deployment accepts.
type clientParam struct {
	name    string
	pattern *regexp.Regexp // nil accepts everything
}

func clientParams(rec *contract.Deployment) ([]clientParam, error) {
	var all []clientParam
	for _, p := range rec.ClientParams {
		accepted := clientParam{name: p.Name}
		if p.Pattern != "" {
			var err error
			if accepted.pattern, err = regexp.Compile(`^(?:` + p.Pattern + `)`); err != nil {
				return nil, fmt.Errorf("configurable_clientside_auth_params: %w", err)
			}
		}
		all = append(all, accepted)
	}
	return all, nil
}

// TakesClient reports whether the deployment accepts anything of a request's
// own.
func (d *Deployment) TakesClient() bool { return len(d.client) > 0 }

// ConfigFor returns the deployment's configuration with what a request brings,
// as far as it may: everywhere says that all deployments accept it. foreign
// says that it leads to a host that the request names; then nothing is in it
// that proves who the deployment is. It is not ok when there is nothing to be
// taken.
func (d *Deployment) ConfigFor(c Client, everywhere bool) (cfg provider.Config, foreign, ok bool, err error) {
	if !everywhere {
		if c, err = d.accepted(c); err != nil {
			return cfg, false, false, err
		}
	}
	if c == (Client{}) {
		return cfg, false, false, nil
	}
	cfg = d.config
	if c.APIVersion != "" {
		cfg.APIVersion = c.APIVersion
	}
	switch {
	case c.APIBase != "" && c.APIBase != cfg.APIBase:
		if err := d.mayGo(c.APIBase); err != nil {
			return cfg, false, false, err
		}
		foreign = true
		cfg.APIBase, cfg.APIKey, cfg.Organization, cfg.Headers = c.APIBase, c.APIKey, "", nil
		cfg.Getenv = func(string) string { return "" }
		cfg.Secrets = contract.Secrets{clientKey: c.APIKey}
	case c.APIKey != "":
		base := cfg.Secrets[clientBase]
		cfg.APIKey, cfg.Secrets = c.APIKey, contract.Secrets{clientKey: c.APIKey}
		if base != "" {
			cfg.Secrets[clientBase] = base
		}
	}
	return cfg, foreign, true, nil
}

// accepted leaves out what the deployment does not take, and refuses what is
// not as the admin wants it.
func (d *Deployment) accepted(c Client) (Client, error) {
	for name, value := range map[string]*string{clientKey: &c.APIKey, clientBase: &c.APIBase, clientVersion: &c.APIVersion} {
		at := slices.IndexFunc(d.client, func(p clientParam) bool { return p.name == name || name == clientBase && p.name == "base_url" })
		switch {
		case *value == "":
		case at < 0:
			*value = ""
		case d.client[at].pattern != nil && !d.client[at].pattern.MatchString(*value):
			return c, apierr.BadRequest("Rejected Request: this value of %s is not allowed in request body", name)
		}
	}
	return c, nil
}

// mayGo checks an address that a request names. Providers whose credentials
// come from the machine itself go nowhere but where the deployment says.
func (d *Deployment) mayGo(base string) error {
	for _, cloud := range []string{"bedrock", "sagemaker", "vertex_ai"} {
		if strings.HasPrefix(d.Provider, cloud) {
			return apierr.BadRequest("Rejected Request: api_base is not allowed in request body for provider %s", d.Provider)
		}
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return apierr.BadRequest("Invalid value for 'api_base': want an absolute http or https URL")
	}
	return nil
}

// keyless stands for the backend of a deployment that has no credentials of
// its own: requests have to bring them.
type keyless struct{ cause error }

func (k keyless) refusal() error {
	return apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest, "This deployment has no credentials of its own: send api_key in the request").Because(k.cause)
}

// Offers implements provider.Backend.
func (keyless) Offers(provider.Surface) bool { return true }

// Do implements provider.Backend.
func (k keyless) Do(context.Context, *provider.Call) (provider.Reply, error) { return nil, k.refusal() }

// Chat implements provider.Backend.
func (k keyless) Chat(context.Context, *provider.Call, *chat.Request) (*provider.Answer, error) {
	return nil, k.refusal()
}
