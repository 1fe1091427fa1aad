package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// topModels is how many models a chart shows.
const topModels = 10

// Point is one day of a chart.
type Point struct {
	ModelGroup  *string `json:"model_group,omitempty"`
	Date        string  `json:"date"`
	APIRequests int64   `json:"api_requests"`
	TotalTokens int64   `json:"total_tokens"`
}

// Chart is the reply of /global/activity, and a part of that of
// /global/activity/model.
type Chart struct {
	Model    *string `json:"model,omitempty"`
	Days     []Point `json:"daily_data"`
	Requests int64   `json:"sum_api_requests"`
	Tokens   int64   `json:"sum_total_tokens"`
}

func (c *Chart) add(p Point) {
	c.Days = append(c.Days, p)
	c.Requests += p.APIRequests
	c.Tokens += p.TotalTokens
}

// Requests is the reply of /global/activity.
func (s *Service) Requests(ctx context.Context, who caller.Caller, r Range) (Chart, error) {
	out := Chart{Days: []Point{}}
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return out, err
	}
	rows, err := s.days(ctx, r, of)
	if err != nil {
		return out, fmt.Errorf("sum activity: %w", err)
	}
	for _, d := range rows {
		out.add(Point{nil, label(d.Date), d.ApiRequests, d.TotalTokens})
	}
	return out, nil
}

// RequestsByModel is the reply of /global/activity/model: the models with most
// requests.
func (s *Service) RequestsByModel(ctx context.Context, who caller.Caller, r Range) ([]*Chart, error) {
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return nil, err
	}
	var rows []db.OwnModelDaysRow
	if of.everybody() {
		var all []db.AllModelDaysRow
		all, err = s.store.AllModelDays(ctx, s.read, db.AllModelDaysParams{StartDate: r.Start, EndDate: r.End})
		rows = convert(all, func(d db.AllModelDaysRow) db.OwnModelDaysRow { return db.OwnModelDaysRow(d) })
	} else {
		rows, err = s.store.OwnModelDays(ctx, s.read, db.OwnModelDaysParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key})
	}
	if err != nil {
		return nil, fmt.Errorf("sum activity of models: %w", err)
	}
	byName := map[string]*Chart{}
	charts := []*Chart{}
	for i := range rows {
		d := &rows[i]
		c := byName[d.ModelGroup]
		if c == nil {
			c = &Chart{Model: &d.ModelGroup, Days: []Point{}}
			byName[d.ModelGroup], charts = c, append(charts, c)
		}
		c.add(Point{&d.ModelGroup, label(d.Date), d.ApiRequests, d.TotalTokens})
	}
	slices.SortStableFunc(charts, func(a, b *Chart) int { return cmp.Compare(b.Requests, a.Requests) })
	return charts[:min(len(charts), topModels)], nil
}

// CacheHits is a row of the reply of /global/activity/cache_hits.
type CacheHits struct {
	APIKey          string `json:"api_key"` // the alias
	CallType        string `json:"call_type"`
	Model           string `json:"model"`
	TotalRows       int64  `json:"total_rows"`
	HitRows         int64  `json:"cache_hit_true_rows"`
	CachedTokens    int64  `json:"cached_completion_tokens"`
	GeneratedTokens int64  `json:"generated_completion_tokens"`
}

// CacheHits says how many calls were answered out of the cache.
func (s *Service) CacheHits(ctx context.Context, who caller.Caller, r Range) ([]CacheHits, error) {
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.OwnCacheHits(ctx, s.read, db.OwnCacheHitsParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key, PageSize: maxRows})
	if err != nil {
		return nil, fmt.Errorf("sum cache hits: %w", err)
	}
	return convert(rows, func(r db.OwnCacheHitsRow) CacheHits {
		return CacheHits{or(r.KeyAlias, "Unnamed Key"), r.CallType, r.Model, r.TotalRows, r.CacheHitRows, r.CachedTokens, r.GeneratedTokens}
	}), nil
}

// LimitedDay is how often a vendor refused for its rate limits on one day.
type LimitedDay struct {
	Date  string `json:"date"`
	Count int64  `json:"num_rate_limit_exceptions"`
}

// Limited is the reply of /global/activity/exceptions, and a part of that of
// /global/activity/exceptions/deployment.
type Limited struct {
	APIBase *string      `json:"api_base,omitempty"`
	Days    []LimitedDay `json:"daily_data"`
	Sum     int64        `json:"sum_num_rate_limit_exceptions"`
}

func (l *Limited) add(d db.RateLimitedDaysRow) {
	l.Sum += d.Exceptions
	if last := len(l.Days) - 1; last >= 0 && l.Days[last].Date == label(d.Date) {
		l.Days[last].Count += d.Exceptions
		return
	}
	l.Days = append(l.Days, LimitedDay{label(d.Date), d.Exceptions})
}

// Limited says how often requests to a model group ended with status 429.
func (s *Service) Limited(ctx context.Context, group string, r Range) (Limited, error) {
	out := Limited{Days: []LimitedDay{}}
	rows, err := s.limited(ctx, group, r)
	for _, d := range rows {
		out.add(d)
	}
	return out, err
}

// LimitedByDeployment is the same for each address that was called.
func (s *Service) LimitedByDeployment(ctx context.Context, group string, r Range) ([]*Limited, error) {
	rows, err := s.limited(ctx, group, r)
	if err != nil {
		return nil, err
	}
	byBase := map[string]*Limited{}
	all := []*Limited{}
	for i := range rows {
		d := &rows[i]
		l := byBase[d.ApiBase]
		if l == nil {
			l = &Limited{APIBase: &d.ApiBase}
			byBase[d.ApiBase], all = l, append(all, l)
		}
		l.add(*d)
	}
	return all, nil
}

func (s *Service) limited(ctx context.Context, group string, r Range) ([]db.RateLimitedDaysRow, error) {
	if group == "" {
		return nil, &apierr.Error{Status: 422, Message: "model_group: Field required", Invalid: &apierr.Invalidity{Type: "missing", Loc: []string{"query", "model_group"}, Msg: "Field required"}}
	}
	rows, err := s.store.RateLimitedDays(ctx, s.read, db.RateLimitedDaysParams{ModelGroup: group, StartDate: r.Start, EndDate: r.End})
	if err != nil {
		return nil, fmt.Errorf("sum rate limit exceptions: %w", err)
	}
	return rows, nil
}
