// Package spend reads what the ledger booked.
package spend

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/money"
)

// pageSize bounds one answer.
const pageSize = 1000

// Service reads spend rows. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// Log is a spend row as LiteLLM shows it.
type Log struct {
	Texts

	RequestID           string          `json:"request_id"`
	CallType            string          `json:"call_type"`
	APIKey              string          `json:"api_key"`
	Spend               float64         `json:"spend"`
	TotalTokens         int64           `json:"total_tokens"`
	PromptTokens        int64           `json:"prompt_tokens"`
	CompletionTokens    int64           `json:"completion_tokens"`
	StartTime           time.Time       `json:"startTime"`           //nolint:tagliatelle // LiteLLM's name
	EndTime             time.Time       `json:"endTime"`             //nolint:tagliatelle // LiteLLM's name
	CompletionStartTime *time.Time      `json:"completionStartTime"` //nolint:tagliatelle // LiteLLM's name
	Model               string          `json:"model"`
	ModelID             string          `json:"model_id"`
	ModelGroup          string          `json:"model_group"`
	CustomLLMProvider   string          `json:"custom_llm_provider"`
	APIBase             string          `json:"api_base"`
	User                string          `json:"user"`
	TeamID              *string         `json:"team_id"`
	OrganizationID      *string         `json:"organization_id"`
	EndUser             *string         `json:"end_user"`
	SessionID           *string         `json:"session_id"`
	AgentID             *string         `json:"agent_id"`
	RequesterIP         *string         `json:"requester_ip_address"`
	Status              string          `json:"status"`
	CacheHit            string          `json:"cache_hit"`
	Metadata            Metadata        `json:"metadata"`
	RequestTags         json.RawMessage `json:"request_tags"`
}

// Metadata is what LiteLLM has no column for.
type Metadata struct {
	KeyHash   string  `json:"user_api_key"`
	UserID    *string `json:"user_api_key_user_id"`
	TeamID    *string `json:"user_api_key_team_id"`
	OrgID     *string `json:"user_api_key_org_id"`
	IP        *string `json:"requester_ip_address"`
	Status    string  `json:"status"`
	Retries   int32   `json:"attempted_retries"`
	Fallbacks int32   `json:"attempted_fallbacks"`
	// Error is nil for a success.
	Error *ErrorInformation `json:"error_information"`
	More  MoreUsage         `json:"additional_usage_values"`
}

// ErrorInformation is why a request failed.
type ErrorInformation struct {
	Code     string `json:"error_code"`
	Class    string `json:"error_class"`
	Provider string `json:"llm_provider"`
}

// MoreUsage is what was used beside the tokens that have a column at LiteLLM.
type MoreUsage struct {
	CacheRead  int64 `json:"cache_read_input_tokens"`
	CacheWrite int64 `json:"cache_creation_input_tokens"`
	Reasoning  int64 `json:"reasoning_tokens"`
}

func metadataOf(r *db.SpendLog) Metadata {
	m := Metadata{
		KeyHash: r.ApiKey, UserID: r.UserID, TeamID: r.TeamID, OrgID: r.OrganizationID, IP: r.RequesterIpAddress, Status: r.Status,
		Retries: r.Retries, Fallbacks: r.Fallbacks, More: MoreUsage{r.CachedTokens, r.CacheWriteTokens, r.ReasoningTokens},
	}
	if r.ErrorType != nil {
		m.Error = &ErrorInformation{Code: strconv.Itoa(int(r.HttpStatus)), Class: *r.ErrorType, Provider: r.CustomLlmProvider}
	}
	return m
}

// pythonBool is how LiteLLM writes the column cache_hit.
func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// Query narrows a listing.
type Query struct {
	RequestID, APIKey, UserID *string
	After, Before             *time.Time
}

// Logs returns the newest spend rows; a caller who is not an admin sees those
// of their own key, or of their user. What a request said is told of one that is
// asked for by its id.
func (s *Service) Logs(ctx context.Context, who caller.Caller, q Query) ([]Log, error) {
	rows, err := s.rows(ctx, who, &q)
	if err != nil {
		return nil, err
	}
	logs := make([]Log, len(rows))
	for i, r := range rows {
		logs[i] = show(r)
	}
	if q.RequestID != nil && len(rows) == 1 {
		return logs, s.attach(ctx, who, &logs[0], &rows[0])
	}
	return logs, nil
}

func (s *Service) rows(ctx context.Context, who caller.Caller, q *Query) ([]db.SpendLog, error) {
	if q.APIKey != nil {
		token := ident.KeyToken(*q.APIKey)
		q.APIKey = &token
	}
	if !who.May().SeesSpend() {
		if err := q.restrict(who); err != nil {
			return nil, err
		}
	}
	q.narrow()
	rows, err := s.store.SpendList(ctx, s.store.Reader(), db.SpendListParams{
		RequestID: q.RequestID, ApiKey: q.APIKey, UserID: q.UserID, StartAfter: q.After, StartBefore: q.Before, PageSize: pageSize,
	})
	if err != nil {
		return nil, fmt.Errorf("list spend: %w", err)
	}
	return rows, nil
}

// narrow says when a request began whose id tells it, so that one day of rows is
// looked at and not all of them.
func (q *Query) narrow() {
	if q.RequestID == nil {
		return
	}
	id, err := uuid.Parse(*q.RequestID)
	if err != nil || id.Version() != 7 {
		return
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
	after, before := at.Add(-time.Second), at.Add(time.Second)
	if q.After == nil || q.After.Before(after) {
		q.After = &after
	}
	if q.Before == nil || q.Before.After(before) {
		q.Before = &before
	}
}

func (q *Query) restrict(who caller.Caller) error {
	if q.UserID != nil && *q.UserID != who.UserID || q.APIKey != nil && *q.APIKey != who.KeyHash && who.UserID == "" {
		return apierr.Forbidden("You are not authorized to view spend of others")
	}
	if who.UserID == "" {
		q.APIKey = &who.KeyHash
		return nil
	}
	q.UserID = &who.UserID
	return nil
}

func show(r db.SpendLog) Log {
	user := ""
	if r.UserID != nil {
		user = *r.UserID
	}
	return Log{
		RequestID: r.RequestID, CallType: r.CallType, APIKey: r.ApiKey, Spend: money.Nano(r.SpendNano).USD(),
		TotalTokens: r.PromptTokens + r.CompletionTokens, PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens,
		StartTime: r.StartTime.UTC(), EndTime: r.EndTime.UTC(), CompletionStartTime: r.CompletionStartTime, Model: r.Model, ModelID: r.ModelID,
		ModelGroup: r.ModelGroup, CustomLLMProvider: r.CustomLlmProvider, APIBase: r.ApiBase, User: user, TeamID: r.TeamID,
		OrganizationID: r.OrganizationID, EndUser: r.EndUser, SessionID: r.SessionID, AgentID: r.AgentID, RequesterIP: r.RequesterIpAddress, Status: r.Status, CacheHit: pythonBool(r.CacheHit),
		Metadata: metadataOf(&r), RequestTags: tagsOf(r.RequestTags), Texts: Texts{noText, noText, noText},
	}
}

func tagsOf(stored json.RawMessage) json.RawMessage {
	if stored == nil {
		return json.RawMessage("[]")
	}
	return stored
}
