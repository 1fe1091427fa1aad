package litellm

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
)

// table says how one table of LiteLLM's becomes one of ours.
type table struct {
	// name is what reports call it; from and to are the tables.
	name, from, to string
	// key are the columns of ours that name a row.
	key []string
	// kind is what data planes know an object as; "" for what they do not know.
	// once says that what was brought is remembered, so that it stays deleted.
	kind store.Kind
	once bool
	// audited is what the audit trail calls its rows; "" for what it has none of.
	audited audit.Table
	// always replaces what is there: nobody else writes these rows.
	always bool
	// ignore are columns of theirs whose content is elsewhere, or means nothing
	// here.
	ignore []string
	// extra are members that query adds to the row, or adapt to the record, which
	// LiteLLM has no column for.
	extra []string
	// join adds members to the row from another table.
	join func(*source) join
	// expand makes several rows of one; nil leaves it.
	expand func(object) []object
	// order are the columns of theirs that rows are read by, when those of key
	// are not there.
	order []string
	// query replaces the plain reading of the table.
	query func(*source) string
	// unique is a text besides the key that only one row may have.
	unique *unique
	// adapt changes what the general rules made of a row. A skip leaves it out.
	adapt func(*run, object, *item) error
	// id is the object's id as in the outbox.
	id func(rec object) string
}

// join is a table to look more up in: what is selected, and from where.
type join struct{ members, clause string }

// unique is a text that is unique here and not at LiteLLM.
type unique struct {
	column string
	// anyCase says that two are the same in whatever case.
	anyCase bool
	// replace makes another for a row, or none, when it is that of whose.
	replace func(it *item, whose string) (value, note string)
}

const twin = "import_twin"

// selection is the query for all rows of the table.
func (t *table) selection(s *source) string {
	if t.query != nil {
		return t.query(s)
	}
	var j join
	if t.join != nil {
		j = t.join(s)
	}
	row := "to_jsonb(t)" + j.members
	if t.unique != nil && s.has(t.from, t.unique.column) {
		// The rows that have a text after the first one, in the order of their keys.
		same := "t." + pgx.Identifier{t.unique.column}.Sanitize()
		if t.unique.anyCase {
			same = "lower(" + same + ")"
		}
		row += fmt.Sprintf(` || jsonb_build_object('%s', row_number() OVER (PARTITION BY %s ORDER BY %s) - 1)`, twin, same, t.sorting())
	}
	return "SELECT " + row + " FROM " + s.name(t.from) + " t" + j.clause + " ORDER BY " + t.sorting()
}

// counted is a query with as many rows.
func (t *table) counted(s *source) string {
	if t.query != nil {
		return t.query(s)
	}
	return "SELECT FROM " + s.name(t.from)
}

