package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	main "github.com/tianjillm/tianjillm/test/bench/cmd/bench"
)

// TestMain lets the test's program be the children that the benchmark starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "upstream" || os.Args[1] == "reverse-proxy") {
		os.Exit(main.Run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestRun_measures_the_proxies is the whole way but for the installation,
// which needs built programs.
func TestRun_measures_the_proxies(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var out, progress bytes.Buffer
	status := main.Run(programs(t, "-quick", "-pin=false", "-duration", "300ms", "-warmup", "20ms", "-streams", "20", "-conns", "4", "-idle", "0s",
		"-only", "json,100k,stream,to-anthropic-stream,latency,memory", "-targets", "nginx,reverseproxy"), &out, &progress)
	require.Zero(t, status, progress.String())
	for _, want := range []string{"JSON, 1 KB", "100 KB", "50 chunks", "direct", "20 open streams"} {
		require.Contains(t, out.String(), want)
	}
	left, err := filepath.Glob(filepath.Join(dir, "tianji-bench-*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing stays behind")
}
