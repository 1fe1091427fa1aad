package proxyconfig

import "github.com/tianjillm/tianjillm/shared/money"

// NewKeys are the rules for keys that are made.
type NewKeys struct {
	Defaults KeyParams // default_key_generate_params
	Most     KeyParams // upperbound_key_generate_params
	Rules    *KeyRules // key_generation_settings; nil when it is not there
	// StrictAliases is enable_key_alias_format_validation.
	StrictAliases bool
}

// KeyParams are parameters of keys, as /key/generate takes them.
type KeyParams struct {
	MaxBudget                *money.Nano
	BudgetDuration, Duration string
	MaxParallel, RPM, TPM    *int64
	// These are for defaults only.
	UserID, TeamID string
	Models         []string
	Metadata       Raw
}

// KeyRules say who may make keys. Nil roles are all of them.
type KeyRules struct {
	TeamRoles        []string // team_key_generation.allowed_team_member_roles
	TeamRequired     []string // team_key_generation.required_params
	PersonalRoles    []string // personal_key_generation.allowed_user_roles
	PersonalRequired []string // personal_key_generation.required_params
}

const (
	boundKeys = `
budget_duration duration max_budget max_parallel_requests rpm_limit tpm_limit
`
	defaultKeyKeys = boundKeys + `
metadata models team_id user_id
`
)

func readNewKeys(o *object) NewKeys {
	defaults, most := o.object("default_key_generate_params"), o.object("upperbound_key_generate_params")
	defaults.warnUnknown(keysOf(defaultKeyKeys))
	most.warnUnknown(keysOf(boundKeys))
	n := NewKeys{Defaults: readKeyParams(defaults), Most: readKeyParams(most), StrictAliases: o.enabled("enable_key_alias_format_validation")}
	n.Defaults.UserID, n.Defaults.TeamID = defaults.label("user_id"), defaults.label("team_id")
	n.Defaults.Models = defaults.texts("models")
	if meta := defaults.object("metadata"); meta.node != nil {
		n.Defaults.Metadata = meta.raw()
	}
	if rules := o.object("key_generation_settings"); rules.node != nil {
		n.Rules = readKeyRules(rules)
	}
	return n
}

func readKeyParams(o *object) KeyParams {
	return KeyParams{
		MaxBudget: o.dollars("max_budget"), BudgetDuration: o.period("budget_duration"), Duration: o.period("duration"),
		MaxParallel: o.limit("max_parallel_requests"), RPM: o.limit("rpm_limit"), TPM: o.limit("tpm_limit"),
	}
}

func readKeyRules(o *object) *KeyRules {
	o.warnUnknown(keysOf(`personal_key_generation team_key_generation`))
	team, personal := o.object("team_key_generation"), o.object("personal_key_generation")
	team.warnUnknown(keysOf(`allowed_team_member_roles required_params`))
	personal.warnUnknown(keysOf(`allowed_user_roles required_params`))
	return &KeyRules{
		TeamRoles: team.list("allowed_team_member_roles"), TeamRequired: team.texts("required_params"),
		PersonalRoles: personal.list("allowed_user_roles"), PersonalRequired: personal.texts("required_params"),
	}
}

// list is texts of which none at all is not the same as no list.
func (o *object) list(key string) []string {
	out := o.texts(key)
	if out == nil && o.get(key) != nil {
		out = []string{}
	}
	return out
}
