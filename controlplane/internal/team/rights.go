package team

import (
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// mayNew decides about a new team. An admin of an organisation makes teams of it,
// and is an admin of them.
func (r *Request) mayNew(who caller.Caller, members []Member) ([]Member, error) {
	const path = "/team/new"
	may := who.May()
	if may.Admin() {
		return members, nil
	}
	if err := may.ManageOrg(r.OrganizationID.Or(""), path); err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.UserID != nil && *m.UserID == who.UserID {
			return members, nil
		}
	}
	return append(members, Member{UserID: &who.UserID, Role: "admin"}), nil
}

// mayUpdate decides about a change of a team.
func (r *Request) mayUpdate(who caller.Caller, row *db.TeamTable) error {
	const path = "/team/update"
	may, t := who.May(), who.In(row)
	governs := r.Metadata.Sent || r.Models.Sent || r.ModelAliases.Sent || r.OrganizationID.Sent || r.Blocked.Sent || r.AccessGroupIDs.Sent ||
		r.SetsLimits() || r.sends()
	if !governs {
		return may.ManageTeam(t, path)
	}
	if err := may.GovernTeam(t, path); err != nil {
		return err
	}
	if r.OrganizationID.Sent && r.OrganizationID.Or("") != t.OrgID {
		return may.ManageOrg(r.OrganizationID.Or(""), path)
	}
	return nil
}

// mayAdd decides about new members. Everybody may join a team that the settings
// leave open.
func (s *Service) mayAdd(who caller.Caller, row *db.TeamTable, r *AddRequest) error {
	err := who.May().ManageTeam(who.In(row), "/team/member_add")
	if err == nil || len(r.Member.Items) != 1 || r.BudgetID.Sent || r.MaxBudgetInTeam.Sent || r.SetsLimits() {
		return err
	}
	m := &r.Member.Items[0]
	if m.UserEmail == nil && who.May().JoinTeam(m.UserID, m.Role, slices.Contains(s.rules.open, row.TeamID)) {
		return nil
	}
	return err
}
