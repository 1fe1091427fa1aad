package console

import (
	"context"
	"net/url"
	"strings"
	"time"
)

func limits() group {
	return group{name: "limits", about: "what is used of limits right now", commands: []command{
		{
			name: "show", operands: "KIND ID", least: 1, most: 2, about: "show how limits stand of a key, user, team, organization, customer, tag, model, provider or the proxy", run: limitsShow,
			examples: []string{"tianji limits show key sk-...", "tianji limits show team search", "tianji limits show proxy"},
		},
	}}
}

func limitsShow(ctx context.Context, c *call) error {
	kind, id := c.operands[0], "proxy"
	if len(c.operands) > 1 {
		id = c.operands[1]
	}
	if kind == "key" {
		var err error
		if id, err = c.hash(ctx, id); err != nil {
			return err
		}
	}
	reply, err := c.get(ctx, "/limits/"+url.PathEscape(kind)+"/"+url.PathEscape(id), nil)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Limits []struct {
			Scope     string     `json:"scope"`
			Name      string     `json:"name"`
			Model     string     `json:"model"`
			Unit      string     `json:"unit"`
			Window    *string    `json:"window"`
			Max       any        `json:"max"`
			Used      any        `json:"used"`
			Remaining any        `json:"remaining"`
			ResetsAt  *time.Time `json:"resets_at"`
			Degraded  []string   `json:"degraded"`
			Unknown   string     `json:"unknown"`
		} `json:"limits"`
	},
	) error {
		t := newTable("OF", "MODEL", "WHAT", "IN", "USED>", "LEFT>", "MOST>", "RESETS")
		var notes strings.Builder
		for _, l := range r.Limits {
			money := l.Unit == "budget"
			model, window := l.Model, text(l.Window)
			if l.Window == nil && l.Unit != "max_parallel_requests" {
				window = "ever"
			}
			t.add(l.Scope, text(&model), l.Unit, window, number(l.Used, money), number(l.Remaining, money), number(l.Max, money), c.moment(l.ResetsAt))
			if l.Unknown != "" {
				notes.WriteString(l.Unit + ": not known: " + harmless(l.Unknown) + "\n")
			}
			if len(l.Degraded) > 0 {
				notes.WriteString(l.Unit + ": these data planes did not answer, or count alone: " + harmless(strings.Join(l.Degraded, ", ")) + "\n")
			}
		}
		if len(r.Limits) == 0 {
			return write(c.Out, "nothing is limited\n")
		}
		return write(c.Out, t.draw(c.Width)+notes.String())
	})
}
