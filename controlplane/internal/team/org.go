package team

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/money"
)

// change is what a request does to a team; before is the zero value for a new
// one.
type change struct {
	before, after *db.TeamTable
	request       *Request
}

// moved reports whether the team comes to the organisation.
func (c *change) moved() bool {
	return c.before.OrganizationID == nil || *c.before.OrganizationID != *c.after.OrganizationID
}

// fits refuses a team that is to be more than its organisation. The
// organisation's row stays locked, so that of two teams that are made at once
// the second sees the first.
func (s *Service) fits(ctx context.Context, tx *store.Tx, c *change) error {
	id := c.after.OrganizationID
	if id == nil || !c.moved() && !c.request.Models.Sent && !c.request.SetsLimits() {
		return nil
	}
	org, err := s.store.OrgForUpdate(ctx, tx, *id)
	switch {
	case errors.Is(err, store.ErrNotFound) && c.before.TeamID == "":
		return apierr.Detail(http.StatusBadRequest, "Organization not found for organization_id=%s", *id)
	case errors.Is(err, store.ErrNotFound) && c.moved():
		return apierr.Detail(http.StatusNotFound, "Organization not found for organization_id=%s", *id)
	case errors.Is(err, store.ErrNotFound):
		return nil // it came without one
	case err != nil:
		return fmt.Errorf("read organization: %w", err)
	}
	if c.moved() || c.request.Models.Sent {
		for _, model := range c.after.Models {
			if !special(model) && !access.Model(org.Models, model) {
				return apierr.BadRequest("Team can not use model=%.128s: it is not among the models of organization_id=%s", model, *id)
			}
		}
	}
	if err := s.within(ctx, tx, &org, c); err != nil {
		return err
	}
	if c.before.TeamID == "" || !c.moved() {
		return nil
	}
	return s.membersWithin(ctx, tx, *id, c.after)
}

// holdOrg locks the organisation that a team has, or is to have, before the team
// is locked: whoever deletes an organisation locks it before its teams.
func (s *Service) holdOrg(ctx context.Context, tx *store.Tx, teamID string, wanted *string) error {
	if wanted == nil {
		row, err := s.store.TeamByID(ctx, tx, teamID)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.OrganizationID == nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read team: %w", err)
		}
		wanted = row.OrganizationID
	}
	if _, err := s.store.OrgForUpdate(ctx, tx, *wanted); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read organization: %w", err)
	}
	return nil
}

// special are names that stand for models of somebody else, which data planes
// hold against the organisation by themselves.
func special(model string) bool {
	return slices.Contains([]string{"all-proxy-models", "all-org-models", noModels}, model)
}

// within holds limits against those of the organisation.
func (s *Service) within(ctx context.Context, tx *store.Tx, org *db.OrganizationTable, c *change) error {
	if org.BudgetID == nil || !c.moved() && !c.request.SetsLimits() {
		return nil
	}
	budgets, err := tier.Resolve(ctx, s.store, tx, []string{*org.BudgetID})
	if err != nil {
		return err
	}
	most, there := budgets[*org.BudgetID]
	if !there {
		return nil
	}
	for _, l := range []struct {
		name      string
		team, org *int64
		show      func(int64) string
	}{
		{"max_budget", c.after.MaxBudgetNano, most.MaxBudgetNano, func(n int64) string { return money.Nano(n).String() }},
		{"tpm_limit", c.after.TpmLimit, most.TpmLimit, decimal},
		{"rpm_limit", c.after.RpmLimit, most.RpmLimit, decimal},
	} {
		if l.team != nil && l.org != nil && *l.team > *l.org {
			return apierr.BadRequest("Team %[1]s=%[2]s is greater than the %[1]s=%[3]s of organization_id=%[4]s",
				l.name, l.show(*l.team), l.show(*l.org), org.OrganizationID)
		}
	}
	return s.guarantee(ctx, tx, org, &most, c)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// guarantee refuses a team that is promised more than its organisation still
// has.
func (s *Service) guarantee(ctx context.Context, tx *store.Tx, org *db.OrganizationTable, most *db.BudgetTable, c *change) error {
	had, wants := contract.Limits{}, limit.OfTeam(c.after).Limits()
	if c.before.TeamID != "" && !c.moved() {
		had = limit.OfTeam(c.before).Limits()
	}
	if !limit.Guarantees(&had, &wants) {
		return nil
	}
	rows, err := s.store.TeamsGuaranteed(ctx, tx, db.TeamsGuaranteedParams{OrganizationID: org.OrganizationID, TeamID: c.after.TeamID})
	if err != nil {
		return fmt.Errorf("read teams of organization: %w", err)
	}
	others := make([]contract.Limits, len(rows))
	for i := range rows {
		others[i] = limit.OfTeam(&rows[i]).Limits()
	}
	ceiling := tier.Columns(most).Limits()
	return limit.CheckTeamGuarantee(&ceiling, others, &wants)
}

// membersWithin refuses to move a team whose members are not in the
// organisation.
func (s *Service) membersWithin(ctx context.Context, tx *store.Tx, org string, row *db.TeamTable) error {
	var ids []string
	for _, m := range listed(row.MembersWithRoles) {
		if m.UserID != nil {
			ids = append(ids, *m.UserID)
		}
	}
	outside, err := s.store.TeamMemberOutside(ctx, tx, db.TeamMemberOutsideParams{UserIds: ids, OrganizationID: org})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read members of organization: %w", err)
	}
	return apierr.BadRequest("Team can not be moved to organization_id=%s: its member user_id=%s is not in it", org, outside)
}

// withinCreator refuses a new team that is more than whoever makes it, who is no
// proxy admin.
func (s *Service) withinCreator(ctx context.Context, tx *store.Tx, userID string, row *db.TeamTable) error {
	u, err := s.store.UserByID(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	for _, l := range []struct {
		name       string
		team, user *int64
		show       func(int64) string
	}{
		{"tpm limit", row.TpmLimit, u.TpmLimit, decimal},
		{"rpm limit", row.RpmLimit, u.RpmLimit, decimal},
		{"max budget", row.MaxBudgetNano, u.MaxBudgetNano, func(n int64) string { return money.Nano(n).String() }},
	} {
		if l.team != nil && l.user != nil && *l.team > *l.user {
			return apierr.Detail(http.StatusBadRequest, "%[1]s higher than user max. User %[1]s=%[2]s", l.name, l.show(*l.user))
		}
	}
	for _, model := range row.Models {
		if !special(model) && !access.Model(u.Models, model) {
			return apierr.Detail(http.StatusBadRequest, "Model not in allowed user models. User allowed models=%s. Model=%.128s", bounds.Repr(u.Models), model)
		}
	}
	return nil
}
