package console

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// entry is an entry of the audit trail.
type entry struct {
	ID              string          `json:"id"`
	UpdatedAt       *time.Time      `json:"updated_at"`
	ChangedBy       string          `json:"changed_by"`
	ChangedByAPIKey string          `json:"changed_by_api_key"`
	Action          string          `json:"action"`
	TableName       string          `json:"table_name"`
	ObjectID        string          `json:"object_id"`
	Before          json.RawMessage `json:"before_value"`
	After           json.RawMessage `json:"updated_values"`
}

func audit() group {
	return group{name: "audit", about: "who changed what", commands: []command{
		{
			name: "list", about: "list changes, the newest first", run: auditList,
			examples: []string{"tianji audit list", "tianji audit list --action deleted --from 2026-11-01"},
			options: append([]option{
				{name: "by", member: "changed_by", usage: "those that a user made, by their `ID`"},
				{name: "action", member: "action", usage: "`ACTION`: created, updated, deleted, blocked, unblocked or rotated"},
				{name: "table", member: "table_name", usage: "`TABLE` of the objects, such as verification_token"},
				{name: "object", member: "object_id", usage: "those of one object, by its `ID`"},
				{name: "team", member: "object_team_id", usage: "those of objects of a team, by its `ID`"},
				{name: "from", member: "start_date", usage: "first `DAY` or time"},
				{name: "to", member: "end_date", usage: "last `DAY` or time"},
			}, pageOptions("page_size")...),
		},
		{name: "show", operands: "ID", least: 1, most: 1, about: "show one change, with what was before", run: auditShow, examples: []string{"tianji audit show 0193..."}},
		{
			name: "verify", about: "go through the hash chain: was an entry changed or removed? Reads the database", run: nil,
			examples: []string{"DATABASE_URL=postgres://... tianji audit verify"},
		},
	}}
}

func auditList(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/audit", c.query())
	if err != nil {
		return err
	}
	return show(c, reply, func(page *struct {
		Logs       []entry `json:"audit_logs"`
		Total      int64   `json:"total"`
		Page       int64   `json:"page"`
		TotalPages int64   `json:"total_pages"`
	},
	) error {
		t := newTable("TIME!", "ACTION", "WHAT", "OBJECT", "BY", "ID!")
		for _, e := range page.Logs {
			by := e.ChangedBy
			t.add(c.moment(e.UpdatedAt), e.Action, what(e.TableName), e.ObjectID, text(&by), e.ID)
		}
		return write(c.Out, t.draw(c.Width)+pages(len(page.Logs), page.Total, page.Page, page.TotalPages))
	})
}

func auditShow(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/audit/"+url.PathEscape(c.operands[0]), nil)
	if err != nil {
		return err
	}
	return show(c, reply, func(e *entry) error {
		var f fields
		f.add("id", e.ID)
		f.add("time", c.moment(e.UpdatedAt))
		f.add("action", e.Action)
		f.add("table", e.TableName)
		f.add("object", e.ObjectID)
		f.add("by", e.ChangedBy)
		f.add("with key", e.ChangedByAPIKey)
		return write(c.Out, f.String()+indented("before", e.Before)+indented("changed to", e.After))
	})
}

// what is a short word for the objects of a table.
func what(table string) string {
	switch table {
	case "verification_token":
		return "key"
	case "proxy_model_table":
		return "model"
	case "end_user_table":
		return "customer"
	case "organization_membership":
		return "org member"
	case "team_membership":
		return "team member"
	default:
		return strings.TrimSuffix(table, "_table")
	}
}

// indented shows JSON below a heading, or nothing when there is none.
func indented(heading string, raw json.RawMessage) string {
	if compact(raw) == nothing {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return ""
	}
	return "\n" + heading + ":\n" + b.String() + "\n"
}
