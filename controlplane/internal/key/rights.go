package key

import (
	"context"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Routes as the permissions of teams name them.
const (
	routeGenerate       = "/key/generate"
	routeServiceAccount = "/key/service-account/generate"
)

// Caller finds out who has a key, also by a former text of it that still works.
func (s *Service) Caller(ctx context.Context, hash string) (db.CallerByTokenRow, error) {
	row, err := s.store.CallerByToken(ctx, s.store.DB(), hash)
	if !errors.Is(err, store.ErrNotFound) {
		return row, err
	}
	active, err := s.store.KeyActive(ctx, s.store.DB(), hash)
	if err != nil {
		return row, err
	}
	return s.store.CallerByToken(ctx, s.store.DB(), active)
}

// teamRow reads the team of a key; nil is none, or one that nobody has made.
func (s *Service) teamRow(ctx context.Context, conn db.DBTX, id *string) (*db.TeamTable, error) {
	if id == nil || *id == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	row, err := s.store.TeamByID(ctx, conn, *id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // a key may be of a team that is not known
	}
	if err != nil {
		return nil, fmt.Errorf("read team of key: %w", err)
	}
	return &row, nil
}

// rights is a key as far as it matters to what the caller may do with it.
func (s *Service) rights(ctx context.Context, conn db.DBTX, who caller.Caller, row *db.VerificationToken) (*policy.Key, error) {
	if who.May().Admin() {
		return caller.Key(row, nil), nil
	}
	t, err := s.teamRow(ctx, conn, row.TeamID)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return caller.Key(row, who.In(t)), nil
	}
	k := caller.Key(row, nil)
	k.Given = !s.rules.generation.Personal.Allows(who.Role)
	return k, nil
}

// mayGenerate decides about a new key, whose team stays locked until it is
// written, so that nobody who leaves the team meanwhile keeps it.
func (s *Service) mayGenerate(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request, path string) error {
	may := who.May()
	if may.Admin() && !s.rules.generation.Configured {
		return nil
	}
	want, t, err := s.wanted(ctx, tx, who, r.UserID.Or(""), r.TeamID.Or(""), r.OrganizationID.Or(""))
	if err != nil {
		return err
	}
	want.Sent = r.sent
	if err := may.GenerateKey(want, &s.rules.generation, path); err != nil || may.Admin() {
		return err
	}
	if r.Permissions.Sent && len(r.Permissions.Value) > 0 {
		if err := may.Permit(); err != nil {
			return err
		}
	}
	if err := may.PermitRoutes(r.AllowedRoutes.Value); err != nil {
		return err
	}
	return s.checkAliases(ctx, tx, who, r, t)
}

// wanted is a key as a request wants it to be.
func (s *Service) wanted(ctx context.Context, tx *store.Tx, who caller.Caller, userID, teamID, orgID string) (*policy.NewKey, *db.TeamTable, error) {
	k := &policy.NewKey{UserID: userID, TeamID: teamID, OrgID: orgID}
	if teamID == "" {
		return k, nil, nil
	}
	t, err := s.store.TeamForUpdate(ctx, tx, teamID)
	if errors.Is(err, store.ErrNotFound) {
		return k, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read team of key: %w", err)
	}
	k.Team, k.Assigned = who.In(&t), userID == "" || caller.Assigned(&t, userID)
	return k, &t, nil
}

// mayChange decides about a change of a key.
func (s *Service) mayChange(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.VerificationToken, r *Request, verb string) error {
	may := who.May()
	if may.Admin() {
		return nil
	}
	k, err := s.rights(ctx, tx, who, row)
	if err != nil {
		return err
	}
	wanted, path := policy.Managed, "/key/"+verb
	if r.onlyOwnerFields() {
		wanted = policy.Name
	}
	if err := may.UpdateKey(k, wanted, verb, path); err != nil {
		return err
	}
	if r.Spend.Sent {
		if err := may.ResetSpend(k); err != nil {
			return err
		}
	}
	if r.Blocked.Sent && r.Blocked.Or(false) != (row.Blocked != nil && *row.Blocked) {
		if err := may.BlockKey(k, verb, path); err != nil {
			return err
		}
	}
	if r.Permissions.Sent {
		if err := may.Permit(); err != nil {
			return err
		}
	}
	if err := may.PermitRoutes(r.AllowedRoutes.Value); err != nil {
		return err
	}
	return s.mayMove(ctx, tx, who, row, r, path)
}

