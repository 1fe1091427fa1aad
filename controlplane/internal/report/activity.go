package report

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Entity is whom daily activity is of.
type Entity uint8

// The entities that have daily activity.
const (
	Users Entity = iota
	Teams
	Tags
	Organizations
	Customers
	Agents
)

// ActivityQuery asks for a page of daily activity.
type ActivityQuery struct {
	Range

	Of                Entity
	IDs, Excluded     []string // empty is all, and none
	User, Key, Model  *string
	Page, Size        int
	withoutTotalPages bool
}

// Metrics are sums of calls.
type Metrics struct {
	Spend                    float64 `json:"spend"`
	PromptTokens             int64   `json:"prompt_tokens"`
	CompletionTokens         int64   `json:"completion_tokens"`
	CacheReadInputTokens     int64   `json:"cache_read_input_tokens"`
	CacheCreationInputTokens int64   `json:"cache_creation_input_tokens"`
	TotalTokens              int64   `json:"total_tokens"`
	SuccessfulRequests       int64   `json:"successful_requests"`
	FailedRequests           int64   `json:"failed_requests"`
	APIRequests              int64   `json:"api_requests"`

	nano int64
}

func (m *Metrics) add(r *db.UserActivityRow) {
	m.nano += r.SpendNano
	m.Spend = money.Nano(m.nano).USD()
	m.PromptTokens += r.PromptTokens
	m.CompletionTokens += r.CompletionTokens
	m.CacheReadInputTokens += r.CacheReadInputTokens
	m.CacheCreationInputTokens += r.CacheCreationInputTokens
	m.TotalTokens += r.PromptTokens + r.CompletionTokens
	m.SuccessfulRequests += r.SuccessfulRequests
	m.FailedRequests += r.FailedRequests
	m.APIRequests += r.ApiRequests
}

// KeyPart is the part of one key.
type KeyPart struct {
	Metrics  Metrics     `json:"metrics"`
	Metadata KeyMetadata `json:"metadata"`
}

// KeyMetadata says whose a key is.
type KeyMetadata struct {
	KeyAlias *string `json:"key_alias"`
	TeamID   *string `json:"team_id"`
}

// Part is the part of a model, a provider, or an entity.
type Part struct {
	Metrics  Metrics             `json:"metrics"`
	Metadata map[string]any      `json:"metadata"`
	Keys     map[string]*KeyPart `json:"api_key_breakdown"`
}

// Breakdown is a day by each of its dimensions.
type Breakdown struct {
	MCPServers  map[string]*Part    `json:"mcp_servers"`
	Models      map[string]*Part    `json:"models"`
	ModelGroups map[string]*Part    `json:"model_groups"`
	Providers   map[string]*Part    `json:"providers"`
	Endpoints   map[string]*Part    `json:"endpoints"`
	Keys        map[string]*KeyPart `json:"api_keys"`
	Entities    map[string]*Part    `json:"entities"`
}

// Day is the activity of one day, as far as the page has it.
type Day struct {
	Date      string    `json:"date"`
	Metrics   Metrics   `json:"metrics"`
	Breakdown Breakdown `json:"breakdown"`
}

// Totals are the sums of the page.
type Totals struct {
	Spend                    float64 `json:"total_spend"`
	PromptTokens             int64   `json:"total_prompt_tokens"`
	CompletionTokens         int64   `json:"total_completion_tokens"`
	Tokens                   int64   `json:"total_tokens"`
	Requests                 int64   `json:"total_api_requests"`
	SuccessfulRequests       int64   `json:"total_successful_requests"`
	FailedRequests           int64   `json:"total_failed_requests"`
	CacheReadInputTokens     int64   `json:"total_cache_read_input_tokens"`
	CacheCreationInputTokens int64   `json:"total_cache_creation_input_tokens"`
	Page                     int     `json:"page"`
	TotalPages               int64   `json:"total_pages"`
	HasMore                  bool    `json:"has_more"`
}

// Activity is the reply of the routes /…/daily/activity.
type Activity struct {
	Results  []*Day `json:"results"`
	Metadata Totals `json:"metadata"`
}

