// Package period reads LiteLLM's durations ("30s", "12h", "7d", "1mo") and
// finds when a budget that runs for one of them starts again.
package period

import (
	"fmt"
	"strconv"
	"time"
)

// maxCount keeps dates inside what Postgres and JSON can carry.
const maxCount = 1_000_000_000

// Period is a number of units; months have no fixed length, so it is not a
// time.Duration.
type Period struct {
	count int
	unit  string
}

// Parse reads a number followed by s, m, h, d, w or mo.
func Parse(s string) (Period, error) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.Atoi(s[:i])
	if err != nil || n <= 0 || n > maxCount {
		return Period{}, fmt.Errorf("invalid duration %q: want a number and a unit, for example 30s, 15m, 12h, 7d, 2w or 1mo", s)
	}
	switch unit := s[i:]; unit {
	case "s", "m", "h", "d", "w", "mo":
		p := Period{n, unit}
		if p.After(time.Unix(0, 0)).Year() > 5000 {
			return Period{}, fmt.Errorf("invalid duration %q: too long", s)
		}
		return p, nil
	default:
		return Period{}, fmt.Errorf("invalid duration %q: unknown unit %q, want s, m, h, d, w or mo", s, unit)
	}
}

// After returns the time one period after t.
func (p Period) After(t time.Time) time.Time {
	t = t.UTC()
	switch p.unit {
	case "s":
		return t.Add(time.Duration(p.count) * time.Second)
	case "m":
		return t.Add(time.Duration(min(p.count, 100_000_000)) * time.Minute)
	case "h":
		return t.Add(time.Duration(min(p.count, 2_000_000)) * time.Hour)
	case "d":
		return t.AddDate(0, 0, p.count)
	case "w":
		return t.AddDate(0, 0, 7*p.count)
	default:
		return t.AddDate(0, p.count, 0)
	}
}

// Reset returns when a budget that runs at t starts again: the next midnight
// for a day, the next Monday for a week, the first of the next month for 30
// days or a month, and the next multiple of anything shorter than a day. All
// in UTC.
func (p Period) Reset(t time.Time) time.Time {
	t = t.UTC()
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	months, days, rest := p.split()
	switch {
	case days == 30:
		months = 1
		fallthrough
	case months > 0:
		return time.Date(t.Year(), t.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	case days > 0 && days%7 == 0:
		toMonday := (7 - int(t.Weekday()) + int(time.Monday)) % 7
		if toMonday == 0 {
			toMonday = 7
		}
		return midnight.AddDate(0, 0, toMonday+days-7)
	case days > 0:
		return midnight.AddDate(0, 0, days)
	case rest < 24*time.Hour:
		return midnight.Add(t.Sub(midnight).Truncate(rest) + rest)
	default:
		return t.Add(rest)
	}
}

// split returns the period as months, as whole days, or as what is neither.
func (p Period) split() (months, days int, rest time.Duration) {
	switch p.unit {
	case "mo":
		return p.count, 0, 0
	case "w":
		return 0, 7 * p.count, 0
	case "d":
		return 0, p.count, 0
	}
	rest = p.After(time.Unix(0, 0)).Sub(time.Unix(0, 0))
	if rest%(24*time.Hour) == 0 {
		return 0, int(rest / (24 * time.Hour)), 0
	}
	return 0, 0, rest
}
