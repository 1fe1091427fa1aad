package principal_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestBucket_reads_through_the_permissions_of_a_data_plane(t *testing.T) {
	t.Parallel()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	dp := names.DataPlanePermissions()
	server := natstest.Start(t, natsembed.Options{Users: []natsembed.User{
		{Name: "admin", Password: "admin"},
		{Name: "dataplane", Password: "dataplane", PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe},
	}})
	admin, err := jetstream.New(server.Connect("admin"))
	require.NoError(t, err)
	kv, err := admin.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: names.PrincipalsBucket()})
	require.NoError(t, err)

	nc := server.Connect("dataplane", nats.CustomInboxPrefix(names.InboxPrefix(contract.DataPlane)))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	var complete atomic.Bool
	b := principal.NewBucket(nc, js, names, complete.Load)
	t.Cleanup(b.Close)

	put := func(key string, record any) uint64 {
		value, err := json.Marshal(record)
		require.NoError(t, err)
		revision, err := kv.Put(t.Context(), key, value)
		require.NoError(t, err)
		return revision
	}
	key := contract.VirtualKeyKey("abc")
	_, _, err = b.Read(t.Context(), key, 0)
	require.ErrorIs(t, err, principal.ErrUnavailable, "a bucket that is not filled yet refuses nobody for good")
	complete.Store(true)
	record, _, err := b.Read(t.Context(), key, 0)
	require.NoError(t, err)
	require.Nil(t, record)

	revision := put(key, contract.VirtualKey{Hash: "abc", TeamID: "t", Blocked: true})
	record, sequence, err := b.Read(t.Context(), key, 0)
	require.NoError(t, err)
	require.Equal(t, revision, sequence)
	found, ok := record.(*principal.Key)
	require.True(t, ok)
	require.True(t, found.Blocked)

	// A reading that does not include a known change goes to the leader.
	record, _, err = b.Read(t.Context(), key, revision+1)
	require.NoError(t, err)
	require.NotNil(t, record)

	put(key, contract.VirtualKey{Head: contract.Head{Deleted: true, At: time.Now()}})
	record, _, err = b.Read(t.Context(), key, 0)
	require.NoError(t, err)
	require.Nil(t, record, "a tombstone is no key")

	server.Stop()
	_, _, err = b.Read(t.Context(), contract.TeamKey("t"), 0)
	require.ErrorIs(t, err, principal.ErrUnavailable)
}
