package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/ident"
)

// keyRow is what is shown of a key.
type keyRow struct {
	Key            string          `json:"key"`
	Token          string          `json:"token"`
	KeyName        *string         `json:"key_name"`
	KeyAlias       *string         `json:"key_alias"`
	UserID         *string         `json:"user_id"`
	TeamID         *string         `json:"team_id"`
	OrganizationID *string         `json:"organization_id"`
	Models         []string        `json:"models"`
	AllowedRoutes  []string        `json:"allowed_routes"`
	Metadata       json.RawMessage `json:"metadata"`
	Blocked        *bool           `json:"blocked"`
	Expires        *time.Time      `json:"expires"`
	Spend          float64         `json:"spend"`
	MaxBudget      *float64        `json:"max_budget"`
	SoftBudget     *float64        `json:"soft_budget"`
	BudgetDuration *string         `json:"budget_duration"`
	BudgetResetAt  *time.Time      `json:"budget_reset_at"`
	BudgetID       *string         `json:"budget_id"`
	RPM            *int64          `json:"rpm_limit"`
	TPM            *int64          `json:"tpm_limit"`
	MaxParallel    *int64          `json:"max_parallel_requests"`
	CreatedAt      *time.Time      `json:"created_at"`
	CreatedBy      *string         `json:"created_by"`
	DeletedAt      *time.Time      `json:"deleted_at"`
	DeletedBy      *string         `json:"deleted_by"`
}

func (k *keyRow) state() string {
	if k.DeletedAt != nil {
		return "deleted"
	}
	return state(k.Blocked != nil && *k.Blocked, k.Expires)
}

func keyOptions() []option {
	return append([]option{
		{name: "alias", member: "key_alias", usage: "a `NAME` for it"},
		{name: "team", member: "team_id", usage: "`ID` of its team"},
		{name: "user", member: "user_id", usage: "`ID` of its user"},
		{name: "org", member: "organization_id", usage: "`ID` of its organization"},
		{name: "expires", member: "duration", usage: "after which `TIME` it stops working, such as 30d or 12h; -1 for never"},
		{name: "budget", member: "budget_id", usage: "`ID` of a budget whose numbers it has where it says nothing itself"},
		{name: "type", member: "key_type", usage: "`TYPE` of routes: llm_api, management, read_only or default"},
		{kind: list, name: "routes", member: "allowed_routes", usage: "`ROUTES` that it may call, with commas"},
	}, limitOptions()...)
}

const keyOperand = "KEY|HASH|ALIAS"

func keys() group {
	const many = 100
	return group{name: "keys", about: "virtual keys: make, show, change, block and delete them", commands: []command{
		{
			name: "list", about: "list keys, a page at a time", run: keysList,
			examples: []string{"tianji keys list", "tianji keys list --team search --sort spend", "tianji keys list --status deleted"},
			options: append([]option{
				{name: "team", member: "team_id", usage: "those of a team, by its `ID`"},
				{name: "user", member: "user_id", usage: "those of a user, by their `ID`"},
				{name: "org", member: "organization_id", usage: "those of an organization, by its `ID`"},
				{name: "alias", member: "key_alias", usage: "the one with this `NAME`"},
				{name: "status", member: "status", usage: "`deleted` for those that are gone"},
				{name: "sort", member: "sort_by", usage: "`COLUMN`: spend, max_budget, created_at, updated_at, token or key_alias"},
				{name: "order", member: "sort_order", usage: "asc or `desc`"},
				{kind: truth, name: "hashes", usage: "show the whole hash of each"},
			}, pageOptions("size")...),
		},
		{
			name: "create", about: "make a key, which is shown this once", run: keysCreate, options: keyOptions(),
			examples: []string{"tianji keys create --alias my-app --models gpt-4o-mini --max-budget 10 --budget-duration 30d", "tianji keys create --team search --expires 90d --rpm 60"},
		},
		{
			name: "info", operands: keyOperand, least: 1, most: 1, about: "show a key", run: keysInfo,
			examples: []string{"tianji keys info my-app", "tianji keys info sk-..."},
		},
		{
			name: "update", operands: keyOperand, least: 1, most: 1, about: "change what is given; 'none' takes a value away", run: keysUpdate,
			options:  append(keyOptions(), option{kind: dollars, name: "spend", member: "spend", usage: "set what was spent to `DOLLARS`"}),
			examples: []string{"tianji keys update my-app --max-budget 20", "tianji keys update my-app --max-budget none --rpm 120"},
		},
		{
			name: "block", operands: keyOperand + "...", least: 1, most: many, about: "refuse requests with a key", run: keysBlock("block", "blocked"),
			examples: []string{"tianji keys block my-app"},
		},
		{
			name: "unblock", operands: keyOperand + "...", least: 1, most: many, about: "accept requests with a key again", run: keysBlock("unblock", "unblocked"),
			examples: []string{"tianji keys unblock my-app"},
		},
		{
			name: "delete", operands: keyOperand + "...", least: 1, most: many, about: "delete keys", run: keysDelete,
			examples: []string{"tianji keys delete my-app"},
		},
		{
			name: "rotate", operands: keyOperand, least: 1, most: 1, about: "give a key another text, which is shown this once", run: keysRotate,
			options:  []option{{name: "grace", member: "grace_period", usage: "for how much `TIME` the old text works as well, such as 24h"}},
			examples: []string{"tianji keys rotate my-app", "tianji keys rotate my-app --grace 24h"},
		},
	}}
}

