package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/shared/ident"
)

func rangeOptions() []option {
	return []option{
		{name: "from", member: "start_date", usage: "first `DAY`, such as 2026-11-01; 30 days ago when it is not given"},
		{name: "to", member: "end_date", usage: "last `DAY`; today when it is not given"},
	}
}

func spend() group {
	most := []option{{name: "most", member: "limit", usage: "`NUMBER` of rows", def: "20"}}
	return group{name: "spend", about: "what was spent, on what and by whom", commands: []command{
		{name: "total", about: "the last 30 days in one sum", run: spendTotal, examples: []string{"tianji spend total"}},
		{name: "keys", about: "the keys that spent most in the last 30 days", run: spendKeys, options: most, examples: []string{"tianji spend keys"}},
		{name: "teams", about: "the teams that spent most in the last 30 days", run: spendTeams, examples: []string{"tianji spend teams"}},
		{name: "models", about: "the models that cost most in the last 30 days", run: spendModels, options: most, examples: []string{"tianji spend models --most 5"}},
		{name: "users", about: "what each user has spent, the most first", run: spendUsers, examples: []string{"tianji spend users"}},
		{
			name: "providers", about: "what was spent at each provider", run: spendProviders, options: rangeOptions(),
			examples: []string{"tianji spend providers", "tianji spend providers --from 2026-11-01 --to 2026-11-30"},
		},
		{
			name: "days", about: "the last 30 days one by one", run: spendDays, examples: []string{"tianji spend days", "tianji spend days --of my-app"},
			options: []option{{name: "of", member: "api_key", usage: "of one `KEY`, by its alias, hash or text"}},
		},
		{
			name: "tags", about: "what was spent for each tag", run: spendTags, examples: []string{"tianji spend tags --from 2026-11-01 --to 2026-11-30"},
			options: append(rangeOptions(), option{name: "tags", member: "tags", usage: "these `TAGS` alone, with commas"}),
		},
		{
			name: "logs", about: "single requests, the newest first", run: spendLogs, examples: []string{"tianji spend logs --user ann", "tianji spend logs --from 2026-11-22 --model gpt-4o"},
			options: append(append(rangeOptions(), []option{
				{name: "of", member: "api_key", usage: "of one `KEY`, by its alias, hash or text"},
				{name: "user", member: "user_id", usage: "of a user, by their `ID`"},
				{name: "team", member: "team_id", usage: "of a team, by its `ID`"},
				{name: "model", member: "model", usage: "that this `MODEL` answered"},
				{name: "status", member: "status_filter", usage: "success or `failure`"},
			}...), pageOptions("page_size")...),
		},
	}}
}

func spendTotal(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/global/spend", nil)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Spend     float64  `json:"spend"`
		MaxBudget *float64 `json:"max_budget"`
	},
	) error {
		var f fields
		f.add("last 30 days", usd(r.Spend))
		f.add("budget", optionalUSD(r.MaxBudget))
		return write(c.Out, f.String())
	})
}

func spendKeys(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/global/spend/keys", c.query())
	if err != nil {
		return err
	}
	return show(c, reply, func(all *[]struct {
		APIKey   string  `json:"api_key"`
		KeyAlias *string `json:"key_alias"`
		KeyName  *string `json:"key_name"`
		Spend    float64 `json:"total_spend"`
	},
	) error {
		t := newTable("SPEND>", "ALIAS", "KEY", "HASH")
		for _, k := range *all {
			alias := text(k.KeyAlias)
			if k.APIKey == "" {
				alias = "(master key)"
			}
			t.add(usd(k.Spend), alias, text(k.KeyName), k.APIKey)
		}
		return write(c.Out, t.draw(c.Width))
	})
}

func spendTeams(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/global/spend/teams", nil)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Teams []struct {
			TeamID string  `json:"team_id"` // its alias, as at LiteLLM
			Spend  float64 `json:"total_spend"`
		} `json:"total_spend_per_team"`
	},
	) error {
		t := newTable("SPEND>", "TEAM")
		for _, row := range r.Teams {
			t.add(usd(row.Spend), row.TeamID)
		}
		return write(c.Out, t.draw(c.Width))
	})
}

func spendModels(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/global/spend/models", c.query())
	if err != nil {
		return err
	}
	return show(c, reply, func(all *[]struct {
		Model string  `json:"model"`
		Spend float64 `json:"total_spend"`
	},
	) error {
		t := newTable("SPEND>", "MODEL")
		for _, m := range *all {
			t.add(usd(m.Spend), m.Model)
		}
		return write(c.Out, t.draw(c.Width))
	})
}

