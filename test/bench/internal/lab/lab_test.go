package lab_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
)

func TestParseEnv(t *testing.T) {
	t.Parallel()
	env, err := lab.ParseEnv("# comment\n\nNATS_URL='nats://u:p@127.0.0.1:4222'\nODD='it'\\''s = here'\nEMPTY=''\n")
	require.NoError(t, err)
	require.Equal(t, []string{"NATS_URL=nats://u:p@127.0.0.1:4222", "ODD=it's = here", "EMPTY="}, env)
	for _, bad := range []string{"NAME", "NAME=value", "NAME='", "NAME='open"} {
		_, err := lab.ParseEnv(bad)
		require.Error(t, err, bad)
	}
}

func TestParseAllocated(t *testing.T) {
	t.Parallel()
	const text = "heap profile: 1: 2\n# runtime.MemStats\n# Alloc = 1\n# TotalAlloc = 2000\n# Mallocs = 30\n# Frees = 4\n"
	a, err := lab.ParseAllocated(text)
	require.NoError(t, err)
	require.Equal(t, lab.Allocated{Objects: 30, Bytes: 2000}, a)
	require.Equal(t, lab.Allocated{Objects: 20, Bytes: 1500}, a.Since(lab.Allocated{Objects: 10, Bytes: 500}))
	_, err = lab.ParseAllocated("# TotalAlloc = 2000\n")
	require.Error(t, err)
}

func TestField(t *testing.T) {
	t.Parallel()
	const line = "ready api=http://127.0.0.1:1 admin=http://127.0.0.1:2 nats=nats://127.0.0.1:3"
	v, ok := lab.Field(line, "admin")
	require.True(t, ok)
	require.Equal(t, "http://127.0.0.1:2", v)
	_, ok = lab.Field(line, "min")
	require.False(t, ok)
}
