package proxyconfig

import "github.com/tianjillm/tianjillm/shared/money"

// NewUsers is what new users get who are no admins.
type NewUsers struct {
	Role     string        // default_internal_user_params.user_role
	Defaults KeyParams     // the rest of it
	Teams    []DefaultTeam // default_internal_user_params.teams
	// These are for users without a budget: max_internal_user_budget and
	// internal_user_budget_duration.
	MaxBudget      *money.Nano
	BudgetDuration string
}

// DefaultTeam is a team that new users join.
type DefaultTeam struct {
	ID        string
	Role      string // in the team: admin, or user
	MaxBudget *money.Nano
}

const defaultUserKeys = `
available_teams budget_duration max_budget max_parallel_requests models rpm_limit teams tpm_limit user_role
`

func readNewUsers(o *object) NewUsers {
	d := o.object("default_internal_user_params")
	d.warnUnknown(keysOf(defaultUserKeys))
	n := NewUsers{
		Role:     d.oneOf("user_role", "internal_user", "internal_user_viewer", "proxy_admin", "proxy_admin_viewer"),
		Defaults: readKeyParams(d), Teams: d.teams("teams"),
		MaxBudget: o.dollars("max_internal_user_budget"), BudgetDuration: o.period("internal_user_budget_duration"),
	}
	n.Defaults.Models = d.texts("models")
	return n
}

// teams is a list of ids, or of mappings with more beside the id.
func (o *object) teams(key string) []DefaultTeam {
	list, path := o.get(key), join(o.path, key)
	if list == nil {
		return nil
	}
	if list.kind != listKind {
		o.wrong(list, path, "a list of teams")
		return nil
	}
	var all []DefaultTeam
	for i, n := range list.items {
		if n.kind == textKind {
			all = append(all, DefaultTeam{ID: n.content(), Role: "user"})
			continue
		}
		t := objectAt(o.problems, n, index(path, i))
		if t.node == nil {
			continue
		}
		t.warnUnknown(keysOf(`max_budget_in_team team_id user_role`))
		team := DefaultTeam{ID: t.required("team_id", "what the team is"), Role: t.oneOf("user_role", "user", "admin"), MaxBudget: t.dollars("max_budget_in_team")}
		if team.Role == "" {
			team.Role = "user"
		}
		all = append(all, team)
	}
	return all
}
