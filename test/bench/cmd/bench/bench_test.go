package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/tianjillm/tianjillm/test/bench/cmd/bench"
)

// programs names two files that exist.
func programs(t *testing.T, args ...string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	return append([]string{"-tianji", path, "-dataplane", path}, args...)
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := main.Parse(programs(t))
	require.NoError(t, err)
	require.Equal(t, 3, o.Rounds)
	require.Equal(t, 5*time.Second, o.Duration)
	require.Equal(t, 100, o.Blocks)
	require.Empty(t, o.Only)

	o, err = main.Parse(programs(t, "-quick", "-blocks", "7", "-only", "json,block", "-targets", "tianji"))
	require.NoError(t, err)
	require.Equal(t, 1, o.Rounds)
	require.Equal(t, 7, o.Blocks, "what was given stays")
	require.Equal(t, []string{"json", "block"}, o.Only)
	require.Equal(t, []string{"tianji"}, o.Targets)
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-only", "nonsense"},
		{"-targets", "apache"},
		{"-rounds", "0"},
		{"-pace", "1us"},
		{"-write", "-quick"},
		{"-write", "-only", "json"},
		{"surplus"},
		{"-no-such-flag"},
		{"-tianji", "/does/not/exist"},
	} {
		_, err := main.Parse(append(programs(t), args...))
		require.Error(t, err, "%v", args)
	}
}

func TestRun_tells_its_flags_and_its_errors(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.Zero(t, main.Run([]string{"-help"}, &out, &errs))
	require.Contains(t, errs.String(), "-profile")
	errs.Reset()
	require.Equal(t, 1, main.Run([]string{"-only", "nonsense"}, &out, &errs))
	require.Contains(t, errs.String(), "bench: -only nonsense")
	errs.Reset()
	require.Equal(t, 1, main.Run([]string{"reverse-proxy"}, &out, &errs))
	require.Contains(t, errs.String(), "want the address")
	require.Empty(t, out.String())
}
