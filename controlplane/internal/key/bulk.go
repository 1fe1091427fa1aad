package key

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// mostBulk is how many keys one request updates, as at LiteLLM.
const mostBulk = 500

// BulkRequest is the body of /key/bulk_update.
type BulkRequest struct {
	Keys []BulkItem `json:"keys"`
}

// BulkItem is an update of one key. Only members that were sent have an effect.
type BulkItem struct {
	Key       string                    `json:"key"`
	BudgetID  field.Of[string]          `json:"budget_id"`
	MaxBudget field.Of[json.RawMessage] `json:"max_budget"`
	TeamID    field.Of[string]          `json:"team_id"`
	Tags      field.Of[json.RawMessage] `json:"tags"`
}

// BulkUpdated is the reply of /key/bulk_update.
type BulkUpdated struct {
	Requested int          `json:"total_requested"`
	Updated   []BulkDone   `json:"successful_updates"`
	Failed    []BulkFailed `json:"failed_updates"`
}

// BulkDone is a key that was updated.
type BulkDone struct {
	Key  string `json:"key"`
	Info Row    `json:"key_info"`
}

// BulkFailed is a key that was not.
type BulkFailed struct {
	Key    string `json:"key"`
	Info   *Row   `json:"key_info"`
	Reason string `json:"failed_reason"`
}

// BulkUpdate updates keys one by one: those that can not be do not keep the
// others from it.
func (s *Service) BulkUpdate(ctx context.Context, who caller.Caller, r *BulkRequest) (BulkUpdated, error) {
	if !who.May().Admin() {
		return BulkUpdated{}, apierr.Detail(http.StatusForbidden, "Only proxy admins can perform bulk key updates")
	}
	if n := len(r.Keys); n == 0 || n > mostBulk {
		return BulkUpdated{}, apierr.Detail(http.StatusBadRequest, "keys: there have to be 1 to %d of them. Received: %d", mostBulk, n)
	}
	out := BulkUpdated{Requested: len(r.Keys), Updated: []BulkDone{}, Failed: []BulkFailed{}}
	for i := range r.Keys {
		item := &r.Keys[i]
		update := Request{Key: sent(item.Key), BudgetID: item.BudgetID, TeamID: item.TeamID}
		update.MaxBudget, update.Tags = item.MaxBudget, item.Tags
		updated, err := s.Update(ctx, who, &update)
		if err == nil {
			out.Updated = append(out.Updated, BulkDone{item.Key, updated.Row})
			continue
		}
		if ctx.Err() != nil || store.Unavailable(err) {
			return BulkUpdated{}, err // what is done is done; it can be called again
		}
		out.Failed = append(out.Failed, s.failed(ctx, item.Key, err))
	}
	return out, nil
}

// failed says why a key was not updated, and shows it where there is one.
func (s *Service) failed(ctx context.Context, sent string, reason error) BulkFailed {
	f := BulkFailed{Key: sent, Reason: store.Public(reason).Message}
	if found, err := s.Infos(ctx, caller.Caller{Master: true}, []string{sent}); err == nil && len(found.Info) > 0 {
		f.Info = &found.Info[0]
	}
	return f
}
