package privatepg_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/privatepg"
)

func TestRunning(t *testing.T) {
	t.Parallel()
	o := privatepg.Options{Binaries: binaries(t), DataDir: tempDir(t)}
	_, running, err := privatepg.Running(o, "postgres")
	require.NoError(t, err)
	require.False(t, running, "there is none")

	c := start(t, o)
	address, running, err := privatepg.Running(o, "postgres")
	require.NoError(t, err)
	require.True(t, running)
	require.Equal(t, c.URL("postgres"), address)
	require.Equal(t, "1", mustQuery(t, address, "select 1"))

	stop(t, c)
	_, running, err = privatepg.Running(o, "postgres")
	require.NoError(t, err)
	require.False(t, running)
}
