package contract_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestGolden_alert_stays_readable(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("testdata", "alert.v1.json"))
	require.NoError(t, err)
	var a contract.Alert
	require.NoError(t, json.Unmarshal(raw, &a))
	again, err := json.Marshal(a)
	require.NoError(t, err)
	require.JSONEq(t, string(raw), string(again))
}

// One alert has one id, and every other has another.
func TestAlert_ids_tell_alerts_apart(t *testing.T) {
	t.Parallel()
	a := contract.Alert{Kind: contract.BudgetCrossed, Scope: "tag", ID: "a.b", Duration: "1d", Start: time.Unix(86400, 0), BudgetNano: 5}
	same := a
	same.SpendNano, same.At, same.Name = 9, time.Now(), "name"
	require.Equal(t, a.MessageID(), same.MessageID())
	ids := map[string]bool{a.MessageID(): true}
	for _, change := range []func(*contract.Alert){
		func(a *contract.Alert) { a.Kind = contract.ThresholdCrossed },
		func(a *contract.Alert) { a.Scope = "team" },
		func(a *contract.Alert) { a.ID = "a" },
		func(a *contract.Alert) { a.Model = "b" },
		func(a *contract.Alert) { a.Duration = "1h" },
		func(a *contract.Alert) { a.Start = time.Unix(0, 0) },
		func(a *contract.Alert) { a.BudgetNano = 6 },
	} {
		other := a
		change(&other)
		require.False(t, ids[other.MessageID()])
		ids[other.MessageID()] = true
	}
}
