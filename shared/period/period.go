// Package period reads LiteLLM's durations ("30s", "12h", "7d", "1mo") and
// finds when a budget that runs for one of them began and starts again.
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

// Start returns when the period that t lies in began, and Reset when it ends and
// the next begins. Periods are aligned to the calendar in UTC, so that everybody
// finds the same ones without a record of the last: a day begins at midnight, a
// week on Monday, a month (and 30 days, as at LiteLLM) on its first day, and
// what is shorter than a day at multiples of its length from midnight. Several
// of them are counted from the first Monday, and the first month, of 1970.
func (p Period) Start(t time.Time) time.Time {
	t = t.UTC()
	months, days, rest := p.split()
	switch {
	case months > 0:
		n := (t.Year()-1970)*12 + int(t.Month()) - 1
		return time.Date(1970, time.January+time.Month(n-mod(n, months)), 1, 0, 0, 0, 0, time.UTC)
	case days > 0:
		n := int(midnight(t).Sub(firstMonday()) / (24 * time.Hour))
		return midnight(t).AddDate(0, 0, -mod(n, days))
	case rest < 24*time.Hour:
		return midnight(t).Add(t.Sub(midnight(t)).Truncate(rest))
	default:
		n := t.Unix() - firstMonday().Unix()
		return t.Truncate(time.Second).Add(-time.Duration(mod(n, int64(rest/time.Second))) * time.Second)
	}
}

// Reset returns when the period that t lies in ends.
func (p Period) Reset(t time.Time) time.Time {
	start := p.Start(t)
	months, days, rest := p.split()
	switch {
	case months > 0:
		return start.AddDate(0, months, 0)
	case days > 0:
		return start.AddDate(0, 0, days)
	case rest < 24*time.Hour: // the last of a day may be shorter
		return earlier(start.Add(rest), midnight(start).AddDate(0, 0, 1))
	default:
		return start.Add(rest)
	}
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func firstMonday() time.Time { return time.Date(1970, time.January, 5, 0, 0, 0, 0, time.UTC) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// mod is never negative.
func mod[T int | int64](n, d T) T { return (n%d + d) % d }

// split returns the period as months, as whole days, or as what is neither.
func (p Period) split() (months, days int, rest time.Duration) {
	switch {
	case p.unit == "mo":
		return p.count, 0, 0
	case p.unit == "d" && p.count == 30:
		return 1, 0, 0
	case p.unit == "w":
		return 0, 7 * p.count, 0
	case p.unit == "d":
		return 0, p.count, 0
	}
	rest = p.After(time.Unix(0, 0)).Sub(time.Unix(0, 0))
	if rest%(24*time.Hour) == 0 {
		return 0, int(rest / (24 * time.Hour)), 0
	}
	return 0, 0, rest
}
