// Package report answers what was spent, by whom and on what, in LiteLLM's
// shapes. It reads the sums of days that the ledger keeps, so that a report
// takes as long for ten million calls as for a thousand; single calls are read
// page by page. It books nothing, and owns no goroutines.
package report

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

const (
	// maxDays bounds the range of a report, maxRows what one answer is made of.
	maxDays = 400
	maxRows = 50_000
	// recentDays is the range of reports that are not given one.
	recentDays = 30
)

// Service makes reports. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	read   db.DBTX
	limits contract.LimitSettings
	now    func() time.Time
}

// New returns a service over the store. The settings have the budgets of
// providers and of the whole installation.
func New(st *store.Store, limits contract.LimitSettings) *Service {
	return &Service{store: st, read: st.Reader(), limits: limits, now: time.Now}
}

// Range is the days of a report, both included.
type Range struct{ Start, End pgtype.Date }

// Between reads the days that a report is asked for: dates, or times of which
// the date counts.
func Between(start, end string) (Range, error) {
	if start == "" || end == "" {
		return Range{}, apierr.Detail(400, "Please provide start_date and end_date")
	}
	from, err := day(start)
	if err != nil {
		return Range{}, err
	}
	to, err := day(end)
	if err != nil {
		return Range{}, err
	}
	if to.Before(from) {
		return Range{}, apierr.Detail(400, "end_date is before start_date")
	}
	if to.Sub(from) > maxDays*24*time.Hour {
		return Range{}, apierr.Detail(400, "The range is too long: at most %d days at one time", maxDays)
	}
	return days(from, to), nil
}

func day(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(24 * time.Hour), nil
		}
	}
	return time.Time{}, apierr.Detail(400, "Invalid date %.40q: want YYYY-MM-DD", text)
}

func days(from, to time.Time) Range {
	return Range{pgtype.Date{Time: from, Valid: true}, pgtype.Date{Time: to, Valid: true}}
}

func (s *Service) recent() Range {
	today := s.now().UTC().Truncate(24 * time.Hour)
	return days(today.AddDate(0, 0, -recentDays), today)
}

// scope is whose spend is shown; nil is everybody's.
type scope struct{ user, key *string }

func (s scope) everybody() bool { return s.user == nil && s.key == nil }

// scopeOf narrows what is asked for to what a caller may see.
func scopeOf(who caller.Caller, user, key *string) (scope, error) {
	if key != nil {
		token := ident.KeyToken(*key)
		key = &token
	}
	switch {
	case who.May().SeesSpend():
		return scope{user, key}, nil
	case user != nil && *user != who.UserID, who.UserID == "" && key != nil && *key != who.KeyHash:
		return scope{}, apierr.Forbidden("You are not authorized to view spend of others")
	case who.UserID == "":
		return scope{nil, &who.KeyHash}, nil
	default:
		return scope{&who.UserID, key}, nil
	}
}

func date(d pgtype.Date) string { return d.Time.Format(time.DateOnly) }

// label is how charts name a day.
func label(d pgtype.Date) string { return d.Time.Format("Jan 02") }

func or(s *string, def string) string {
	if s == nil || *s == "" {
		return def
	}
	return *s
}
