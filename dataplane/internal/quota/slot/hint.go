package slot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
)

// Kinds of hints, which are tokens of their subjects.
const (
	kindAsk   = "reclaim"
	kindGrant = "grant"
	kindLease = "lease"

	allReplicas = "all"
)

// Keys become part of a subject.
var keyPattern = regexp.MustCompile(`^[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*$`)

const maxKey = 512

// hint is an ask or a grant. Both carry the record as the sender knows it.
type hint struct {
	Key string `json:"k"`
	// Replica and Holder are who sends it.
	Replica  string  `json:"r"`
	Holder   string  `json:"i"`
	Revision uint64  `json:"rev"`
	Holders  holders `json:"h,omitempty"`
	// The rest is of asks: the limit, how many are wanted, and the fair part.
	Limit int64 `json:"m,omitempty"`
	Want  int64 `json:"w,omitempty"`
	Fair  int64 `json:"f,omitempty"`
}

func parseHint(data []byte) (*hint, error) {
	if len(data) > maxRecord {
		return nil, errors.New("slot message is too large")
	}
	var h hint
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, fmt.Errorf("decode slot message: %w", err)
	}
	if len(h.Key) > maxKey || !keyPattern.MatchString(h.Key) {
		return nil, errors.New("slot message: not a key")
	}
	if h.Holder == "" || h.Replica == "" || h.Revision == 0 || min(h.Limit, h.Want, h.Fair) < 0 || max(h.Limit, h.Want, h.Fair) > maxSlots {
		return nil, errors.New("slot message: a member is missing or out of range")
	}
	if err := h.Holders.check(); err != nil {
		return nil, fmt.Errorf("slot message: %w", err)
	}
	return &h, nil
}

// beat tells that a holder has renewed its lease, or has given it up.
type beat struct {
	Replica  string `json:"r"`
	Holder   string `json:"i,omitempty"`
	Revision uint64 `json:"rev,omitempty"`
	Gone     bool   `json:"gone,omitempty"`
}

func parseBeat(data []byte) (*beat, error) {
	if len(data) > maxKey {
		return nil, errors.New("slot lease message is too large")
	}
	var b beat
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("decode slot lease message: %w", err)
	}
	if b.Holder == "" || b.Replica == "" || b.Revision == 0 || !keyPattern.MatchString(b.Holder) {
		return nil, errors.New("slot lease message: a member is missing or not a name")
	}
	return &b, nil
}

// send publishes a hint of any kind.
func (t *Table) send(op, kind, to string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		t.opts.Logger.LogAttrs(context.Background(), slog.LevelError, "slot message not sent", slog.Any("error", err))
		return
	}
	t.store.tell(op, t.opts.Names.SlotSubject(kind, to), data)
}
