package team

import (
	"encoding/json"
	"strconv"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Rules are what the settings say about teams. The zero value says nothing.
type Rules struct {
	// open are the teams that internal users may join by themselves.
	open     []string
	defaults proxyconfig.NewTeams
}

// NewRules reads the settings.
func NewRules(cfg *proxyconfig.Config) Rules {
	return Rules{open: cfg.Settings.NewTeams.Open, defaults: cfg.Settings.NewTeams}
}

// fill sets what a request for a new team leaves open.
func (r *Rules) fill(q *Request) {
	d := &r.defaults
	if !q.MaxBudget.Sent || q.MaxBudget.Null {
		fillRaw(&q.MaxBudget, dollars(d.MaxBudget))
		if q.MaxBudget.Sent && !q.MaxBudget.Null { // a budget comes with its period
			fillRaw(&q.BudgetDuration, quoted(d.BudgetDuration))
		}
	}
	fillRaw(&q.TPM, whole(d.TPM))
	fillRaw(&q.RPM, whole(d.RPM))
	if len(q.Models.Value) == 0 && len(d.Models) > 0 {
		q.Models = field.Of[[]string]{Sent: true, Value: d.Models}
	}
	if !q.TeamMemberPermissions.Sent && len(d.MemberPermissions) > 0 {
		q.TeamMemberPermissions = field.Of[[]string]{Sent: true, Value: d.MemberPermissions}
	}
}

func fillRaw(to *field.Of[json.RawMessage], text string) {
	if text != "" && (!to.Sent || to.Null) {
		*to = field.Of[json.RawMessage]{Sent: true, Value: json.RawMessage(text)}
	}
}

func dollars(n *money.Nano) string {
	if n == nil {
		return ""
	}
	return n.String()
}

func whole(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}
