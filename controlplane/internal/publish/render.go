package publish

import (
	"context"
	"encoding/json"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// keyWithTier reads a key with what it takes from the budget that it shares.
func (p *Publisher) keyWithTier(ctx context.Context, token string) (db.VerificationToken, error) {
	row, err := p.store.KeyByToken(ctx, p.store.DB(), token)
	if err != nil || row.BudgetID == nil {
		return row, err
	}
	err = tier.Fill(ctx, p.store, p.store.DB(), limit.OfKey(&row), row.BudgetID)
	return row, err
}

func renderKey(row db.VerificationToken) *contract.VirtualKey {
	k := &contract.VirtualKey{
		Hash: row.Token, Alias: text(row.KeyAlias), Name: text(row.KeyName),
		UserID: text(row.UserID), TeamID: text(row.TeamID), OrgID: text(row.OrganizationID), AgentID: text(row.AgentID),
		Models: row.Models, AccessGroups: row.AccessGroupIds, Aliases: aliases(row.Aliases), AllowedRoutes: row.AllowedRoutes,
		Blocked: row.Blocked != nil && *row.Blocked,
		Limits:  limit.OfKey(&row).Limits(), CacheControls: row.AllowedCacheControls,
		Metadata: object(row.Metadata), Delegated: row.Delegated,
	}
	if row.Expires != nil {
		k.Expires = row.Expires.UTC()
	}
	return k
}

func renderTeam(row db.TeamTable) *contract.Team {
	return &contract.Team{
		ID: row.TeamID, Alias: text(row.TeamAlias), OrgID: text(row.OrganizationID),
		Models: row.Models, AccessGroups: row.AccessGroupIds, ModelAliases: aliases(row.ModelAliases), Blocked: row.Blocked,
		Limits:   limit.OfTeam(&row).Limits(),
		Metadata: object(row.Metadata),
	}
}

func renderUser(row db.UserTable) *contract.User {
	return &contract.User{
		ID: row.UserID, Role: text(row.UserRole), Models: row.Models,
		Limits: limit.OfUser(&row).Limits(), Deactivated: deactivated(row.Metadata),
	}
}

// deactivated reads what SCIM keeps in a user's metadata, by LiteLLM's name.
func deactivated(metadata json.RawMessage) bool {
	var meta struct {
		Active *bool `json:"scim_active"`
	}
	return json.Unmarshal(metadata, &meta) == nil && meta.Active != nil && !*meta.Active
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// aliases reads {"alias":"model"}; entries that are not strings are left out,
// as they can not name a model.
func aliases(raw json.RawMessage) map[string]string {
	var loose map[string]any
	if json.Unmarshal(raw, &loose) != nil || len(loose) == 0 {
		return nil
	}
	out := make(map[string]string, len(loose))
	for k, v := range loose {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// object leaves out an empty object, which most principals have.
func object(raw json.RawMessage) json.RawMessage {
	if s := string(raw); s == "{}" || s == "null" {
		return nil
	}
	return raw
}
