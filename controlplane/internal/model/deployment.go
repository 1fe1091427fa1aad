// Package model manages deployments: those of the config file and those made
// through the API, which are stored with all their parameters sealed.
package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// render turns a model, which has what it shares, into what data planes are
// told. Secrets of prev that did not change keep their sealed form.
func (s *Service) render(m proxyconfig.Model, fromDB bool, prev *contract.Deployment) (*contract.Deployment, error) {
	provider, name, err := split(m)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Name, err)
	}
	rate, err := rateOf(m)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Name, err)
	}
	d := &contract.Deployment{
		ID: m.ID, ModelName: m.Name, Provider: provider, Model: name, APIBase: m.Params.APIBase, APIVersion: m.Params.APIVersion,
		Organization: m.Params.Organization, TimeoutMS: milliseconds(m.Params.Timeout), StreamTimeoutMS: milliseconds(m.Params.StreamTimeout),
		Rate: rate, MockResponse: m.Params.MockResponse, Mode: m.Info.Mode, FromDB: fromDB, Routing: routing(m),
		ClientParams: clientParams(m), Guarded: m.Guarded,
	}
	secrets := contract.Secrets{}
	if key := m.Params.APIKey.Reveal(); key != "" {
		secrets["api_key"] = key
	}
	if base := withoutCredentials(m.Params.APIBase); base != m.Params.APIBase {
		secrets["api_base"], d.APIBase = m.Params.APIBase, base
	}
	for header, value := range m.Params.Headers {
		secrets[contract.SecretHeader+header] = value.Reveal()
	}
	params := map[string]json.RawMessage{}
	for param, value := range m.Params.Extra {
		if !sensitive(param) {
			params[param] = value
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value) // a credential that is an object, as JSON
		}
		secrets[param] = text
	}
	if m.Params.DropParams != nil && *m.Params.DropParams || m.Params.DropParams == nil && s.dropParams {
		params["drop_params"] = json.RawMessage("true")
	}
	if len(params) > 0 {
		d.Params = params
	}
	return d, s.sealInto(d, secrets, prev)
}

// clientParams are what requests may bring themselves.
func clientParams(m proxyconfig.Model) []contract.ClientParam {
	var all []contract.ClientParam
	for _, p := range m.Params.ClientParams {
		all = append(all, contract.ClientParam{Name: p.Name, Pattern: p.Pattern})
	}
	return all
}

// split finds the provider. A model "*" under a name with a star is whatever
// is asked for, and its provider with it.
func split(m proxyconfig.Model) (provider, name string, err error) {
	if m.Params.Model == "*" && m.Params.Provider == "" && strings.Contains(m.Name+m.Info.TeamPublicName, "*") {
		return "", m.Params.Model, nil
	}
	return catalog.SplitAt(m.Params.Model, m.Params.Provider, m.Params.APIBase)
}

func (s *Service) sealInto(d *contract.Deployment, secrets contract.Secrets, prev *contract.Deployment) error {
	if len(secrets) == 0 {
		return nil
	}
	if prev != nil && len(prev.Sealed) > 0 {
		var before contract.Secrets
		plain, err := s.box.Open(prev.Sealed, contract.SealPurpose(d.ID))
		if err == nil && json.Unmarshal([]byte(plain), &before) == nil && maps.Equal(before, secrets) {
			d.Sealed = prev.Sealed
			return nil
		}
	}
	b, err := json.Marshal(secrets)
	if err != nil {
		return fmt.Errorf("model %s: encode credentials: %w", d.ModelName, err)
	}
	d.Sealed = s.box.Seal(string(b), contract.SealPurpose(d.ID))
	return nil
}

// sensitive reports whether a parameter of litellm_params may hold a
// credential. Too many is better than one too few.
func sensitive(param string) bool {
	p := strings.ToLower(param)
	for _, part := range []string{"key", "secret", "token", "password", "credential", "auth", "private", "cert", "signature"} {
		if strings.Contains(p, part) && !strings.Contains(p, "cost_per") && !strings.HasPrefix(p, "max_") && !strings.HasPrefix(p, "default_api_key_") {
			return true
		}
	}
	return false
}

// withoutCredentials returns a base URL without user and password.
func withoutCredentials(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.User == nil {
		return base
	}
	u.User = nil
	return u.String()
}

func milliseconds(d *time.Duration) int64 {
	if d == nil {
		return 0
	}
	return d.Milliseconds()
}