func spendUsers(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/spend/users", nil)
	if err != nil {
		return err
	}
	return show(c, reply, func(all *[]userRow) error {
		slices.SortStableFunc(*all, func(a, b userRow) int { return cmp.Compare(b.Spend, a.Spend) })
		t := newTable("SPEND>", "BUDGET>", "USER", "E-MAIL")
		for _, u := range *all {
			t.add(usd(u.Spend), budget(u.MaxBudget, u.BudgetDuration), u.UserID, text(u.UserEmail))
		}
		return write(c.Out, t.draw(c.Width))
	})
}

func spendProviders(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/global/spend/provider", days(c.query()))
	if err != nil {
		return err
	}
	return show(c, reply, func(all *[]struct {
		Provider string  `json:"provider"`
		Spend    float64 `json:"spend"`
	},
	) error {
		t := newTable("SPEND>", "PROVIDER")
		for _, p := range *all {
			t.add(usd(p.Spend), p.Provider)
		}
		return write(c.Out, t.draw(c.Width))
	})
}

func spendDays(ctx context.Context, c *call) error {
	q, err := c.ofKey(ctx)
	if err != nil {
		return err
	}
	reply, err := c.get(ctx, "/global/spend/logs", q)
	if err != nil {
		return err
	}
	return show(c, reply, func(all *[]struct {
		Date  string  `json:"date"`
		Spend float64 `json:"spend"`
	},
	) error {
		t := newTable("DAY", "SPEND>")
		for _, d := range *all {
			t.add(d.Date, usd(d.Spend))
		}
		return write(c.Out, t.draw(c.Width))
	})
}

// ofKey is the query, with the hash of a key that is named.
func (c *call) ofKey(ctx context.Context) (url.Values, error) {
	q := c.query()
	if named := q.Get("api_key"); named != "" {
		key, err := c.hash(ctx, named)
		if err != nil {
			return nil, err
		}
		q.Set("api_key", ident.KeyToken(key))
	}
	return q, nil
}

// days completes a range. Reports are of days in UTC.
func days(q url.Values) url.Values {
	const back = 30
	now := time.Now().UTC()
	if q.Get("start_date") == "" {
		q.Set("start_date", now.AddDate(0, 0, -back).Format(time.DateOnly))
	}
	if q.Get("end_date") == "" {
		q.Set("end_date", now.Format(time.DateOnly))
	}
	return q
}

func spendTags(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/global/spend/tags", days(c.query()))
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Tags []struct {
			Name  string  `json:"name"`
			Spend float64 `json:"spend"`
			Count int64   `json:"log_count"`
		} `json:"spend_per_tag"`
	},
	) error {
		t := newTable("SPEND>", "REQUESTS>", "TAG")
		for _, row := range r.Tags {
			t.add(usd(row.Spend), quantity(row.Count), row.Name)
		}
		return write(c.Out, t.draw(c.Width))
	})
}

func spendLogs(ctx context.Context, c *call) error {
	q, err := c.ofKey(ctx)
	if err != nil {
		return err
	}
	reply, err := c.get(ctx, "/spend/logs/v2", days(q))
	if err != nil {
		return err
	}
	return show(c, reply, func(page *struct {
		Data []struct {
			StartTime  *time.Time `json:"startTime"` //nolint:tagliatelle // LiteLLM's name
			Model      string     `json:"model"`
			ModelGroup string     `json:"model_group"`
			User       string     `json:"user"`
			TeamID     *string    `json:"team_id"`
			Prompt     int64      `json:"prompt_tokens"`
			Completion int64      `json:"completion_tokens"`
			Spend      float64    `json:"spend"`
			Status     string     `json:"status"`
		} `json:"data"`
		Total      int64 `json:"total"`
		Page       int64 `json:"page"`
		TotalPages int64 `json:"total_pages"`
	},
	) error {
		t := newTable("TIME!", "MODEL", "USER", "TEAM", "IN>", "OUT>", "SPEND>", "STATUS")
		for _, r := range page.Data {
			model, user := r.ModelGroup, r.User
			if model == "" {
				model = r.Model
			}
			t.add(c.moment(r.StartTime), model, text(&user), text(r.TeamID), quantity(r.Prompt), quantity(r.Completion), usd(r.Spend), r.Status)
		}
		return write(c.Out, t.draw(c.Width)+pages(len(page.Data), page.Total, page.Page, page.TotalPages))
	})
}
