package contract_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestGolden_limits_stay_readable(t *testing.T) {
	t.Parallel()
	for name, rec := range map[string]any{
		"limits": &contract.LimitSettings{}, "key": &contract.VirtualKey{}, "team": &contract.Team{}, "user": &contract.User{},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".v1.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, rec), name)
		again, err := json.Marshal(rec)
		require.NoError(t, err)
		require.JSONEq(t, string(raw), string(again), name)
	}
}
