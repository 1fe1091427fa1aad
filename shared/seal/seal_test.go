package seal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/seal"
)

func TestBox_opens_only_its_own(t *testing.T) {
	t.Parallel()
	box, err := seal.New("salt")
	require.NoError(t, err)
	sealed := box.Seal("sk-secret", "deployment/1")
	require.NotContains(t, string(sealed), "sk-secret")

	plain, err := box.Open(sealed, "deployment/1")
	require.NoError(t, err)
	require.Equal(t, "sk-secret", plain)

	_, err = box.Open(sealed, "deployment/2")
	require.ErrorIs(t, err, seal.ErrOpen)
	other, err := seal.New("other")
	require.NoError(t, err)
	_, err = other.Open(sealed, "deployment/1")
	require.ErrorIs(t, err, seal.ErrOpen)
	sealed[len(sealed)-1] ^= 1
	_, err = box.Open(sealed, "deployment/1")
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = box.Open(nil, "deployment/1")
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = seal.New("")
	require.Error(t, err)
}
