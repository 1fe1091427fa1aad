package console

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// userRow is what is shown of a user.
type userRow struct {
	UserID         string          `json:"user_id"`
	UserEmail      *string         `json:"user_email"`
	UserAlias      *string         `json:"user_alias"`
	UserRole       *string         `json:"user_role"`
	Teams          []string        `json:"teams"`
	Models         []string        `json:"models"`
	Metadata       json.RawMessage `json:"metadata"`
	Spend          float64         `json:"spend"`
	MaxBudget      *float64        `json:"max_budget"`
	BudgetDuration *string         `json:"budget_duration"`
	BudgetResetAt  *time.Time      `json:"budget_reset_at"`
	RPM            *int64          `json:"rpm_limit"`
	TPM            *int64          `json:"tpm_limit"`
	CreatedAt      *time.Time      `json:"created_at"`
	KeyCount       int64           `json:"key_count"`
	Key            string          `json:"key"`
}

func users() group {
	return group{name: "users", about: "the people who own keys", commands: []command{
		{
			name: "list", about: "list users, a page at a time", run: usersList, examples: []string{"tianji users list", "tianji users list --email example.com --role internal_user"},
			options: append([]option{
				{name: "role", member: "role", usage: "those with a `ROLE`"},
				{name: "email", member: "user_email", usage: "those whose address contains this `TEXT`"},
				{name: "team", member: "team", usage: "those of a team, by its `ID`"},
				{name: "sort", member: "sort_by", usage: "`COLUMN`: user_id, user_email, created_at, spend, user_alias or user_role"},
				{name: "order", member: "sort_order", usage: "`asc` or desc"},
			}, pageOptions("page_size")...),
		},
		{
			name: "create", about: "make a user", run: usersCreate,
			examples: []string{"tianji users create --id ann --email ann@example.com --role internal_user --max-budget 20 --budget-duration 30d"},
			options: append([]option{
				{name: "id", member: "user_id", usage: "their `ID`; made up when it is not given"},
				{kind: truth, name: "with-key", member: "auto_create_key", usage: "make a key for them as well, which is shown this once"},
			}, userOptions()...),
		},
		{name: "info", operands: "ID", least: 1, most: 1, about: "show a user with their keys and teams", run: usersInfo, examples: []string{"tianji users info ann"}},
		{
			name: "update", operands: "ID", least: 1, most: 1, about: "change what is given; 'none' takes a value away", run: usersUpdate, options: userOptions(),
			examples: []string{"tianji users update ann --role internal_user_viewer --max-budget 50"},
		},
		{
			name: "delete", operands: "ID...", least: 1, most: 100, about: "delete users, with their keys", run: usersDelete,
			examples: []string{"tianji users delete ann"},
		},
	}}
}

func userOptions() []option {
	return append([]option{
		{name: "email", member: "user_email", usage: "their `ADDRESS`"},
		{name: "alias", member: "user_alias", usage: "a `NAME`"},
		{name: "role", member: "user_role", usage: "`ROLE`: proxy_admin, proxy_admin_viewer, internal_user or internal_user_viewer"},
	}, limitOptions()...)
}

func usersList(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/user/list", c.query())
	if err != nil {
		return err
	}
	return show(c, reply, func(page *struct {
		Users      []userRow `json:"users"`
		Total      int64     `json:"total"`
		Page       int64     `json:"page"`
		TotalPages int64     `json:"total_pages"`
	},
	) error {
		t := newTable("ID", "E-MAIL", "ROLE", "TEAMS", "KEYS>", "SPEND>", "BUDGET>")
		for _, u := range page.Users {
			t.add(u.UserID, text(u.UserEmail), text(u.UserRole), names(u.Teams, nothing), strconv.FormatInt(u.KeyCount, 10), usd(u.Spend), budget(u.MaxBudget, u.BudgetDuration))
		}
		return write(c.Out, t.draw(c.Width)+pages(len(page.Users), page.Total, page.Page, page.TotalPages))
	})
}

func usersCreate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	body["auto_create_key"] = c.given("with-key")
	reply, err := c.post(ctx, "/user/new", body)
	if err != nil {
		return err
	}
	return show(c, reply, c.userDetails)
}

func (c *call) userDetails(u *userRow) error {
	var f fields
	f.add("key", u.Key)
	f.add("id", u.UserID)
	f.add("e-mail", text(u.UserEmail))
	f.add("alias", text(u.UserAlias))
	f.add("role", text(u.UserRole))
	f.add("teams", names(u.Teams, nothing))
	f.add("models", names(u.Models, "all"))
	f.add("spend", usd(u.Spend))
	f.add("budget", budget(u.MaxBudget, u.BudgetDuration))
	f.add("budget resets", c.moment(u.BudgetResetAt))
	f.add("requests a minute", count(u.RPM))
	f.add("tokens a minute", count(u.TPM))
	f.add("metadata", compact(u.Metadata))
	f.add("created", c.moment(u.CreatedAt))
	return write(c.Out, f.String())
}

func usersInfo(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/user/info", url.Values{"user_id": {c.operands[0]}})
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		UserID   *string  `json:"user_id"`
		UserInfo *userRow `json:"user_info"`
		Keys     []keyRow `json:"keys"`
	},
	) error {
		if r.UserInfo == nil { // the master key's own user has no row
			r.UserInfo = &userRow{UserID: text(r.UserID)}
		}
		if err := c.userDetails(r.UserInfo); err != nil {
			return err
		}
		return c.sections(keyTable(r.Keys))
	})
}

func usersUpdate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return usagef("nothing to change: see 'tianji users update --help'")
	}
	body["user_id"] = c.operands[0]
	reply, err := c.post(ctx, "/user/update", body)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Data userRow `json:"data"`
	},
	) error {
		return c.userDetails(&r.Data)
	})
}

func usersDelete(ctx context.Context, c *call) error {
	reply, err := c.post(ctx, "/user/delete", map[string][]string{"user_ids": c.operands})
	if err != nil {
		return err
	}
	return c.done(reply, "deleted %s", harmless(strings.Join(c.operands, ", ")))
}
