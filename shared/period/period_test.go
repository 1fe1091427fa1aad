package period_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/period"
)

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "d", "0d", "-1d", "1.5h", "1y", "30", "1 d", "99999999999d", "999999999mo"} {
		_, err := period.Parse(s)
		require.ErrorContains(t, err, "invalid duration", s)
	}
}

func TestPeriod_after_and_reset(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 18, 15, 4, 5, 0, time.UTC) // a Wednesday
	for s, want := range map[string][2]string{
		"30s": {"2026-11-18T15:04:35Z", "2026-11-18T15:04:30Z"},
		"30m": {"2026-11-18T15:34:05Z", "2026-11-18T15:30:00Z"},
		"12h": {"2026-11-19T03:04:05Z", "2026-11-19T00:00:00Z"},
		"24h": {"2026-11-19T15:04:05Z", "2026-11-19T00:00:00Z"},
		"1d":  {"2026-11-19T15:04:05Z", "2026-11-19T00:00:00Z"},
		"7d":  {"2026-11-25T15:04:05Z", "2026-11-23T00:00:00Z"},
		"1w":  {"2026-11-25T15:04:05Z", "2026-11-23T00:00:00Z"},
		"30d": {"2026-12-18T15:04:05Z", "2026-12-01T00:00:00Z"},
		"1mo": {"2026-12-18T15:04:05Z", "2026-12-01T00:00:00Z"},
	} {
		p, err := period.Parse(s)
		require.NoError(t, err)
		require.Equal(t, want[0], p.After(now).Format(time.RFC3339), s)
		require.Equal(t, want[1], p.Reset(now).Format(time.RFC3339), s)
	}
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	week, err := period.Parse("7d")
	require.NoError(t, err)
	require.Equal(t, monday.AddDate(0, 0, 7), week.Reset(monday))
}
