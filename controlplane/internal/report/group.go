package report

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// unassigned stands for what no team spent.
const unassigned = "Unassigned"

// TeamSpend is what a team spent, by its alias.
type TeamSpend struct {
	TeamID     string  `json:"team_id"`
	TotalSpend float64 `json:"total_spend"`
}

// TeamChart is the reply of /global/spend/teams.
type TeamChart struct {
	Days   []map[string]any `json:"daily_spend"`
	Teams  []string         `json:"teams"`
	Totals []TeamSpend      `json:"total_spend_per_team"`
}

// Teams is what teams spent in the last days.
func (s *Service) Teams(ctx context.Context) (TeamChart, error) {
	out := TeamChart{Days: []map[string]any{}, Teams: []string{}, Totals: []TeamSpend{}}
	r := s.recent()
	all, err := s.days(ctx, r, scope{})
	if err != nil {
		return out, fmt.Errorf("sum spend: %w", err)
	}
	rows, err := s.store.TeamDays(ctx, s.read, db.TeamDaysParams{StartDate: r.Start, EndDate: r.End, PageSize: maxRows})
	if err != nil {
		return out, fmt.Errorf("sum spend of teams: %w", err)
	}
	totals := map[string]int64{}
	next := 0
	for _, d := range all {
		byTeam, rest := map[string]int64{}, d.SpendNano
		for ; next < len(rows) && rows[next].Date.Time.Equal(d.Date.Time); next++ {
			byTeam[or(rows[next].TeamAlias, rows[next].TeamID)] += rows[next].SpendNano
			rest -= rows[next].SpendNano
		}
		if rest != 0 {
			byTeam[unassigned] += rest
		}
		line := map[string]any{"date": date(d.Date)}
		for name, nano := range byTeam {
			line[name] = rounded(nano, 2)
			totals[name] += nano
		}
		out.Days = append(out.Days, line)
	}
	out.Teams = slices.Sorted(maps.Keys(totals))
	slices.SortStableFunc(out.Teams, func(a, b string) int { return int(min(max(totals[b]-totals[a], -1), 1)) })
	for _, name := range out.Teams[:min(len(out.Teams), 10)] {
		out.Totals = append(out.Totals, TeamSpend{name, money.Nano(totals[name]).USD()})
	}
	return out, nil
}

func rounded(nano int64, places int) float64 {
	scale := math.Pow10(places)
	return math.Round(money.Nano(nano).USD()*scale) / scale
}

// SpendQuery is the query of /global/spend/report.
type SpendQuery struct {
	Range

	GroupBy                     string
	Key, User, TeamID, Customer *string
}

// DetailSpend is what was spent with one model and one key.
type DetailSpend struct {
	Model       string  `json:"model"`
	APIKey      string  `json:"api_key"`
	Spend       float64 `json:"spend"`
	TotalTokens int64   `json:"total_tokens"`
}

// TeamReport is what a team spent on one day.
type TeamReport struct {
	Name    string        `json:"team_name"`
	Spend   float64       `json:"total_spend"`
	Details []DetailSpend `json:"metadata"`
	nano    int64
}

// TeamsReport are the teams of one day.
type TeamsReport struct {
	Day   time.Time     `json:"group_by_day"`
	Teams []*TeamReport `json:"teams"`
}

// CustomerReport is what was spent for a customer on one day.
type CustomerReport struct {
	Customer string        `json:"customer"`
	Spend    float64       `json:"total_spend"`
	Details  []DetailSpend `json:"metadata"`
	nano     int64
}

// CustomersReport are the customers of one day.
type CustomersReport struct {
	Day       time.Time         `json:"group_by_day"`
	Customers []*CustomerReport `json:"customers"`
}

// ModelCost is what a key spent on a model.
type ModelCost struct {
	Model        string  `json:"model"`
	Cost         float64 `json:"total_cost"`
	InputTokens  int64   `json:"total_input_tokens"`
	OutputTokens int64   `json:"total_output_tokens"`
}

// KeyReport is what a key spent.
type KeyReport struct {
	APIKey       string      `json:"api_key"`
	Cost         float64     `json:"total_cost"`
	InputTokens  int64       `json:"total_input_tokens"`
	OutputTokens int64       `json:"total_output_tokens"`
	Models       []ModelCost `json:"model_details"`
	nano         int64
}

