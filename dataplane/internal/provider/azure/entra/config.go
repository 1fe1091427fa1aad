package entra

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	defaultScope     = "https://cognitiveservices.azure.com/.default"
	defaultAuthority = "https://login.microsoftonline.com"
	// jwtBearer is the kind of an assertion.
	jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" //nolint:gosec // no credential
	// fileToken stands in front of the path of another issuer's token, as in
	// LiteLLM.
	fileToken = "oidc/file/" //nolint:gosec // no credential
)

// Proof proves who calls.
type Proof interface {
	Authorize(ctx context.Context, method, url string, body []byte) ([]upstream.Field, error)
}

// identity is what a deployment or the environment names.
type identity struct {
	tenant, client   string
	secret           string
	user, password   string
	token, tokenFile string
	scope, authority string
}

// Find returns what the deployment names, or nil when it names nothing that is
// enough. Where environment is set, variables complete what it does not name.
func Find(cfg *provider.Config, doer Doer, environment bool) (Proof, error) {
	id := read(cfg, environment)
	form := url.Values{"client_id": {id.client}, "scope": {id.scope}, "grant_type": {"client_credentials"}}
	path, oidc := strings.CutPrefix(id.token, fileToken)
	switch {
	case id.client != "" && id.secret != "" && id.tenant != "":
		form.Set("client_secret", id.secret)
		return newSource(doer, id, encode(form))
	case id.client != "" && id.user != "" && id.password != "":
		if id.tenant == "" {
			id.tenant = "organizations"
		}
		form.Set("grant_type", "password")
		form.Set("username", id.user)
		form.Set("password", id.password)
		return newSource(doer, id, encode(form))
	case id.token != "" && !oidc:
		return Static(id.token), nil
	case !oidc:
		path = id.tokenFile
	}
	switch {
	case path == "":
		return nil, nil //nolint:nilnil // nothing named is not an error
	case id.client == "" || id.tenant == "":
		return nil, errors.New("entra id: a federated token needs client_id and tenant_id")
	}
	return newSource(doer, id, func() (string, error) {
		token, err := assertion(path)
		if err != nil {
			return "", err
		}
		form := url.Values{
			"client_id": {id.client}, "scope": {id.scope}, "grant_type": {"client_credentials"}, "client_assertion_type": {jwtBearer}, "client_assertion": {token},
		}
		return form.Encode(), nil
	})
}

// read takes LiteLLM's parameters and, where they may, the variables of
// Microsoft's own libraries.
func read(cfg *provider.Config, environment bool) identity {
	text := func(name string, env ...string) string {
		if !environment {
			env = nil
		}
		return cfg.Text(name, env...)
	}
	id := identity{
		tenant: text("tenant_id", "AZURE_TENANT_ID"), client: text("client_id", "AZURE_CLIENT_ID"), secret: text("client_secret", "AZURE_CLIENT_SECRET"),
		user: text("azure_username", "AZURE_USERNAME"), password: text("azure_password", "AZURE_PASSWORD"), token: text("azure_ad_token", "AZURE_AD_TOKEN"),
		tokenFile: text("azure_federated_token_file", "AZURE_FEDERATED_TOKEN_FILE"),
		scope:     cfg.Text("azure_scope", "AZURE_SCOPE"), authority: cfg.Text("azure_authority_host", "AZURE_AUTHORITY_HOST"),
	}
	if id.scope == "" {
		id.scope = defaultScope
	}
	if id.authority == "" {
		id.authority = defaultAuthority
	}
	return id
}

func newSource(doer Doer, id identity, form func() (string, error)) (*Source, error) {
	where := strings.TrimRight(id.authority, "/") + "/" + url.PathEscape(id.tenant) + "/oauth2/v2.0/token"
	if _, err := upstream.ParseTarget(where); err != nil {
		return nil, errors.New("entra id: azure_authority_host is not the URL of an issuer")
	}
	return &Source{doer: doer, url: where, form: form, now: time.Now, locked: make(chan struct{}, 1)}, nil
}
