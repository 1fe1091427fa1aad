package proxyconfig_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// environment is what the files of testdata may refer to.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"OPENAI_API_KEY": "sk-openai-from-env",
		"MASTER_KEY":     "sk-master-from-env",
		"RPM":            "60",
		"NOT_A_NUMBER":   "sk-many",
		"DEBUG":          "True",
		"EMPTY":          "",
		"HOST":           "host-of-the-process",
	}[name]
	return value, ok
}

func noEnvironment(string) (string, bool) { return "", false }

// TestGolden loads every file of testdata and compares what comes of it with
// the .golden beside it; UPDATE_GOLDEN=1 writes those anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 30)
	_, update := config.Environment()("UPDATE_GOLDEN")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			cfg, warnings, err := proxyconfig.Load(file, environment)
			got := report(t, cfg, warnings, err)
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, readErr := os.ReadFile(golden)
			require.NoError(t, readErr)
			require.Equal(t, string(want), got)

			// The name says what the file is about.
			switch kind, _, _ := strings.Cut(filepath.Base(file), "_"); kind {
			case "ok":
				require.NoError(t, err)
				require.Empty(t, warnings)
			case "warn":
				require.NoError(t, err)
				require.NotEmpty(t, warnings)
			default:
				require.Error(t, err)
				require.Nil(t, cfg)
			}
		})
	}
}

// report writes warnings, errors and, with its secrets, the configuration.
func report(t *testing.T, cfg *proxyconfig.Config, warnings []proxyconfig.Warning, err error) string {
	t.Helper()
	var b strings.Builder
	for _, w := range warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	if err != nil {
		fmt.Fprintf(&b, "error: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nerror: "))
	}
	if cfg != nil {
		text, err := json.MarshalIndent(reveal(reflect.ValueOf(*cfg)), "", "  ")
		require.NoError(t, err)
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// reveal turns a value into what encoding/json shows completely: secrets and
// raw settings included, zero values left out.
func reveal(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case secret.String:
		return "secret " + x.Reveal()
	case proxyconfig.Raw:
		return map[string]json.RawMessage(x)
	case proxyconfig.Place:
		return fmt.Sprintf("%d %s", x.Line, x.Path)
	case time.Duration:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		return reveal(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if field := v.Field(i); !field.IsZero() && (field.Kind() != reflect.Map || field.Len() > 0) {
				shown := reveal(field)
				if m, ok := shown.(map[string]any); !ok || len(m) > 0 {
					out[v.Type().Field(i).Name] = shown
				}
			}
		}
		return out
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, reveal(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[key.String()] = reveal(v.MapIndex(key))
		}
		return out
	default:
		return v.Interface()
	}
}
