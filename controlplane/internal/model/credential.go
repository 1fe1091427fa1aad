package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const credentialName = "litellm_credential_name" //nolint:gosec // a member's name

// share gives a deployment what it takes from the credential that it names.
func (s *Service) share(ctx context.Context, m proxyconfig.Model) (proxyconfig.Model, error) {
	name := m.Params.CredentialName
	if name == "" {
		return m, nil
	}
	var q db.DBTX
	if s.store != nil { // of a config file alone there is none
		q = s.store.DB()
	}
	values, found, err := s.vault.Values(ctx, q, name)
	return shared(m, values, found, err)
}

// shared lays values under the parameters of a deployment.
func shared(m proxyconfig.Model, values map[string]json.RawMessage, found bool, err error) (proxyconfig.Model, error) {
	if err != nil {
		return m, fmt.Errorf("model %s: %w", m.Name, err)
	}
	if !found {
		return m, fmt.Errorf("model %s: credential_list has no %q", m.Name, m.Params.CredentialName)
	}
	m.Params = m.Params.WithCredential(values)
	return m, nil
}

// check refuses a deployment that data planes could not be told of, and holds
// the credential that it names until the transaction ends.
func (s *Service) check(ctx context.Context, tx *store.Tx, m proxyconfig.Model) error {
	if name := m.Params.CredentialName; name != "" {
		values, found, err := s.vault.Hold(ctx, tx, name)
		if store.Unavailable(err) {
			return err //nolint:wrapcheck // it says what it is
		}
		if m, err = shared(m, values, found, err); err != nil {
			return apierr.BadRequest("%v", err)
		}
	}
	if _, err := s.render(m, true, nil); err != nil {
		return apierr.BadRequest("%v", err)
	}
	return nil
}

// Using returns the ids of the deployments that name a credential.
func (s *Service) Using(ctx context.Context, q db.DBTX, credential string) ([]string, error) {
	var ids []string
	for _, id := range s.order {
		if s.file[id].Params.CredentialName == credential {
			ids = append(ids, id)
		}
	}
	rows, err := s.store.ModelList(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	for _, row := range rows {
		params, err := s.open(row)
		if err != nil {
			continue // of another salt key: it is not called
		}
		if textOf(params[credentialName]) == credential {
			ids = append(ids, row.ModelID)
		}
	}
	return ids, nil
}

// Credentials returns the credentials in a deployment's own parameters, and the
// model group.
func (s *Service) Credentials(ctx context.Context, id string) (group string, values map[string]json.RawMessage, found bool, err error) {
	values = map[string]json.RawMessage{}
	if m, ok := s.file[id]; ok {
		if key := m.Params.APIKey.Reveal(); key != "" {
			values["api_key"] = quoted(key)
		}
		for name, value := range map[string]string{"api_base": m.Params.APIBase, "api_version": m.Params.APIVersion, "region_name": m.Params.RegionName} {
			if value != "" {
				values[name] = quoted(value)
			}
		}
		take(values, m.Params.Extra)
		return m.Name, values, true, nil
	}
	row, err := s.store.ModelByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil, false, nil
	}
	if err != nil {
		return "", nil, false, fmt.Errorf("read model: %w", err)
	}
	params, err := s.open(row)
	if err != nil {
		return "", nil, false, err
	}
	take(values, params)
	return row.ModelName, values, true, nil
}

// take copies the parameters that say who calls a vendor, and where.
func take(values, params map[string]json.RawMessage) {
	for name, value := range params {
		if bytes.Equal(value, []byte("null")) || name == credentialName || name == "extra_headers" || name == "configurable_clientside_auth_params" {
			continue
		}
		switch {
		case sensitive(name), name == "api_base", name == "api_version", name == "region_name",
			strings.HasPrefix(name, "aws_"), strings.HasPrefix(name, "vertex_"), strings.HasPrefix(name, "azure_"), strings.HasPrefix(name, "watsonx_"):
			values[name] = value
		}
	}
}
