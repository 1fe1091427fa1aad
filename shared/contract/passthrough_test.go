package contract_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestGolden_pass_through_stays_readable(t *testing.T) {
	t.Parallel()
	for name, rec := range map[string]any{
		"passthrough": &contract.PassThroughSettings{}, "general": &contract.GeneralSettings{}, "deployment_client": &contract.Deployment{},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".v1.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, rec), name)
		again, err := json.Marshal(rec)
		require.NoError(t, err)
		require.JSONEq(t, string(raw), string(again), name)
	}
}

func TestCutEnv(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]string{
		"os.environ/KEY": {"", "KEY"}, "bearer os.environ/KEY": {"bearer ", "KEY"}, "plain": {}, "os.environ/": {}, "": {},
	} {
		before, variable, ok := contract.CutEnv(value)
		require.Equal(t, want[1] != "", ok, value)
		if ok {
			require.Equal(t, want, [2]string{before, variable}, value)
		}
	}
}
