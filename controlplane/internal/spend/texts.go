package spend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Texts are what a request and its answer said, as far as that was kept.
type Texts struct {
	Messages json.RawMessage `json:"messages"`
	Response json.RawMessage `json:"response"`
	// Request is the body that the client sent.
	Request json.RawMessage `json:"proxy_server_request"`
}

// noText is what LiteLLM shows where nothing was kept.
var noText = json.RawMessage("{}") //nolint:gochecknoglobals // read-only

// Texts returns what a request said, or nil where nothing was kept. Whoever may
// see what everybody spends does not so see what everybody says.
func (s *Service) Texts(ctx context.Context, who caller.Caller, q Query) (*Texts, error) {
	rows, err := s.rows(ctx, who, &q)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return s.texts(ctx, who, &rows[0])
}

func (s *Service) texts(ctx context.Context, who caller.Caller, row *db.SpendLog) (*Texts, error) {
	own := row.ApiKey == who.KeyHash && who.KeyHash != "" || row.UserID != nil && who.UserID != "" && *row.UserID == who.UserID
	if !own && !who.May().Sees() {
		return nil, nil //nolint:nilnil // for them there is nothing
	}
	kept, err := s.store.TranscriptByID(ctx, s.store.DB(), db.TranscriptByIDParams{RequestID: row.RequestID, StartTime: row.StartTime})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // nothing was kept
	}
	if err != nil {
		return nil, fmt.Errorf("read what a request said: %w", err)
	}
	return &Texts{Messages: messagesOf(kept.Request), Response: orNothing(kept.Response), Request: orNothing(kept.Request)}, nil
}

func orNothing(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return noText
	}
	return raw
}

// messagesOf is the conversation of a request, as the dialects call it.
func messagesOf(request []byte) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(request, &all) != nil {
		return noText
	}
	for _, name := range []string{"messages", "input", "prompt", "contents", "query"} {
		if said, there := all[name]; there {
			return said
		}
	}
	return noText
}

// attach adds to the row of one request what it said.
func (s *Service) attach(ctx context.Context, who caller.Caller, log *Log, row *db.SpendLog) error {
	said, err := s.texts(ctx, who, row)
	if err != nil || said == nil {
		return err
	}
	log.Texts = *said
	return nil
}
