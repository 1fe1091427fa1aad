package report

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Summary is a day of the reply of /spend/logs: its sums stand beside those of
// keys, which are members named after the keys.
type Summary struct {
	Day    time.Time
	Nano   int64
	Keys   map[string]int64
	Users  map[string]int64
	Models map[string]int64
}

// MarshalJSON writes the day in LiteLLM's shape.
func (d *Summary) MarshalJSON() ([]byte, error) {
	all := map[string]any{}
	for key, usd := range dollars(d.Keys) {
		all[key] = usd
	}
	all["startTime"], all["spend"] = d.Day.Format(time.DateOnly), money.Nano(d.Nano).USD()
	all["users"], all["models"] = dollars(d.Users), dollars(d.Models)
	return json.Marshal(all) //nolint:wrapcheck // names and numbers
}

func dollars(nano map[string]int64) map[string]float64 {
	usd := make(map[string]float64, len(nano))
	for name, n := range nano {
		if name != "" {
			usd[name] = money.Nano(n).USD()
		}
	}
	return usd
}

// Summary returns the days on which something was spent, and those after the
// last of them to the end of the range.
func (s *Service) Summary(ctx context.Context, who caller.Caller, r Range, user, key *string) ([]*Summary, error) {
	of, err := scopeOf(who, user, key)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.OwnSummary(ctx, s.read, db.OwnSummaryParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key, PageSize: maxRows})
	if err != nil {
		return nil, fmt.Errorf("sum spend by day: %w", err)
	}
	out := []*Summary{}
	var d *Summary
	for i := range rows {
		if d == nil || !d.Day.Equal(rows[i].Date.Time) {
			d = &Summary{Day: rows[i].Date.Time, Keys: map[string]int64{}, Users: map[string]int64{}, Models: map[string]int64{}}
			out = append(out, d)
		}
		nano := rows[i].SpendNano
		d.Nano += nano
		d.Keys[rows[i].ApiKey] += nano
		d.Users[rows[i].UserID] += nano
		d.Models[rows[i].Model] += nano
	}
	if d != nil {
		for day := d.Day.AddDate(0, 0, 1); !day.After(r.End.Time); day = day.AddDate(0, 0, 1) {
			out = append(out, &Summary{Day: day})
		}
	}
	return out, nil
}
