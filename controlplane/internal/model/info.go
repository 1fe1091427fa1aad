package model

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// Info is a deployment as /model/info shows it, without credentials.
type Info struct {
	ModelName     string         `json:"model_name"`
	LitellmParams map[string]any `json:"litellm_params"`
	ModelInfo     map[string]any `json:"model_info"`
}

// List returns the deployments whose name the caller may use; with an id, that
// one alone.
func (s *Service) List(ctx context.Context, mayUse func(model string) bool, id string) ([]Info, error) {
	out := []Info{}
	add := func(m proxyconfig.Model, fromDB bool) {
		if (id == "" || m.ID == id) && mayUse(m.Name) {
			out = append(out, info(m, fromDB))
		}
	}
	for _, fileID := range s.order {
		add(s.file[fileID], false)
	}
	rows, err := s.store.ModelList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	for _, row := range rows {
		params, err := s.open(row)
		if err != nil {
			return nil, err
		}
		m, err := s.parse(row.ModelName, params, row.ModelInfo)
		if err != nil {
			return nil, err
		}
		add(m, true)
	}
	if id != "" && len(out) == 0 {
		return nil, &apierr.Error{Status: http.StatusNotFound, NoneText: true, Message: fmt.Sprintf("{'error': 'Model id = %s not found on litellm proxy'}", id)}
	}
	return out, nil
}

func info(m proxyconfig.Model, fromDB bool) Info {
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
	about := map[string]any{"id": m.ID, "db_model": fromDB}
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
	for name, value := range priceFields(m) {
		about[name] = value
	}
	if provider, name, err := catalog.SplitAt(m.Params.Model, m.Params.Provider, m.Params.APIBase); err == nil {
		about["litellm_provider"], about["key"] = provider, name
	}
	return Info{ModelName: m.Name, LitellmParams: params, ModelInfo: about}
}
