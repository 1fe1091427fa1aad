package console

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// teamRow is what is shown of a team.
type teamRow struct {
	TeamID         string          `json:"team_id"`
	TeamAlias      *string         `json:"team_alias"`
	OrganizationID *string         `json:"organization_id"`
	Members        []teamMember    `json:"members_with_roles"`
	Models         []string        `json:"models"`
	Metadata       json.RawMessage `json:"metadata"`
	Blocked        bool            `json:"blocked"`
	Spend          float64         `json:"spend"`
	MaxBudget      *float64        `json:"max_budget"`
	BudgetDuration *string         `json:"budget_duration"`
	BudgetResetAt  *time.Time      `json:"budget_reset_at"`
	RPM            *int64          `json:"rpm_limit"`
	TPM            *int64          `json:"tpm_limit"`
	MaxParallel    *int64          `json:"max_parallel_requests"`
	CreatedAt      *time.Time      `json:"created_at"`
	Keys           []keyRow        `json:"keys"`
}

type teamMember struct {
	UserID    *string `json:"user_id"`
	UserEmail *string `json:"user_email"`
	Role      string  `json:"role"`
}

func teamOptions() []option {
	return append([]option{
		{name: "alias", member: "team_alias", usage: "a `NAME` for it"},
		{name: "org", member: "organization_id", usage: "`ID` of its organization"},
		{kind: dollars, name: "member-budget", member: "team_member_budget", usage: "`DOLLARS` that each member may spend in it"},
	}, limitOptions()...)
}

func memberOptions() []option {
	return []option{
		{name: "role", member: "role", usage: "`ROLE` in the team: admin or user"},
		{kind: dollars, name: "max-budget", member: "max_budget_in_team", usage: "`DOLLARS` that may be spent in the team"},
	}
}

func teams() group {
	return group{name: "teams", about: "teams and their members", commands: []command{
		{
			name: "list", about: "list teams", run: teamsList, examples: []string{"tianji teams list", "tianji teams list --user ann"},
			options: []option{
				{name: "user", member: "user_id", usage: "those that a user is in, by their `ID`"},
				{name: "org", member: "organization_id", usage: "those of an organization, by its `ID`"},
			},
		},
		{
			name: "create", about: "make a team", run: teamsCreate, examples: []string{"tianji teams create --id search --alias Search --max-budget 100 --budget-duration 30d"},
			options: append([]option{{name: "id", member: "team_id", usage: "its `ID`; made up when it is not given"}}, teamOptions()...),
		},
		{name: "info", operands: "ID", least: 1, most: 1, about: "show a team with its members and keys", run: teamsInfo, examples: []string{"tianji teams info search"}},
		{
			name: "update", operands: "ID", least: 1, most: 1, about: "change what is given; 'none' takes a value away", run: teamsUpdate,
			examples: []string{"tianji teams update search --max-budget 200"}, options: teamOptions(),
		},
		{
			name: "block", operands: "ID...", least: 1, most: 100, about: "refuse requests with the keys of a team", run: teamsBlock("block", "blocked"),
			examples: []string{"tianji teams block search"},
		},
		{
			name: "unblock", operands: "ID...", least: 1, most: 100, about: "accept requests with the keys of a team again", run: teamsBlock("unblock", "unblocked"),
			examples: []string{"tianji teams unblock search"},
		},
		{
			name: "delete", operands: "ID...", least: 1, most: 100, about: "delete teams, with their keys", run: teamsDelete,
			examples: []string{"tianji teams delete search"},
		},
		{
			name: "add-member", operands: "TEAM USER", least: 2, most: 2, about: "let a user join, who is made when unknown", run: teamsAdd,
			examples: []string{"tianji teams add-member search ann --role admin --max-budget 20"}, options: memberOptions(),
		},
		{
			name: "update-member", operands: "TEAM USER", least: 2, most: 2, about: "change the role or the budget of a member", run: teamsMember("update", "changed", "in"),
			examples: []string{"tianji teams update-member search ann --max-budget 50"}, options: memberOptions(),
		},
		{
			name: "remove-member", operands: "TEAM USER", least: 2, most: 2, about: "take a user out", run: teamsMember("delete", "removed", "from"),
			examples: []string{"tianji teams remove-member search ann"},
		},
	}}
}

func (t *teamRow) state() string { return state(t.Blocked, nil) }

func teamsList(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/team/list", c.query())
	if err != nil {
		return err
	}
	return show(c, reply, func(all *[]teamRow) error {
		t := newTable("ID", "ALIAS", "ORGANIZATION", "MEMBERS>", "KEYS>", "MODELS", "SPEND>", "BUDGET>", "STATE")
		for _, r := range *all {
			t.add(r.TeamID, text(r.TeamAlias), text(r.OrganizationID), strconv.Itoa(len(r.Members)), strconv.Itoa(len(r.Keys)), names(r.Models, "all"),
				usd(r.Spend), budget(r.MaxBudget, r.BudgetDuration), r.state())
		}
		return write(c.Out, t.draw(c.Width)+pages(len(*all), int64(len(*all)), 1, 1))
	})
}

