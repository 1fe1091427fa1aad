package snapshot_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seen collects the states that a store reports.
type seen struct {
	mu    sync.Mutex
	names []string
	auth  string
}

func (s *seen) changed(c *snapshot.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.auth = nil, c.Auth.MasterKeySHA256
	for _, d := range c.Deployments {
		s.names = append(s.names, d.ModelName)
	}
	slices.Sort(s.names)
}

func (s *seen) is(names ...string) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Equal(s.names, names)
	}
}

type bus struct {
	t      *testing.T
	server *natstest.Server
	names  contract.Names
	kv     jetstream.KeyValue
}

func newBus(t *testing.T) *bus {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	dp := names.DataPlanePermissions()
	b := &bus{t: t, names: names, server: natstest.Start(t, natsembed.Options{Users: []natsembed.User{
		{Name: "admin", Password: "admin"},
		{Name: "dataplane", Password: "dataplane", PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe},
	}})}
	b.provision()
	return b
}

func (b *bus) provision() {
	b.t.Helper()
	js, err := jetstream.New(b.server.Connect("admin"))
	require.NoError(b.t, err)
	b.kv, err = js.CreateOrUpdateKeyValue(b.t.Context(), jetstream.KeyValueConfig{
		Bucket: b.names.ConfigBucket(), History: 1, Storage: jetstream.FileStorage,
		RePublish: &jetstream.RePublish{Source: contract.KVSubject(b.names.ConfigBucket(), ">"), Destination: b.names.ConfigChanges() + ".>"},
	})
	require.NoError(b.t, err)
}

func (b *bus) put(key string, record any) {
	b.t.Helper()
	value, err := json.Marshal(record)
	require.NoError(b.t, err)
	_, err = b.kv.Put(b.t.Context(), key, value)
	require.NoError(b.t, err)
}

func (b *bus) model(id, name string) {
	b.t.Helper()
	b.put(contract.DeploymentKey(id), contract.Deployment{ID: id, ModelName: name})
}

func (b *bus) follow(dir string) (*snapshot.Store, *seen) {
	b.t.Helper()
	signal := &natsx.Signal{}
	nc, err := natsx.Connect(natsx.Options{
		URLs: secret.New(b.server.URL("dataplane")).Reveal(), Names: b.names, Plane: contract.DataPlane, Replica: "r", Logger: slog.New(slog.DiscardHandler), Connected: signal,
	}, natsx.Control)
	require.NoError(b.t, err)
	js, err := jetstream.New(nc)
	require.NoError(b.t, err)
	got := &seen{}
	s, err := snapshot.Start(snapshot.Options{Conn: nc, JS: js, Names: b.names, Dir: dir, Logger: slog.New(slog.DiscardHandler), Changed: got.changed})
	require.NoError(b.t, err)
	signal.Listen(s.Reconnected)
	b.t.Cleanup(func() {
		s.Stop()
		nc.Close()
	})
	return s, got
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 10*time.Second, 5*time.Millisecond)
}

func TestStore_follows_changes_and_reconnects(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.model("1", "a")
	b.put(contract.KeyAuthSettings, contract.AuthSettings{MasterKeySHA256: "x"})
	s, got := b.follow(t.TempDir())
	eventually(t, got.is("a"))
	require.True(t, s.Fresh())

	b.model("2", "b")
	eventually(t, got.is("a", "b"))
	b.put(contract.KeyRouterSettings, contract.RouterSettings{Strategy: "least-busy"})
	eventually(t, func() bool { return s.Current().Router.Strategy == "least-busy" })
	b.put(contract.KeyLimitSettings, contract.LimitSettings{FailClosed: true})
	eventually(t, func() bool { return s.Current().Limits.FailClosed })
	b.put(contract.DeploymentKey("1"), contract.Deployment{Head: contract.Head{Deleted: true}})
	eventually(t, got.is("b"))
	require.NoError(t, b.kv.Purge(t.Context(), contract.DeploymentKey("2")))
	eventually(t, got.is())

	b.server.Stop()
	b.server.Restart()
	b.provision()
	b.model("3", "c") // may come before the store is back
	eventually(t, got.is("c"))
	require.Equal(t, "x", got.auth)
}

func TestStore_sees_the_last_of_many_changes(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	_, got := b.follow(t.TempDir())
	for i := range 500 {
		b.model("1", fmt.Sprint("m", i))
	}
	eventually(t, got.is("m499"))
}

func TestStore_starts_from_disk_without_the_bus(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.model("1", "a")
	dir := t.TempDir()
	s, got := b.follow(dir)
	eventually(t, got.is("a"))
	s.Stop() // writes what it knows

	url := b.server.URL("dataplane")
	b.server.Stop()
	nc, err := nats.Connect(url, nats.RetryOnFailedConnect(true))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	again := &seen{}
	s, err = snapshot.Start(snapshot.Options{Conn: nc, JS: js, Names: b.names, Dir: dir, Logger: slog.New(slog.DiscardHandler), Changed: again.changed})
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	require.True(t, again.is("a")())
	require.False(t, s.Fresh())
}

func TestStore_is_not_stopped_by_a_damaged_copy_or_record(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.model("1", "a")
	_, err := b.kv.Put(t.Context(), contract.DeploymentKey("2"), []byte("{"))
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config-snapshot.json"), []byte("{broken"), 0o600))
	_, got := b.follow(dir)
	eventually(t, got.is("a"))
}
