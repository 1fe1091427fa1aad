package proxyconfig_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
)

// FuzzParse looks for panics and for the promises of the package that hold for
// any input.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	const canary = "value-of-the-environment"
	lookup := func(name string) (string, bool) { return canary, len(name)%2 == 0 }
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, warnings, err := proxyconfig.Parse("f", data, lookup)
		again, _, errAgain := proxyconfig.Parse("f", data, lookup)
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(errAgain), "the same file gives the same errors")
		require.Equal(t, err == nil, cfg != nil)
		require.NotContains(t, fmt.Sprint(err, warnings), canary)
		if cfg == nil {
			return
		}
		require.Len(t, again.Models, len(cfg.Models))
		ids := map[string]bool{}
		for i, m := range cfg.Models {
			require.Equal(t, m.ID, again.Models[i].ID)
			require.False(t, ids[m.ID], "ids are unique")
			ids[m.ID] = true
			require.NotEmpty(t, m.Name)
			require.NotEmpty(t, m.Params.Model)
			requireJSON(t, m.Params.Extra, m.Info.Extra)
		}
		requireJSON(t, cfg.General.Raw, cfg.Settings.Raw, cfg.Router.Raw, cfg.Sections)
	})
}

func requireJSON(t *testing.T, raws ...proxyconfig.Raw) {
	t.Helper()
	for _, raw := range raws {
		for key, value := range raw {
			require.True(t, json.Valid(value), key)
		}
	}
}
