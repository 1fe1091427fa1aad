package proxyconfig

import "github.com/tianjillm/tianjillm/shared/money"

// NewTeams is what the file says about teams that are made, and about joining
// those that are there.
type NewTeams struct {
	// Open are the teams that internal users may join by themselves:
	// default_internal_user_params.available_teams.
	Open []string
	// The others are default_team_params; MaxBudget is that of the first entry of
	// default_team_settings where they have none.
	MaxBudget         *money.Nano
	BudgetDuration    string
	TPM, RPM          *int64
	Models            []string
	MemberPermissions []string
}

func readNewTeams(o *object) NewTeams {
	d := o.object("default_team_params")
	d.warnUnknown(keysOf(`budget_duration max_budget models rpm_limit team_member_permissions tpm_limit`))
	n := NewTeams{
		Open:      o.object("default_internal_user_params").texts("available_teams"),
		MaxBudget: d.dollars("max_budget"), BudgetDuration: d.period("budget_duration"), TPM: d.limit("tpm_limit"), RPM: d.limit("rpm_limit"),
		Models: d.texts("models"), MemberPermissions: d.texts("team_member_permissions"),
	}
	if n.MaxBudget != nil {
		return n
	}
	if list := o.get("default_team_settings"); list != nil && list.kind == listKind && len(list.items) > 0 {
		path := index(join(o.path, "default_team_settings"), 0)
		n.MaxBudget = objectAt(o.problems, list.items[0], path).dollars("max_budget")
	}
	return n
}
