package budget_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/shared/limits"
)

func window(t require.TestingT, duration string) limits.Window {
	w, err := limits.Every(duration)
	require.NoError(t, err)
	return w
}

func at(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

func TestRunning_belongs_to_one_period(t *testing.T) {
	t.Parallel()
	now := at("2026-11-22T12:00:00Z")
	tonight, nextMonth := at("2026-11-23T00:00:00Z"), at("2026-12-01T00:00:00Z")
	for name, c := range map[string]struct {
		row      budget.Running
		duration string
		now      time.Time
		want     budget.Running
	}{
		"present":                       {budget.Running{5, tonight}, "1d", now, budget.Running{5, tonight}},
		"over":                          {budget.Running{5, at("2026-11-22T00:00:00Z")}, "1d", now, budget.Running{0, tonight}},
		"long over":                     {budget.Running{5, at("2025-01-01T00:00:00Z")}, "1d", now, budget.Running{0, tonight}},
		"a row that does not say":       {budget.Running{5, time.Time{}}, "1d", now, budget.Running{5, tonight}},
		"for good":                      {budget.Running{5, time.Time{}}, "", now, budget.Running{5, time.Time{}}},
		"period taken away":             {budget.Running{5, tonight}, "", now, budget.Running{5, time.Time{}}},
		"longer period":                 {budget.Running{5, tonight}, "30d", now, budget.Running{5, nextMonth}},
		"shorter period":                {budget.Running{5, nextMonth}, "1d", now, budget.Running{5, tonight}},
		"somebody is ahead of us":       {budget.Running{5, at("2026-11-24T00:00:00Z")}, "1d", at("2026-11-22T23:59:30Z"), budget.Running{5, at("2026-11-24T00:00:00Z")}},
		"nobody is that much ahead":     {budget.Running{5, at("2026-11-24T00:00:00Z")}, "1d", at("2026-11-22T23:58:30Z"), budget.Running{5, tonight}},
		"the last moment of the period": {budget.Running{5, tonight}, "1d", tonight.Add(-1), budget.Running{5, tonight}},
		"the first of the next":         {budget.Running{5, tonight}, "1d", tonight, budget.Running{0, at("2026-11-24T00:00:00Z")}},
	} {
		require.Equal(t, c.want, c.row.At(window(t, c.duration), c.now), name)
	}
	require.EqualValues(t, 5, budget.Current(5, &tonight, now))
	require.EqualValues(t, 0, budget.Current(5, &tonight, tonight))
	require.EqualValues(t, 5, budget.Current(5, nil, now))
}

func TestRoll_begins_the_present_period_of_a_row(t *testing.T) {
	t.Parallel()
	now, ended := at("2026-11-22T12:00:00Z"), new(at("2026-11-22T00:00:00Z"))
	spent := int64(5)
	budget.Roll(&spent, &ended, new("1d"), now)
	require.EqualValues(t, 0, spent)
	require.Equal(t, at("2026-11-23T00:00:00Z"), *ended)
	spent = 5
	budget.Roll(&spent, &ended, new("1d"), now)
	require.EqualValues(t, 5, spent)
	ended = new(at("2026-11-22T00:00:00Z"))
	budget.Roll(&spent, &ended, nil, now)
	require.EqualValues(t, 0, spent)
	require.Nil(t, ended)
}

// However calls come, the running spend is the sum of those that ended in the
// last period of any of them.
func TestRunning_books_what_is_of_the_last_period(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := window(t, rapid.SampledFrom([]string{"1m", "1h", "1d"}).Draw(t, "duration"))
		now := at("2026-11-22T00:00:10Z")
		type call struct {
			end  time.Time
			nano int64
		}
		var calls []call
		r := budget.Running{}.At(w, now)
		for range rapid.IntRange(1, 12).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "pass")) * time.Second)
			r = r.At(w, now)
			end := now.Add(time.Duration(rapid.IntRange(-200_000, 100).Draw(t, "ended")) * time.Second)
			c := call{budget.Ended(end, now), int64(rapid.IntRange(1, 9).Draw(t, "nano"))}
			next, counted, begun := r.Book(w, c.end, c.nano)
			require.Equal(t, counted && !begun, counted && next.Ends.Equal(r.Ends))
			r = next
			calls = append(calls, c)
		}
		want := int64(0)
		for _, c := range calls {
			if _, end := w.Bounds(c.end); end.Equal(r.Ends) {
				want += c.nano
			}
		}
		require.Equal(t, want, r.Nano)
	})
}
