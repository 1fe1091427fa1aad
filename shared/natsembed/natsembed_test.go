package natsembed_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/shared/natsembed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	opts := natsembed.Options{StoreDir: t.TempDir(), Users: users(), SyncAlways: true}
	first := start(t, opts)
	_, err := bucket(t, first).PutString(t.Context(), "key", "kept")
	require.NoError(t, err)
	first.Stop()
	first.Stop() // a second stop is harmless

	opts.Port = first.Port()
	second := start(t, opts)
	require.Equal(t, first.URL("admin"), second.URL("admin"))
	entry, err := bucket(t, second).Get(t.Context(), "key")
	require.NoError(t, err)
	require.Equal(t, "kept", string(entry.Value()))
}

func TestSecondServerOnTheSameStoreIsRefused(t *testing.T) {
	t.Parallel()
	opts := natsembed.Options{StoreDir: t.TempDir(), Users: users()}
	first := start(t, opts)
	_, err := natsembed.Start(t.Context(), opts)
	require.ErrorContains(t, err, "another server uses the store in "+opts.StoreDir)
	connect(t, first, "admin") // the first one is untouched
	first.Stop()
	start(t, opts)
}

func TestInProcessNeedsNoListener(t *testing.T) {
	t.Parallel()
	s := start(t, natsembed.Options{StoreDir: t.TempDir(), Port: natsembed.DontListen, Users: users()})
	require.Equal(t, natsembed.DontListen, s.Port())
	_, _, err := net.SplitHostPort(s.Addr())
	require.Error(t, err, "there is no port")

	nc, err := nats.Connect(s.URL("admin"), nats.InProcessServer(s.InProcess()))
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b"})
	require.NoError(t, err)
}

func TestInProcessAsksForThePassword(t *testing.T) {
	t.Parallel()
	s := start(t, natsembed.Options{StoreDir: t.TempDir(), Port: natsembed.DontListen, Users: users()})
	_, err := nats.Connect("nats://admin:wrong@in-process", nats.InProcessServer(s.InProcess()), nats.Timeout(200*time.Millisecond))
	require.Error(t, err)
}

func TestOnlyUsersMayConnect(t *testing.T) {
	t.Parallel()
	s := start(t, natsembed.Options{StoreDir: t.TempDir(), Users: users()})
	for _, user := range []*url.Userinfo{nil, url.UserPassword("admin", "wrong"), url.UserPassword("", "")} {
		u := url.URL{Scheme: "nats", Host: s.Addr(), User: user}
		_, err := nats.Connect(u.String())
		require.ErrorIs(t, err, nats.ErrAuthorization, u.String())
	}
	require.Empty(t, s.URL("unknown"))
	host, _, err := net.SplitHostPort(s.Addr())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host, "not reachable from outside unless asked for")
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	s := start(t, natsembed.Options{StoreDir: t.TempDir(), Users: users()})
	_, err := bucket(t, s).PutString(t.Context(), "key", "value")
	require.NoError(t, err)

	denied := make(chan error, 8)
	limited := connect(t, s, "limited", nats.CustomInboxPrefix("_INBOX.limited"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
	js, err := jetstream.New(limited)
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), "bucket")
	require.NoError(t, err, "STREAM.INFO is allowed")
	_, err = kv.Get(t.Context(), "key")
	require.NoError(t, err, "DIRECT.GET is allowed")

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = kv.PutString(ctx, "key", "changed")
	require.Error(t, err)
	require.ErrorIs(t, await(t, denied), nats.ErrPermissionViolation)
	_, err = limited.SubscribeSync("secret.>")
	require.NoError(t, err)
	require.ErrorIs(t, await(t, denied), nats.ErrPermissionViolation)

	// It may publish nothing like _INBOX.admin, except to answer.
	_, err = limited.Subscribe("ask", func(m *nats.Msg) { _ = m.Respond([]byte("answer")) })
	require.NoError(t, err)
	require.NoError(t, limited.Flush())
	reply, err := connect(t, s, "admin").Request("ask", nil, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, "answer", string(reply.Data))
}

