package policy_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/route"
)

var update = flag.Bool("update", false, "write docs/roles.md anew")

const rolesDoc = "../../docs/roles.md"

// TestRolesDoc holds docs/roles.md against the policy and the table of routes;
// -update writes it.
func TestRolesDoc(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString(introduction)
	writeKinds(&b)
	b.WriteString(objects)
	writeRoutes(&b)
	b.WriteString(keyRules)
	writeGroups(&b)
	if *update {
		require.NoError(t, os.WriteFile(rolesDoc, b.Bytes(), 0o644))
		return
	}
	have, err := os.ReadFile(rolesDoc)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(have), "docs/roles.md is stale: go test ./policy -run TestRolesDoc -update")
}

// column is who calls, in the tables of the document.
type column struct {
	name string
	who  policy.Caller
}

func columns() []column {
	var all []column
	for _, r := range policy.Roles() {
		name := "`" + string(r) + "`"
		if r == policy.NoRole {
			name = "key without a user"
		}
		all = append(all, column{name, policy.Caller{Role: r}})
		if r == policy.InternalUser {
			all = append(all, column{"org admin", policy.Caller{Role: r, Orgs: []policy.Membership{{OrgID: "o", Admin: true}}}})
		}
	}
	return append([]column{{"master key", policy.Caller{Master: true}}}, all...)
}

// kind is a kind of access and what it is about.
type kind struct{ name, about string }

func kinds() map[route.Access]kind {
	return map[route.Access]kind{
		route.Public:     {"public", "needs no key"},
		route.AnyKey:     {"any key", "information: the answer shows what the caller may see"},
		route.LLM:        {"calls", "calls a model, or reaches what a vendor keeps"},
		route.Spend:      {"spend", "what was spent"},
		route.Own:        {"own", "changes keys, teams and their members"},
		route.Org:        {"organisation", "changes organisations, and makes their teams and users"},
		route.Admin:      {"admin", "everything else that is managed"},
		route.Provision:  {"provision", "keeps users and teams for an identity provider (SCIM); also for keys whose `allowed_routes` name such routes, which admins make"},
		route.MasterOnly: {"master key", "for the master key alone"},
	}
}

func word(r policy.Reach) string {
	return map[policy.Reach]string{policy.None: "–", policy.Owned: "own", policy.All: "yes"}[r]
}

func writeKinds(b *bytes.Buffer) {
	head, line := "| kind of route |", "| --- |"
	for _, c := range columns() {
		head, line = head+" "+c.name+" |", line+" --- |"
	}
	fmt.Fprintf(b, "%s\n%s\n", head, line)
	for _, a := range route.Accesses() {
		fmt.Fprintf(b, "| %s |", kinds()[a].name)
		for _, c := range columns() {
			reads, writes := c.who.Reach(a, http.MethodGet), c.who.Reach(a, http.MethodPost)
			said := word(writes)
			if reads != writes {
				said = "reads"
			}
			fmt.Fprintf(b, " %s |", said)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, a := range route.Accesses() {
		fmt.Fprintf(b, "- **%s**: %s\n", kinds()[a].name, kinds()[a].about)
	}
}

// writeRoutes lists the routes of each kind. Those that call a model are told by
// what is in front.
func writeRoutes(b *bytes.Buffer) {
	for _, a := range route.Accesses() {
		var lines []string
		for _, r := range route.Table() {
			if r.Access != a {
				continue
			}
			line := "`" + r.Method + " " + r.Path + "`"
			if a == route.LLM {
				first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.Path, "/v1beta"), "/v1")[1:], "/")
				line = "`/" + first + "`"
			}
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		if len(lines) > 0 {
			slices.Sort(lines)
			fmt.Fprintf(b, "\n**%s**: %s\n", kinds()[a].name, strings.Join(lines, ", "))
		}
	}
}

func writeGroups(b *bytes.Buffer) {
	for _, g := range policy.Groups() {
		fmt.Fprintf(b, "- `%s`\n", g)
	}
}

const introduction = `# Who may do what

<!-- Written by 'go test ./policy -run TestRolesDoc -update' in shared. DO NOT EDIT. -->

Roles are LiteLLM's. A user has one (` + "`user_role`" + `); a key acts with the role of its user. Beside it a user may be an admin or a member of
teams (` + "`members_with_roles`" + `) and of organisations (` + "`/organization/member_add`" + `). The rules stand in one place, ` + "`shared/policy`" + `, for both planes.

**yes**: everything; **own**: what is the caller's, by the rules below; **reads**: everything that changes nothing (GET).

`

const objects = `
## What is one's own

- A **key** is seen by its user, by itself, by the members of its team, and by admins of its team or organisation. It is changed (limits, models,
  routes) by those admins, by members of the team whom ` + "`team_member_permissions`" + ` lets call the route, and by its user where it has no team and
  the user may make such keys. Every owner may rename it, give it a new text and delete it. Whoever is not a proxy admin can not give it to another user,
  and not set its ` + "`permissions`" + `; what it has spent, and whether it is blocked, is for admins.
- A **new key** is for oneself, or for a team that lets its members make keys. Admins of a team make keys for its members, and service accounts: keys
  that are nobody's (` + "`/key/service-account/generate`" + `). A key without a user, or of a user whom nobody has made, makes no keys.
- A key that **somebody else knows**, because an admin of a team or organisation has made it for its user or given it a new text, calls models for
  that user and manages nothing in their name, until the user or a proxy admin gives it a new text.
- A **team** is seen by its members and keys. Its admins manage its members and what those may call, its name, where its calls are logged, and what each member may spend, and see
  what it spends; what the team may do and cost is for
  proxy admins and admins of its organisation.
- An **organisation** is managed by its admins: its members, teams, the keys of those, and new users in it. What it may spend itself is not.
- A **user** sees themselves, and changes what they are called and how they log in. Proxy admins see and change others. Admins of an organisation see its
  users, and delete and invite those who are in nothing else and no admins.
- ` + "`proxy_admin_viewer`" + ` sees everything and changes nothing; neither viewer calls models.

## Routes
`

const keyRules = `
## Routes of a key, and of the installation

` + "`allowed_routes`" + ` narrows a key, whatever its role: to paths (and what is below them), to prefixes that end in ` + "`*`" + `, and to groups by name.
` + "`key_type`" + ` sets it: ` + "`llm_api`" + ` is ` + "`llm_api_routes`" + `, ` + "`management`" + ` is ` + "`management_routes`" + `, ` + "`read_only`" + ` is ` + "`info_routes`" + `. It never widens:
what the role does not open, no list opens. ` + "`general_settings.allowed_routes`" + ` and ` + "`admin_only_routes`" + ` take the same items and hold for every
key. ` + "`litellm_settings`" + ` has ` + "`upperbound_key_generate_params`, `default_key_generate_params`" + ` and ` + "`key_generation_settings`" + ` for new keys;
` + "`general_settings.default_team_disabled`" + ` leaves keys without a team to admins.

The groups:

`