// Activity returns one page of daily activity, the newest day first.
func (s *Service) Activity(ctx context.Context, who caller.Caller, q *ActivityQuery) (Activity, error) {
	p, err := q.params(who)
	if err != nil {
		return Activity{}, err
	}
	var led []string
	if q.Of == Teams {
		if led, err = s.led(ctx, who, q.IDs); err != nil {
			return Activity{}, err
		}
	}
	rows, err := s.activityRows(ctx, q.Of, p, led)
	if err != nil {
		return Activity{}, fmt.Errorf("read daily activity: %w", err)
	}
	total := int64(len(rows))
	if !q.withoutTotalPages {
		if total, err = s.activityCount(ctx, q.Of, p, led); err != nil {
			return Activity{}, fmt.Errorf("count daily activity: %w", err)
		}
	}
	out := render(rows, q.Of)
	pages := (total + int64(q.Size) - 1) / int64(q.Size)
	out.Metadata.Page, out.Metadata.TotalPages, out.Metadata.HasMore = q.Page, pages, int64(q.Page) < pages
	return out, nil
}

// Aggregated is the activity of users on one page.
func (s *Service) Aggregated(ctx context.Context, who caller.Caller, q *ActivityQuery) (Activity, error) {
	q.Page, q.Size, q.withoutTotalPages = 1, maxRows, true
	return s.Activity(ctx, who, q)
}

func (q *ActivityQuery) params(who caller.Caller) (db.UserActivityParams, error) {
	p := db.UserActivityParams{
		StartDate: q.Start, EndDate: q.End, Model: q.Model, PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	}
	if len(q.IDs) > 0 {
		p.Entities = q.IDs
	}
	if len(q.Excluded) > 0 {
		p.Excluded = q.Excluded
	}
	whose, err := scopeOf(who, q.User, q.Key)
	p.Owner, p.ApiKey = whose.user, whose.key
	return p, err
}

func (s *Service) activityRows(ctx context.Context, of Entity, p db.UserActivityParams, led []string) ([]db.UserActivityRow, error) {
	switch of {
	case Teams:
		return s.teamActivity(ctx, &p, led)
	case Tags:
		rows, err := s.store.TagActivity(ctx, s.read, db.TagActivityParams(p))
		return convert(rows, func(r db.TagActivityRow) db.UserActivityRow { return db.UserActivityRow(r) }), err
	case Organizations:
		rows, err := s.store.OrgActivity(ctx, s.read, db.OrgActivityParams(p))
		return convert(rows, func(r db.OrgActivityRow) db.UserActivityRow { return db.UserActivityRow(r) }), err
	case Customers:
		rows, err := s.store.CustomerActivity(ctx, s.read, db.CustomerActivityParams(p))
		return convert(rows, func(r db.CustomerActivityRow) db.UserActivityRow { return db.UserActivityRow(r) }), err
	case Agents:
		rows, err := s.store.AgentActivity(ctx, s.read, db.AgentActivityParams(p))
		return convert(rows, func(r db.AgentActivityRow) db.UserActivityRow { return db.UserActivityRow(r) }), err
	default:
		return s.store.UserActivity(ctx, s.read, p)
	}
}

func convert[From, To any](from []From, one func(From) To) []To {
	to := make([]To, len(from))
	for i := range from {
		to[i] = one(from[i])
	}
	return to
}

func (s *Service) activityCount(ctx context.Context, of Entity, p db.UserActivityParams, led []string) (int64, error) {
	c := db.UserActivityCountParams{
		StartDate: p.StartDate, EndDate: p.EndDate, Entities: p.Entities, Excluded: p.Excluded, ApiKey: p.ApiKey, Model: p.Model, Owner: p.Owner,
	}
	switch of {
	case Teams:
		return s.teamActivityCount(ctx, &p, led)
	case Tags:
		return s.store.TagActivityCount(ctx, s.read, db.TagActivityCountParams(c))
	case Organizations:
		return s.store.OrgActivityCount(ctx, s.read, db.OrgActivityCountParams(c))
	case Customers:
		return s.store.CustomerActivityCount(ctx, s.read, db.CustomerActivityCountParams(c))
	case Agents:
		return s.store.AgentActivityCount(ctx, s.read, db.AgentActivityCountParams(c))
	default:
		return s.store.UserActivityCount(ctx, s.read, c)
	}
}