func TestTakenPortIsToldAndTheStoreIsFreeAgain(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	addr, ok := taken.Addr().(*net.TCPAddr)
	require.True(t, ok)
	opts := natsembed.Options{StoreDir: t.TempDir(), Port: addr.Port, Users: users()}
	_, err = natsembed.Start(t.Context(), opts)
	require.ErrorContains(t, err, "address already in use")
	opts.Port = 0
	start(t, opts)
}

func TestLimitsAndSyncReachJetStream(t *testing.T) {
	t.Parallel()
	bounded := start(t, natsembed.Options{
		StoreDir: t.TempDir(), Users: users(), MaxMemory: 1 << 20, MaxStore: 2 << 20, SyncAlways: true,
	}).JetStreamConfig()
	require.EqualValues(t, 1<<20, bounded.MaxMemory)
	require.EqualValues(t, 2<<20, bounded.MaxStore)
	require.True(t, bounded.SyncAlways)

	unbounded := start(t, natsembed.Options{StoreDir: t.TempDir(), Users: users(), SyncAlways: true}).JetStreamConfig()
	require.Greater(t, unbounded.MaxMemory, int64(64<<20))
	require.EqualValues(t, natsembed.DefaultMaxStore, unbounded.MaxStore, "whatever disk there is")
	require.True(t, unbounded.SyncAlways, "kept where the limits are left to the server")
}

func TestServerLogGoesToSlog(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	s := start(t, natsembed.Options{
		StoreDir: t.TempDir(), Users: users(),
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	_, err := nats.Connect("nats://admin:wrong@" + s.Addr())
	require.Error(t, err)
	s.Stop()
	text := log.String()
	require.Contains(t, text, `level=DEBUG msg="nats server" text="Server is ready"`)
	require.Regexp(t, `level=WARN msg="nats server" text=.*authentication error`, text)
	require.NotContains(t, text, `level=WARN msg="nats server" text="Plaintext`)
	for _, u := range users() {
		require.NotContains(t, text, u.Password)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]natsembed.Options{
		"no store directory":         {Users: users()},
		"no users":                   {StoreDir: t.TempDir()},
		"needs a name":               {StoreDir: t.TempDir(), Users: []natsembed.User{{Name: "a"}}},
		"is given twice":             {StoreDir: t.TempDir(), Users: append(users(), users()...)},
		"make store directory":       {StoreDir: "/dev/null/x", Users: users()},
		"embedded nats: lock store:": {StoreDir: "/proc", Users: users()},
	} {
		_, err := natsembed.Start(t.Context(), opts)
		require.ErrorContains(t, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := natsembed.Start(ctx, natsembed.Options{StoreDir: t.TempDir(), Users: users()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestPasswordsAreRandomAndFitInURLs(t *testing.T) {
	t.Parallel()
	a, b := natsembed.NewPassword(), natsembed.NewPassword()
	require.NotEqual(t, a, b)
	require.Regexp(t, `^[A-Za-z0-9_-]{32}$`, a)
}

func users() []natsembed.User {
	return []natsembed.User{
		{Name: "admin", Password: "correct horse/staple@"}, // must survive a URL
		{
			Name: "limited", Password: "limited-password",
			PublishAllow:   []string{"$JS.API.STREAM.INFO.KV_bucket", "$JS.API.DIRECT.GET.KV_bucket.>"},
			SubscribeAllow: []string{"ask", "_INBOX.limited.>"},
			AllowResponses: true,
		},
	}
}

func start(t *testing.T, opts natsembed.Options) *natsembed.Server {
	t.Helper()
	s, err := natsembed.Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

func connect(t *testing.T, s *natsembed.Server, user string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.URL(user), opts...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

func bucket(t *testing.T, s *natsembed.Server) jetstream.KeyValue {
	t.Helper()
	js, err := jetstream.New(connect(t, s, "admin"))
	require.NoError(t, err)
	kv, err := js.CreateOrUpdateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "bucket"})
	require.NoError(t, err)
	return kv
}

func await(t *testing.T, errs <-chan error) error {
	t.Helper()
	select {
	case err := <-errs:
		return err
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was denied")
		return nil
	}
}

// lockedBuffer may be written by the server while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