func keysList(ctx context.Context, c *call) error {
	q := c.query()
	q.Set("return_full_object", "true")
	reply, err := c.get(ctx, "/key/list", q)
	if err != nil {
		return err
	}
	return show(c, reply, func(page *struct {
		Keys        []keyRow `json:"keys"`
		TotalCount  int64    `json:"total_count"`
		CurrentPage int64    `json:"current_page"`
		TotalPages  int64    `json:"total_pages"`
	},
	) error {
		t := newTable("ALIAS", "KEY", "TEAM", "USER", "SPEND>", "BUDGET>", "EXPIRES!", "STATE!")
		if c.given("hashes") {
			t = newTable("ALIAS", "HASH!", "STATE")
		}
		for _, k := range page.Keys {
			if c.given("hashes") {
				t.add(text(k.KeyAlias), k.Token, k.state())
				continue
			}
			t.add(text(k.KeyAlias), text(k.KeyName), text(k.TeamID), text(k.UserID), usd(k.Spend), budget(k.MaxBudget, k.BudgetDuration), c.moment(k.Expires), k.state())
		}
		return write(c.Out, t.draw(c.Width)+pages(len(page.Keys), page.TotalCount, page.CurrentPage, page.TotalPages))
	})
}

func keysCreate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	reply, err := c.post(ctx, "/key/generate", body)
	if err != nil {
		return err
	}
	return show(c, reply, c.keyDetails)
}

// keyDetails shows all of a key that says something.
func (c *call) keyDetails(k *keyRow) error {
	var f fields
	if strings.HasPrefix(k.Key, ident.KeyPrefix) {
		f.add("key", k.Key)
	}
	f.add("alias", text(k.KeyAlias))
	f.add("name", text(k.KeyName))
	f.add("hash", k.Token)
	f.add("state", k.state())
	f.add("team", text(k.TeamID))
	f.add("user", text(k.UserID))
	f.add("organization", text(k.OrganizationID))
	f.add("models", names(k.Models, "all"))
	f.add("routes", names(k.AllowedRoutes, nothing))
	f.add("spend", usd(k.Spend))
	f.add("budget", budget(k.MaxBudget, k.BudgetDuration))
	f.add("soft budget", optionalUSD(k.SoftBudget))
	f.add("budget resets", c.moment(k.BudgetResetAt))
	f.add("shared budget", text(k.BudgetID))
	f.add("requests a minute", count(k.RPM))
	f.add("tokens a minute", count(k.TPM))
	f.add("requests at once", count(k.MaxParallel))
	f.add("expires", c.moment(k.Expires))
	f.add("metadata", compact(k.Metadata))
	f.add("created", c.moment(k.CreatedAt))
	f.add("created by", text(k.CreatedBy))
	return write(c.Out, f.String())
}

// hash turns what an operand names a key by into what the API takes: the text or
// the hash of a key. An alias is looked up.
func (c *call) hash(ctx context.Context, operand string) (string, error) {
	if strings.HasPrefix(operand, ident.KeyPrefix) || ident.IsHash(operand) {
		return operand, nil
	}
	var page struct {
		Keys []keyRow `json:"keys"`
	}
	if err := c.read(ctx, "/key/list", url.Values{"key_alias": {operand}, "return_full_object": {"true"}, "size": {"100"}}, &page); err != nil {
		return "", err
	}
	for i := range page.Keys {
		if text(page.Keys[i].KeyAlias) == operand {
			return page.Keys[i].Token, nil
		}
	}
	return "", fmt.Errorf("there is no key with the alias %q: see 'tianji keys list'", operand)
}

func keysInfo(ctx context.Context, c *call) error {
	key, err := c.hash(ctx, c.operands[0])
	if err != nil {
		return err
	}
	reply, err := c.get(ctx, "/key/info", url.Values{"key": {key}})
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Info keyRow `json:"info"`
	},
	) error {
		r.Info.Token = ident.KeyToken(key)
		return c.keyDetails(&r.Info)
	})
}

func keysUpdate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return usagef("nothing to change: see 'tianji keys update --help'")
	}
	if body["key"], err = c.hash(ctx, c.operands[0]); err != nil {
		return err
	}
	reply, err := c.post(ctx, "/key/update", body)
	if err != nil {
		return err
	}
	return show(c, reply, c.keyDetails)
}

func keysBlock(verb, done string) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		return c.each(func(operand string) error {
			key, err := c.hash(ctx, operand)
			if err != nil {
				return err
			}
			reply, err := c.post(ctx, "/key/"+verb, map[string]string{"key": key})
			if err != nil {
				return err
			}
			return c.done(reply, "%s %s", done, short(operand))
		})
	}
}

// each goes through all operands, whatever becomes of one.
func (c *call) each(do func(operand string) error) error {
	var problems []error
	for _, operand := range c.operands {
		if err := do(operand); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", short(operand), err))
		}
	}
	return errors.Join(problems...)
}

// short does not repeat the text of a key.
func short(operand string) string {
	if strings.HasPrefix(operand, ident.KeyPrefix) {
		return ident.KeyName(operand)
	}
	return harmless(operand)
}

func keysDelete(ctx context.Context, c *call) error {
	hashes := make([]string, len(c.operands))
	for i, operand := range c.operands {
		var err error
		if hashes[i], err = c.hash(ctx, operand); err != nil {
			return err
		}
	}
	reply, err := c.post(ctx, "/key/delete", map[string][]string{"keys": hashes})
	if err != nil {
		return err
	}
	shown := make([]string, len(c.operands))
	for i, operand := range c.operands {
		shown[i] = short(operand)
	}
	return c.done(reply, "deleted %s", strings.Join(shown, ", "))
}

func keysRotate(ctx context.Context, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if body["key"], err = c.hash(ctx, c.operands[0]); err != nil {
		return err
	}
	reply, err := c.post(ctx, "/key/regenerate", body)
	if err != nil {
		return err
	}
	return show(c, reply, c.keyDetails)
}
