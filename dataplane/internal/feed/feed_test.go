package feed_test

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/feed"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

type follower struct {
	mu     sync.Mutex
	keys   []string
	missed []string
}

func (f *follower) Changed(key string, _ uint64, _ []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, key)
}

func (f *follower) Missed(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missed = append(f.missed, reason)
}

func (f *follower) seen() (keys, missed []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.keys...), append([]string(nil), f.missed...)
}

func TestFeed_notices_what_it_missed(t *testing.T) {
	t.Parallel()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	server := natstest.Start(t, natsembed.Options{})
	nc := server.Connect(natstest.Admin)
	f := &follower{}
	fd, err := feed.Start(nc, names, names.ConfigChanges(), func(b *contract.Beacon) uint64 { return b.Config }, f, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(fd.Stop)
	require.NoError(t, nc.Flush())

	change := func(key string, sequence uint64) {
		m := nats.NewMsg(names.ConfigChanges() + "." + key)
		m.Header.Set(contract.HeaderSequence, strconv.FormatUint(sequence, 10))
		require.NoError(t, nc.PublishMsg(m))
	}
	beacon := func(sequence uint64) {
		b, err := json.Marshal(contract.Beacon{V: 1, Config: sequence})
		require.NoError(t, err)
		require.NoError(t, nc.Publish(names.BeaconSubject(), b))
	}
	await := func(keys, missed int) {
		t.Helper()
		require.Eventually(t, func() bool {
			k, m := f.seen()
			return len(k) == keys && len(m) == missed
		}, 5*time.Second, time.Millisecond)
	}
	change("a", 10)
	change("model.b", 11)
	await(2, 0)
	change("a", 11) // seen
	change("c", 13) // 12 is missing
	await(3, 1)
	change("d", 14)
	await(4, 1)
	require.EqualValues(t, 14, fd.Last())

	beacon(14)
	beacon(15) // one ahead may be on its way
	beacon(14)
	beacon(16)
	await(4, 1)
	beacon(16)
	await(4, 2)
	fd.Reconnected()
	await(4, 3)
	keys, _ := f.seen()
	require.Equal(t, []string{"a", "model.b", "c", "d"}, keys)
	require.WithinDuration(t, time.Now(), fd.Heard(), 5*time.Second)
}