// mayMove decides about whose a key is to be from now on.
func (s *Service) mayMove(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.VerificationToken, r *Request, path string) error {
	user, team, org := row.UserID, row.TeamID, row.OrganizationID
	r.UserID.Into(&user)
	r.TeamID.Into(&team)
	r.OrganizationID.Into(&org)
	if !same(user, row.UserID) {
		if err := who.May().GiveKey(user); err != nil {
			return err
		}
	}
	moved := !same(team, row.TeamID)
	if !moved && same(org, row.OrganizationID) && !r.Aliases.Sent {
		return nil
	}
	to, t, err := s.wanted(ctx, tx, who, value(user), value(team), value(org))
	if err != nil {
		return err
	}
	if moved || !same(org, row.OrganizationID) {
		if err := who.May().MoveKey(to, path); err != nil {
			return err
		}
	}
	return s.checkAliases(ctx, tx, who, r, t)
}

// checkAliases refuses another name for a model that the owner of the key may
// not use: who may use either name may use both.
func (s *Service) checkAliases(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request, t *db.TeamTable) error {
	if len(r.Aliases.Value) == 0 {
		return nil
	}
	var models []string
	if t != nil {
		models = t.Models
	} else {
		u, err := s.store.UserByID(ctx, tx, who.UserID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read user: %w", err)
		}
		models = u.Models
	}
	for _, target := range r.Aliases.Value {
		if name, ok := target.(string); !ok || !access.Model(models, name) {
			return apierr.Forbidden("aliases: the owner of the key may not use the model %.128v", target)
		}
	}
	return nil
}

func same(a, b *string) bool { return value(a) == value(b) }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// sent reports whether a request for a key has a parameter that the settings
// require.
func (r *Request) sent(param string) bool {
	if f, ok := r.hoisted()[param]; ok {
		return f.Sent
	}
	return map[string]bool{
		"key_alias": r.KeyAlias.Sent, "duration": r.Duration.Sent, "models": r.Models.Sent, "aliases": r.Aliases.Sent, "config": r.Config.Sent,
		"permissions": r.Permissions.Sent, "metadata": r.Metadata.Sent, "spend": r.Spend.Sent, "budget_id": r.BudgetID.Sent, "user_id": r.UserID.Sent,
		"team_id": r.TeamID.Sent, "organization_id": r.OrganizationID.Sent, "allowed_cache_controls": r.AllowedCacheControls.Sent,
		"allowed_routes": r.AllowedRoutes.Sent, "blocked": r.Blocked.Sent, "key_type": r.KeyType.Sent, "key": r.Key.Sent,
		"max_budget": r.MaxBudget.Sent, "soft_budget": r.SoftBudget.Sent, "budget_duration": r.BudgetDuration.Sent, "budget_limits": r.BudgetLimits.Sent,
		"model_max_budget": r.ModelMaxBudget.Sent, "max_parallel_requests": r.MaxParallel.Sent, "rpm_limit": r.RPM.Sent, "tpm_limit": r.TPM.Sent,
		"agent_id": r.AgentID.Sent, "project_id": r.ProjectID.Sent, "access_group_ids": r.AccessGroupIDs.Sent, "router_settings": r.RouterSettings.Sent,
		"object_permission": r.ObjectPermission.Sent, "auto_rotate": r.AutoRotate.Sent, "rotation_interval": r.RotationInterval.Sent,
		"model_rpm_limit": r.ModelRPM.Sent, "model_tpm_limit": r.ModelTPM.Sent, "rpm_limit_type": r.RPMType.Sent, "tpm_limit_type": r.TPMType.Sent,
	}[param]
}
