package natstest_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClientsComeBackAfterARestart(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natsembed.Options{})
	back := make(chan struct{}, 1)
	nc := s.Connect(natstest.Admin, nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b"})
	require.NoError(t, err)
	_, err = kv.PutString(t.Context(), "k", "kept")
	require.NoError(t, err)

	url := s.URL(natstest.Admin)
	for _, restart := range []func(){s.Restart, func() { s.Stop(); s.Restart() }} {
		restart()
		select {
		case <-back:
		case <-time.After(10 * time.Second):
			t.Fatal("the client did not find the server again")
		}
		require.Equal(t, url, s.URL(natstest.Admin))
		entry, err := kv.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, "kept", string(entry.Value()))
	}
}

func TestInProcessOnly(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natsembed.Options{
		Port: natsembed.DontListen, Users: []natsembed.User{{Name: "me", Password: "secret"}},
	})
	require.NoError(t, s.Connect("me").Flush())
	s.Restart()
	require.NoError(t, s.Connect("me").Flush())
}
