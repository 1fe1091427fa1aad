package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// What began with a former text of a key is the key's: also when the text works no
// more, for the call may take longer.
func TestLedger_books_former_texts_on_their_key(t *testing.T) {
	t.Parallel()
	b := newBook(t,
		"INSERT INTO verification_token (token, max_budget_nano) VALUES ('key', 1000), ('other', NULL)",
		`INSERT INTO deprecated_verification_token (token, active_token_id, revoke_at) VALUES
			('first', 'key', now() + interval '1 hour'), ('second', 'key', now() - interval '1 hour'), ('lost', 'gone', now())`,
	)
	spend := func(key string) int64 {
		return b.number("SELECT spend_nano FROM verification_token WHERE token = $1", key)
	}
	b.send(
		contract.Usage{KeyHash: "first", CostNano: 1}, contract.Usage{KeyHash: "second", CostNano: 2}, contract.Usage{KeyHash: "key", CostNano: 4},
		contract.Usage{KeyHash: "lost", CostNano: 8}, contract.Usage{KeyHash: "nobody", CostNano: 16}, contract.Usage{KeyHash: "other", CostNano: 32},
	)
	require.EqualValues(t, 7, spend("key"))
	require.EqualValues(t, 32, spend("other"))
	require.Equal(t, map[string]int64{"usd.life.api_key.key": 7}, b.booked())
	b.send(contract.Usage{KeyHash: "second", CostNano: 3})
	require.EqualValues(t, 10, spend("key"))
	require.EqualValues(t, 1, b.number("SELECT count(*) FROM spend_logs WHERE api_key = 'first'"), "a call is of the text that it began with")
}