// Report is the reply of /global/spend/report, in a form for each grouping.
func (s *Service) Report(ctx context.Context, who caller.Caller, q *SpendQuery) (any, error) {
	own := !who.May().SeesSpend()
	switch {
	case q.Key != nil || q.User != nil || q.GroupBy == "api_key" || own:
		return s.keyReport(ctx, who, q)
	case q.GroupBy == "customer", q.Customer != nil:
		return s.customerReport(ctx, q)
	case q.GroupBy == "", q.GroupBy == "team":
		return s.teamReport(ctx, q)
	default:
		return nil, apierr.Detail(400, "Invalid group_by %.40q: want team, customer or api_key", q.GroupBy)
	}
}

func (s *Service) teamReport(ctx context.Context, q *SpendQuery) ([]*TeamsReport, error) {
	rows, err := s.store.TeamReport(ctx, s.read, db.TeamReportParams{StartDate: q.Start, EndDate: q.End, TeamID: q.TeamID, PageSize: maxRows})
	if err != nil {
		return nil, fmt.Errorf("report on teams: %w", err)
	}
	out := []*TeamsReport{}
	var day *TeamsReport
	var team *TeamReport
	last := ""
	for i := range rows {
		r := &rows[i]
		if day == nil || !day.Day.Equal(r.Date.Time) {
			day, team = &TeamsReport{Day: r.Date.Time}, nil
			out = append(out, day)
		}
		if team == nil || last != r.TeamID {
			team, last = &TeamReport{Name: or(r.TeamAlias, "Unassigned Team")}, r.TeamID
			day.Teams = append(day.Teams, team)
		}
		team.nano += r.SpendNano
		team.Spend = money.Nano(team.nano).USD()
		team.Details = append(team.Details, DetailSpend{r.Model, r.ApiKey, money.Nano(r.SpendNano).USD(), r.TotalTokens})
	}
	return out, nil
}

func (s *Service) customerReport(ctx context.Context, q *SpendQuery) ([]*CustomersReport, error) {
	rows, err := s.store.CustomerReport(ctx, s.read, db.CustomerReportParams{
		StartDate: q.Start, EndDate: q.End, EndUserID: q.Customer, TeamID: q.TeamID, PageSize: maxRows,
	})
	if err != nil {
		return nil, fmt.Errorf("report on customers: %w", err)
	}
	out := []*CustomersReport{}
	var day *CustomersReport
	var one *CustomerReport
	for i := range rows {
		r := &rows[i]
		if day == nil || !day.Day.Equal(r.Date.Time) {
			day, one = &CustomersReport{Day: r.Date.Time}, nil
			out = append(out, day)
		}
		if one == nil || one.Customer != r.EndUserID {
			one = &CustomerReport{Customer: r.EndUserID}
			day.Customers = append(day.Customers, one)
		}
		one.nano += r.SpendNano
		one.Spend = money.Nano(one.nano).USD()
		one.Details = append(one.Details, DetailSpend{r.Model, r.ApiKey, money.Nano(r.SpendNano).USD(), r.TotalTokens})
	}
	return out, nil
}

func (s *Service) keyReport(ctx context.Context, who caller.Caller, q *SpendQuery) ([]*KeyReport, error) {
	of, err := scopeOf(who, q.User, q.Key)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.OwnKeyModels(ctx, s.read, db.OwnKeyModelsParams{StartDate: q.Start, EndDate: q.End, UserID: of.user, ApiKey: of.key, PageSize: maxRows})
	if err != nil {
		return nil, fmt.Errorf("report on keys: %w", err)
	}
	out := []*KeyReport{}
	var one *KeyReport
	for i := range rows {
		r := &rows[i]
		if one == nil || one.APIKey != r.ApiKey {
			one = &KeyReport{APIKey: r.ApiKey}
			out = append(out, one)
		}
		one.nano += r.SpendNano
		one.Cost = money.Nano(one.nano).USD()
		one.InputTokens += r.PromptTokens
		one.OutputTokens += r.CompletionTokens
		one.Models = append(one.Models, ModelCost{r.Model, money.Nano(r.SpendNano).USD(), r.PromptTokens, r.CompletionTokens})
	}
	return out, nil
}
