package publish_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func migrate(ctx context.Context, url string) error {
	return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
}

// bus is a NATS server with the two users as they are in an installation.
func bus(t *testing.T) (*natstest.Server, contract.Names) {
	t.Helper()
	return busOf(t, 0)
}

// busOf is a server with room for so many bytes on disk.
func busOf(t *testing.T, room int64) (*natstest.Server, contract.Names) {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	cp := names.ControlPlanePermissions()
	return natstest.Start(t, natsembed.Options{MaxStore: room, Users: []natsembed.User{
		{Name: "controlplane", Password: "c", PublishAllow: cp.Publish, SubscribeAllow: append(cp.Subscribe, "_INBOX.>")},
	}}), names
}

// plane is what one control plane has of publishing.
type plane struct {
	store     *store.Store
	keys      *key.Service
	publisher *publish.Publisher
	js        jetstream.JetStream
	names     contract.Names
}

func newPlane(t *testing.T, url string, server *natstest.Server, names contract.Names) *plane {
	t.Helper()
	st, err := store.Open(t.Context(), url, 8)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	js, err := jetstream.New(server.Connect("controlplane"))
	require.NoError(t, err)
	box, err := seal.New("salt")
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	models := model.New(st, box, &proxyconfig.Config{}, func(string) (string, bool) { return "", false }, log)
	return &plane{
		store: st, keys: key.New(st), js: js, names: names,
		publisher: publish.New(st, models, publish.Settings{Auth: contract.AuthSettings{MasterKeySHA256: "x"}}, js, names, log, prometheus.NewRegistry()),
	}
}

func (p *plane) bucket(t *testing.T) map[string]contract.VirtualKey {
	t.Helper()
	kv, err := p.js.KeyValue(t.Context(), p.names.PrincipalsBucket())
	require.NoError(t, err)
	lister, err := kv.ListKeys(t.Context())
	require.NoError(t, err)
	got := map[string]contract.VirtualKey{}
	for name := range lister.Keys() {
		entry, err := kv.Get(t.Context(), name)
		require.NoError(t, err)
		var k contract.VirtualKey
		require.NoError(t, json.Unmarshal(entry.Value(), &k))
		if hash, ok := strings.CutPrefix(name, contract.PrefixVirtualKey); ok {
			got[hash] = k
		}
	}
	return got
}

// requireSame holds the bucket against the table.
func (p *plane) requireSame(t *testing.T) {
	t.Helper()
	rows, err := p.store.KeysAfter(t.Context(), p.store.DB(), db.KeysAfterParams{PageSize: 10_000})
	require.NoError(t, err)
	got := p.bucket(t)
	for _, row := range rows {
		k, ok := got[row.Token]
		require.True(t, ok, "the bucket lacks a key")
		require.False(t, k.Deleted)
		require.Equal(t, row.Blocked != nil && *row.Blocked, k.Blocked)
		delete(got, row.Token)
	}
	for hash, k := range got {
		require.True(t, k.Deleted, "the bucket has a key that was deleted: %s", hash)
	}
}

func TestProvision_by_several_at_once(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		js, err := jetstream.New(server.Connect("controlplane"))
		require.NoError(t, err)
		wg.Go(func() { errs[i] = publish.Provision(context.Background(), js, names, 1) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestProvision_says_what_a_server_without_room_needs(t *testing.T) {
	t.Parallel()
	server, names := busOf(t, 4<<30)
	js, err := jetstream.New(server.Connect("controlplane"))
	require.NoError(t, err)
	require.ErrorContains(t, publish.Provision(t.Context(), js, names, 1), "let it have max_file_store: 40GB")
}

// Two control planes change the same few keys at once, and often die between
// commit and publish. The relay brings the rest; nothing stale may stay.
func TestPublishers_converge_on_what_was_committed(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	url := pgtest.New(t, "controlplane", migrate)
	planes := []*plane{newPlane(t, url, server, names), newPlane(t, url, server, names)}
	require.NoError(t, publish.Provision(t.Context(), planes[0].js, names, 1))
	for _, p := range planes {
		p.store.OnCommit(func(ctx context.Context, changes []store.Change) {
			if rand.IntN(3) > 0 {
				p.publisher.Changes(ctx, changes)
			}
		})
	}
	master := caller.Caller{Master: true}
	var wg sync.WaitGroup
	for w := range 8 {
		p := planes[w%2]
		wg.Go(func() {
			for i := range 40 {
				plain := fmt.Sprintf("sk-contested-%d", rand.IntN(6))
				switch i % 4 {
				case 0:
					_, _ = p.keys.Generate(context.Background(), master, &key.Request{Key: field.Of[string]{Sent: true, Value: plain}})
				case 1:
					_, _ = p.keys.SetBlocked(context.Background(), master, plain, true)
				case 2:
					_, _ = p.keys.SetBlocked(context.Background(), master, plain, false)
				case 3:
					_, _ = p.keys.Delete(context.Background(), master, []string{plain}, nil)
				}
			}
		})
	}
	wg.Wait()
	stops := []func(){lifecycle.Loop(planes[0].publisher.Relay), lifecycle.Loop(planes[1].publisher.Relay)}
	require.Eventually(t, func() bool {
		var left int
		require.NoError(t, planes[0].store.DB().QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&left))
		return left == 0
	}, 20*time.Second, 50*time.Millisecond)
	for _, stop := range stops {
		stop()
	}
	planes[0].requireSame(t)
}

func TestReconcile_repairs_a_bucket_that_was_wiped_or_went_wrong(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	p := newPlane(t, pgtest.New(t, "controlplane", migrate), server, names)
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	p.store.OnCommit(p.publisher.Changes)
	for range 20 {
		_, err := p.keys.Generate(t.Context(), caller.Caller{Master: true}, &key.Request{})
		require.NoError(t, err)
	}
	p.requireSame(t)

	kv, err := p.js.KeyValue(t.Context(), names.PrincipalsBucket())
	require.NoError(t, err)
	some := ""
	for hash := range p.bucket(t) {
		some = hash
		break
	}
	require.NoError(t, kv.Purge(t.Context(), contract.VirtualKeyKey(some)))
	_, err = kv.Put(t.Context(), contract.VirtualKeyKey("0123"), []byte(`{"hash":"0123"}`))
	require.NoError(t, err)
	require.NoError(t, p.publisher.Reconcile(t.Context()))
	p.requireSame(t)

	require.NoError(t, p.js.DeleteKeyValue(t.Context(), names.PrincipalsBucket()))
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	require.NoError(t, p.publisher.Reconcile(t.Context()))
	p.requireSame(t)

	config, err := p.js.KeyValue(t.Context(), names.ConfigBucket())
	require.NoError(t, err)
	entry, err := config.Get(t.Context(), contract.KeyPrincipalsState)
	require.NoError(t, err)
	require.JSONEq(t, `{"v":1,"complete":true}`, string(entry.Value()))
}