// sorting are the columns of the key, which both sides call the same.
func (t *table) sorting() string {
	by := t.order
	if by == nil {
		by = t.key
	}
	columns := make([]string, len(by))
	for i, c := range by {
		columns[i] = "t." + pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(columns, ", ")
}

// budgetReset takes the end of the present period from the budget: at LiteLLM it
// stands there for those whose limits are those of a budget.
func budgetReset(from string) func(*source) join {
	return func(s *source) join {
		if !s.has(budgetTable, "budget_id", "budget_reset_at") || !s.has(from, "budget_id") {
			return join{}
		}
		return join{
			members: ` || jsonb_build_object('budget_reset_at', b."budget_reset_at")`,
			clause:  " LEFT JOIN " + s.name(budgetTable) + ` b ON b."budget_id" = t."budget_id"`,
		}
	}
}

const (
	budgetTable     = "LiteLLM_BudgetTable"
	teamTable       = "LiteLLM_TeamTable"
	memberTable     = "LiteLLM_TeamMembership"
	aliasTable      = "LiteLLM_ModelTable"
	modelTable      = "LiteLLM_ProxyModelTable"
	credentialTable = "LiteLLM_CredentialsTable" //nolint:gosec // a table's name
)

// tables are in the order in which they refer to each other.
func tables() []*table {
	all := []*table{
		{
			name: "budgets", from: budgetTable, to: "budget_table", key: []string{"budget_id"}, kind: store.KindBudget, audited: audit.Budgets, once: true,
			adapt: adaptBudget, id: idColumn("budget_id"),
		},
		{
			name: "object permissions", from: "LiteLLM_ObjectPermissionTable", to: "object_permission_table", key: []string{"object_permission_id"},
			kind: kindPermission, once: true, adapt: adaptNamed("", "object_permission_id"), id: idColumn("object_permission_id"),
		},
		{
			name: "access groups", from: "LiteLLM_AccessGroupTable", to: "access_group_table", key: []string{"access_group_id"}, kind: kindGroup, once: true,
			ignore: []string{"assigned_team_ids", "assigned_key_ids"}, adapt: adaptNamed("access_group_name", "access_group_id"), id: idColumn("access_group_id"),
		},
		{
			name: "organizations", from: "LiteLLM_OrganizationTable", to: "organization_table", key: []string{"organization_id"}, kind: store.KindOrg, audited: audit.Organizations, once: true,
			ignore: []string{"model_spend"}, extra: []string{"budget_reset_at"}, join: budgetReset("LiteLLM_OrganizationTable"),
			adapt: adaptNamed("organization_alias", "organization_id"), id: idColumn("organization_id"),
		},
		{
			name: "teams", from: teamTable, to: "team_table", key: []string{"team_id"}, kind: store.KindTeam, audited: audit.Teams, once: true,
			ignore: []string{"admins", "members", "model_spend", "model_id"}, extra: []string{"model_aliases"}, join: modelAliases,
			adapt: adaptTeam, id: idColumn("team_id"),
		},
		{
			name: "users", from: "LiteLLM_UserTable", to: "user_table", key: []string{"user_id"}, kind: store.KindUser, audited: audit.Users, once: true,
			ignore: []string{"model_spend"}, unique: uniqueEmail(), adapt: adaptLimited, id: idColumn("user_id"),
		},
		{
			name: "keys", from: keyTable, to: "verification_token", key: []string{"token"}, kind: store.KindKey, audited: audit.Keys, once: true,
			ignore: []string{"model_spend", "soft_budget_cooldown"}, unique: uniqueAlias(), adapt: adaptKey, id: idColumn("token"),
		},
		{
			name: "former texts of keys", from: "LiteLLM_DeprecatedVerificationToken", to: "deprecated_verification_token", key: []string{"token"},
			kind: store.KindKey, once: true, ignore: []string{"id"}, adapt: adaptFormer, id: idColumn("token"),
		},
		{
			name: "team members", from: memberTable, to: "team_membership", key: []string{"team_id", "user_id"}, kind: store.KindMember, audited: audit.Memberships, once: true,
			ignore: []string{"total_spend"}, extra: []string{"budget_reset_at"}, join: budgetReset(memberTable), adapt: adaptOwned, id: memberID,
		},
		{
			name: "team members that only the team lists", from: teamTable, to: "team_membership", key: []string{"team_id", "user_id"}, kind: store.KindMember, audited: audit.Memberships, once: true,
			order: []string{"team_id"}, extra: []string{"team_id", "user_id"}, join: listedMembers, expand: expandMembers, adapt: adaptOwned, id: memberID,
		},
		{
			name: "organization members", from: "LiteLLM_OrganizationMembership", to: "organization_membership", key: []string{"organization_id", "user_id"},
			kind: kindOrgMember, once: true, adapt: adaptOwned, id: func(rec object) string { return store.RowKey(text(rec["organization_id"]), text(rec["user_id"])) },
		},
		{
			name: "customers", from: "LiteLLM_EndUserTable", to: "end_user_table", key: []string{"user_id"}, kind: store.KindCustomer, audited: audit.Customers, once: true,
			extra: []string{"managed", "budget_reset_at"}, join: budgetReset("LiteLLM_EndUserTable"), adapt: adaptCustomer, id: idColumn("user_id"),
		},
		{
			name: "tags", from: "LiteLLM_TagTable", to: "tag_table", key: []string{"tag_name"}, kind: store.KindTag, audited: audit.Tags, once: true,
			extra: []string{"budget_reset_at"}, join: budgetReset("LiteLLM_TagTable"), adapt: adaptNamed("", "tag_name"), id: idColumn("tag_name"),
		},
		{
			name: "credentials", from: credentialTable, to: "credentials_table", key: []string{"credential_name"}, kind: kindCredential, audited: audit.Credentials,
			once: true, ignore: []string{"credential_id", "credential_values"}, extra: []string{"sealed_values"}, adapt: adaptCredential, id: idColumn("credential_name"),
		},
		{
			name: "models", from: modelTable, to: "proxy_model_table", key: []string{"model_id"}, kind: store.KindModel, audited: audit.Models, once: true,
			ignore: []string{"litellm_params"}, extra: []string{"sealed_params"}, adapt: adaptModel, id: idColumn("model_id"),
		},
	}
	return append(all, dailyTables()...)
}

// The kinds of objects that data planes are not told of by themselves.
const (
	kindOrgMember  store.Kind = "org member"
	kindPermission store.Kind = "object permission"
	kindCredential store.Kind = "credential"
	kindGroup      store.Kind = "access group"
)

func idColumn(name string) func(object) string {
	return func(rec object) string { return text(rec[name]) }
}

func memberID(rec object) string { return store.MemberID(text(rec["team_id"]), text(rec["user_id"])) }

func modelAliases(s *source) join {
	if !s.has(aliasTable, "id") || !s.has(teamTable, "model_id") {
		return join{}
	}
	return join{
		members: ` || jsonb_build_object('model_aliases', coalesce(to_jsonb(a)->'aliases', to_jsonb(a)->'model_aliases'))`,
		clause:  " LEFT JOIN " + s.name(aliasTable) + ` a ON a."id" = t."model_id"`,
	}
}

// listedMembers are the users in members_with_roles that have no row of their
// own.
func listedMembers(s *source) join {
	if !s.has(memberTable, "team_id", "user_id") {
		return join{}
	}
	return join{members: " || jsonb_build_object('" + known + "', (SELECT jsonb_agg(m.\"user_id\") FROM " + s.name(memberTable) + ` m WHERE m."team_id" = t."team_id"))`}
}

const known = "import_known"

func expandMembers(row object) []object {
	seen := map[string]bool{"": true}
	for _, id := range items(row[known]) {
		seen[text(id)] = true
	}
	var all []object
	for _, m := range items(row["members_with_roles"]) {
		id := members(m)["user_id"]
		if user := text(id); !seen[user] {
			seen[user] = true
			all = append(all, object{"team_id": row["team_id"], "user_id": id})
		}
	}
	return all
}