func teamsCreate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	reply, err := c.post(ctx, "/team/new", body)
	if err != nil {
		return err
	}
	return show(c, reply, c.teamDetails)
}

func (c *call) teamDetails(t *teamRow) error {
	var f fields
	f.add("id", t.TeamID)
	f.add("alias", text(t.TeamAlias))
	f.add("organization", text(t.OrganizationID))
	f.add("state", t.state())
	f.add("models", names(t.Models, "all"))
	f.add("spend", usd(t.Spend))
	f.add("budget", budget(t.MaxBudget, t.BudgetDuration))
	f.add("budget resets", c.moment(t.BudgetResetAt))
	f.add("requests a minute", count(t.RPM))
	f.add("tokens a minute", count(t.TPM))
	f.add("requests at once", count(t.MaxParallel))
	f.add("metadata", compact(t.Metadata))
	f.add("created", c.moment(t.CreatedAt))
	return write(c.Out, f.String())
}

func teamsInfo(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/team/info", url.Values{"team_id": {c.operands[0]}})
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		TeamInfo    teamRow  `json:"team_info"`
		Keys        []keyRow `json:"keys"`
		Memberships []struct {
			UserID string  `json:"user_id"`
			Spend  float64 `json:"spend"`
			Budget *struct {
				MaxBudget      *float64 `json:"max_budget"`
				BudgetDuration *string  `json:"budget_duration"`
			} `json:"litellm_budget_table"`
		} `json:"team_memberships"`
	},
	) error {
		if err := c.teamDetails(&r.TeamInfo); err != nil {
			return err
		}
		roles := map[string]string{}
		for _, m := range r.TeamInfo.Members {
			roles[text(m.UserID)] = m.Role
		}
		members := newTable("MEMBER", "ROLE", "SPEND>", "BUDGET>")
		for _, m := range r.Memberships {
			limit := nothing
			if m.Budget != nil {
				limit = budget(m.Budget.MaxBudget, m.Budget.BudgetDuration)
			}
			members.add(m.UserID, roles[m.UserID], usd(m.Spend), limit)
		}
		return c.sections(members, keyTable(r.Keys))
	})
}

// keyTable is of the keys of a team or a user.
func keyTable(all []keyRow) *table {
	t := newTable("KEY", "ALIAS", "SPEND>", "BUDGET>", "STATE")
	for _, k := range all {
		t.add(text(k.KeyName), text(k.KeyAlias), usd(k.Spend), budget(k.MaxBudget, k.BudgetDuration), k.state())
	}
	return t
}

// sections prints tables that have rows, with a line in front of each.
func (c *call) sections(all ...*table) error {
	for _, t := range all {
		if len(t.rows) == 0 {
			continue
		}
		if err := write(c.Out, "\n"+t.draw(c.Width)); err != nil {
			return err
		}
	}
	return nil
}

func teamsUpdate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return usagef("nothing to change: see 'tianji teams update --help'")
	}
	body["team_id"] = c.operands[0]
	reply, err := c.post(ctx, "/team/update", body)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Data teamRow `json:"data"`
	},
	) error {
		return c.teamDetails(&r.Data)
	})
}

func teamsBlock(verb, done string) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		return c.each(func(id string) error {
			reply, err := c.post(ctx, "/team/"+verb, map[string]string{"team_id": id})
			if err != nil {
				return err
			}
			return c.done(reply, "%s %s", done, harmless(id))
		})
	}
}

func teamsDelete(ctx context.Context, c *call) error {
	reply, err := c.post(ctx, "/team/delete", map[string][]string{"team_ids": c.operands})
	if err != nil {
		return err
	}
	return c.done(reply, "deleted %s", harmless(strings.Join(c.operands, ", ")))
}

func teamsAdd(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	role := "user"
	if r := c.text("role"); r != "" {
		role = r
	}
	delete(body, "role")
	body["team_id"], body["member"] = c.operands[0], map[string]string{"user_id": c.operands[1], "role": role}
	reply, err := c.post(ctx, "/team/member_add", body)
	if err != nil {
		return err
	}
	return c.done(reply, "added %s to %s as %s", harmless(c.operands[1]), harmless(c.operands[0]), role)
}

func teamsMember(verb, done, where string) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		body, err := c.body()
		if err != nil {
			return err
		}
		body["team_id"], body["user_id"] = c.operands[0], c.operands[1]
		reply, err := c.post(ctx, "/team/member_"+verb, body)
		if err != nil {
			return err
		}
		return c.done(reply, "%s %s %s %s", done, harmless(c.operands[1]), where, harmless(c.operands[0]))
	}
}
