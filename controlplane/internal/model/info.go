package model

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/price"
)

// Info is a deployment as /model/info shows it, without credentials.
type Info struct {
	ModelName     string         `json:"model_name"`
	LitellmParams map[string]any `json:"litellm_params"`
	ModelInfo     map[string]any `json:"model_info"`
}

// deployment is one of the file or of the store, with what is known of it.
type deployment struct {
	proxyconfig.Model

	fromDB, blocked                          bool
	createdBy, updatedBy, createdAt, updated string
}

// each calls f for every deployment that can be read, those of the file first.
func (s *Service) each(ctx context.Context, f func(*deployment)) error {
	for _, id := range s.order {
		f(&deployment{Model: s.file[id]})
	}
	rows, err := s.store.ModelList(ctx, s.store.DB())
	if err != nil {
		return fmt.Errorf("list models: %w", err)
	}
	for _, row := range rows {
		params, err := s.open(row)
		if err != nil {
			return err
		}
		m, err := s.parse(row.ModelName, params, row.ModelInfo)
		if err != nil {
			return err
		}
		f(&deployment{
			Model: m, fromDB: true, blocked: row.Blocked, createdBy: row.CreatedBy, updatedBy: row.UpdatedBy,
			createdAt: row.CreatedAt.UTC().Format(timeFormat), updated: row.UpdatedAt.UTC().Format(timeFormat),
		})
	}
	return nil
}

// List returns the deployments that are seen; with an id, that one alone.
func (s *Service) List(ctx context.Context, eyes *Eyes, id string) ([]Info, error) {
	out := []Info{}
	book := s.prices()
	shared, err := s.vault.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	err = s.each(ctx, func(d *deployment) {
		if (id == "" || d.ID == id) && eyes.see(&d.Model) {
			out = append(out, info(d, book, shared[d.Params.CredentialName]))
		}
	})
	if err != nil {
		return nil, err
	}
	if id != "" && len(out) == 0 {
		return nil, &apierr.Error{Status: http.StatusNotFound, NoneText: true, Message: fmt.Sprintf("{'error': 'Model id = %s not found on litellm proxy'}", id)}
	}
	return out, nil
}

// info shows a deployment, which calls a vendor that its credential may name.
func info(d *deployment, book *price.Book, shared map[string]json.RawMessage) Info {
	m := d.Model
	params := map[string]any{"model": m.Params.Model}
	for name, value := range map[string]string{
		"api_base": withoutCredentials(m.Params.APIBase), "api_version": m.Params.APIVersion, "organization": m.Params.Organization,
		"custom_llm_provider": m.Params.Provider, "region_name": m.Params.RegionName,
		"litellm_credential_name": m.Params.CredentialName,
	} {
		if value != "" {
			params[name] = value
		}
	}
	maps.Copy(params, shownRouting(m.Params))
	maps.Copy(params, masked(m.Params.Extra))
	about := map[string]any{"id": m.ID, "db_model": d.fromDB}
	for name, value := range m.Info.Extra {
		if name != "id" && name != "db_model" {
			about[name] = value
		}
	}
	for name, value := range map[string]string{
		"mode": m.Info.Mode, "base_model": m.Info.BaseModel, "team_id": m.Info.TeamID, "team_public_model_name": m.Info.TeamPublicName,
	} {
		if value != "" {
			about[name] = value
		}
	}
	if len(m.Info.AccessGroups) > 0 {
		about["access_groups"] = m.Info.AccessGroups
	}
	if d.fromDB {
		about["created_by"], about["updated_by"], about["created_at"], about["updated_at"] = d.createdBy, d.updatedBy, d.createdAt, d.updated
	}
	if d.blocked {
		about["blocked"] = true
	}
	describe(about, m, book, shared)
	for name, value := range priceFields(m) {
		about[name] = value
	}
	return Info{ModelName: called(&m), LitellmParams: params, ModelInfo: about}
}
