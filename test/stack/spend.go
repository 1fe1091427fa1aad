package stack

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
)

// SpendRow is what the ledger booked for one request.
type SpendRow struct {
	RequestID        string
	CallType         string
	UserID, TeamID   *string
	EndUser          *string
	ModelGroup       string
	Model            string
	ModelID          string
	Status           string
	HTTPStatus       int
	ErrorType        *string
	Stream           bool
	UsageEstimated   bool
	PromptTokens     int64
	CompletionTokens int64
	SpendNano        int64
}

// SpendRows returns what is booked for a key so far, oldest first. The master
// key stands for requests without a virtual key.
func (s *Stack) SpendRows(tb testing.TB, key string) []SpendRow {
	tb.Helper()
	hash := ""
	if key != MasterKey {
		hash = ident.KeyToken(key)
	}
	rows, err := s.pool.Query(tb.Context(), `SELECT request_id, call_type, user_id, team_id, end_user, model_group, model, model_id, status,
		http_status, error_type, stream, usage_estimated, prompt_tokens, completion_tokens, spend_nano
		FROM spend_logs WHERE api_key = $1 ORDER BY start_time, request_id`, hash)
	require.NoError(tb, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[SpendRow])
	require.NoError(tb, err)
	return all
}

// WaitBooked waits until n requests of a key are booked and returns them. More
// than n fail the test.
func (s *Stack) WaitBooked(tb testing.TB, key string, n int) []SpendRow {
	tb.Helper()
	var rows []SpendRow
	met := await(tb, func() bool {
		rows = s.SpendRows(tb, key)
		return len(rows) >= n
	})
	require.True(tb, met, "%d of %d requests were booked in %s", len(rows), n, Patience)
	require.Len(tb, rows, n)
	return rows
}

// Settle waits until everything that the data planes have answered is booked:
// no request is under way, no spool holds anything, the usage stream is empty.
func (s *Stack) Settle(tb testing.TB) {
	tb.Helper()
	for _, url := range s.DataPlanes() {
		Await(tb, "requests under way end at "+url, func() bool { return s.Metric(tb, url, "tianji_dataplane_requests_in_flight") == 0 })
		Await(tb, "the spool of "+url+" is empty", func() bool { return s.Metric(tb, url, "tianji_dataplane_usage_spooled_bytes") == 0 })
	}
	Await(tb, "the usage stream is empty", func() bool {
		stream, err := s.observer.Stream(tb.Context(), s.names.UsageStream())
		return err == nil && stream.CachedInfo().State.Msgs == 0
	})
}

// Scalar returns the one value of a query, which is a number.
func (s *Stack) Scalar(tb testing.TB, query string, args ...any) int64 {
	tb.Helper()
	var n int64
	require.NoError(tb, s.pool.QueryRow(tb.Context(), query, args...).Scan(&n))
	return n
}
