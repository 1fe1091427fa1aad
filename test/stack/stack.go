// Package stack runs a whole installation inside a test: Postgres, NATS with
// the permissions of production, control planes and data planes, each on a
// port of its own.
//
// Tests reach the planes over HTTP as users do, and look at the database where
// the API does not show enough. Waiting is always for a condition, never for
// an amount of time. It is for tests only; everything ends with the test.
package stack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	controlplane "github.com/tianjillm/tianjillm/controlplane/app"
	dataplane "github.com/tianjillm/tianjillm/dataplane/app"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

const (
	// MasterKey is the master key of every installation made here.
	MasterKey = "sk-master-0123456789abcdef"
	// SaltKey is what they seal with.
	SaltKey = "salt-for-tests-0123456789abcdef0123456789"

	controlUser  = "controlplane"
	dataUser     = "dataplane"
	observerUser = "observer"

	stopTimeout = 30 * time.Second
	// logEnv names the level at which the planes log into the test's output.
	logEnv = "TIANJI_TEST_LOG"
)

// Options describe an installation.
type Options struct {
	// Config is the text of config.yaml.
	Config string
	// ControlPlanes and DataPlanes are how many of each run; 0 means 1.
	ControlPlanes, DataPlanes int
	// Env is the environment that both planes see.
	Env map[string]string
	// FetchAllow is the data planes' option of that name.
	FetchAllow string
}

// Stack is a running installation. Its methods are for the goroutine of the
// test, except for those that only read.
type Stack struct {
	tb       testing.TB
	opts     Options
	names    contract.Names
	log      *slog.Logger
	database string
	dataDir  string
	nats     *natstest.Server
	natsUp   bool
	pool     *pgxpool.Pool
	observer jetstream.JetStream
	http     *http.Client
	control  []*controlplane.App
	data     []*dataplane.App
}

// Start runs an installation and waits until it is ready.
func Start(tb testing.TB, o Options) *Stack {
	tb.Helper()
	s := &Stack{tb: tb, opts: o, dataDir: filepath.Join(tb.TempDir(), "dataplane"), log: logger(tb)}
	var err error
	s.names, err = contract.NewNames(contract.DefaultPrefix)
	require.NoError(tb, err)
	s.database = pgtest.New(tb, "empty", nil)
	s.startNATS()
	s.openDatabase()
	s.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	tb.Cleanup(s.http.CloseIdleConnections)
	s.control = make([]*controlplane.App, max(1, o.ControlPlanes))
	for i := range s.control {
		s.StartControlPlane(i)
	}
	s.data = make([]*dataplane.App, max(1, o.DataPlanes))
	for i := range s.data {
		s.StartDataPlane(i)
	}
	tb.Cleanup(s.stop)
	s.AwaitReady(tb)
	return s
}

func logger(tb testing.TB) *slog.Logger {
	tb.Helper()
	text, ok := os.LookupEnv(logEnv) //nolint:forbidigo // of the test, not of the product
	var level slog.Level
	if !ok {
		return slog.New(slog.DiscardHandler)
	}
	require.NoError(tb, level.UnmarshalText([]byte(text)), logEnv)
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: level}))
}

func (s *Stack) startNATS() {
	cp, dp := s.names.ControlPlanePermissions(), s.names.DataPlanePermissions()
	s.nats = natstest.Start(s.tb, natsembed.Options{Users: []natsembed.User{
		{Name: controlUser, Password: natsembed.NewPassword(), PublishAllow: cp.Publish, SubscribeAllow: cp.Subscribe},
		{Name: dataUser, Password: natsembed.NewPassword(), PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe, AllowResponses: dp.Respond},
		{Name: observerUser, Password: natsembed.NewPassword()},
	}})
	s.natsUp = true
	var err error
	s.observer, err = jetstream.New(s.nats.Connect(observerUser))
	require.NoError(s.tb, err)
}

func (s *Stack) openDatabase() {
	var err error
	s.pool, err = pgxpool.New(s.tb.Context(), s.database)
	require.NoError(s.tb, err)
	s.tb.Cleanup(s.pool.Close)
}

func (s *Stack) lookup(name string) (string, bool) {
	v, ok := s.opts.Env[name]
	return v, ok
}

// StartControlPlane runs control plane i, which must not be running.
func (s *Stack) StartControlPlane(i int) {
	s.tb.Helper()
	require.Nil(s.tb, s.control[i], "control plane %d runs already", i)
	a, err := controlplane.New(s.tb.Context(), controlplane.Options{
		Listen: "127.0.0.1:0", DatabaseURL: secret.New(s.database), NATSURL: secret.New(s.nats.URL(controlUser)),
		MasterKey: secret.New(MasterKey), SaltKey: secret.New(SaltKey), Config: []byte(s.opts.Config),
		Replica: fmt.Sprintf("cp-%d", i), DrainTimeout: 5 * time.Second, Logger: s.log, Lookup: s.lookup,
	})
	require.NoError(s.tb, err)
	s.control[i] = a
	require.NoError(s.tb, a.Start(s.tb.Context()))
}

// StartDataPlane runs data plane i, which must not be running. It forwards to
// the first control plane that runs. All share one data directory, as replicas
// on one machine do.
func (s *Stack) StartDataPlane(i int) {
	s.tb.Helper()
	require.Nil(s.tb, s.data[i], "data plane %d runs already", i)
	control := ""
	for _, a := range s.control {
		if a != nil && control == "" {
			control = "http://" + a.Addr()
		}
	}
	a, err := dataplane.New(s.tb.Context(), dataplane.Options{
		Listen: "127.0.0.1:0", NATSURL: secret.New(s.nats.URL(dataUser)), ControlPlaneURL: control, SaltKey: secret.New(SaltKey),
		DataDir: s.dataDir, Replica: fmt.Sprintf("dp-%d", i), DrainTimeout: 5 * time.Second, Logger: s.log,
		Getenv: func(name string) string { return s.opts.Env[name] }, FetchAllow: s.opts.FetchAllow,
	})
	require.NoError(s.tb, err)
	s.data[i] = a
	require.NoError(s.tb, a.Start(s.tb.Context()))
}

// StopControlPlane stops control plane i and waits for its end.
func (s *Stack) StopControlPlane(i int) {
	s.tb.Helper()
	s.stopPlane(s.control[i])
	s.control[i] = nil
}

// StopDataPlane stops data plane i and waits for its end.
func (s *Stack) StopDataPlane(i int) {
	s.tb.Helper()
	s.stopPlane(s.data[i])
	s.data[i] = nil
}

// StopNATS shuts the bus down; its data survives.
func (s *Stack) StopNATS() {
	s.nats.Stop()
	s.natsUp = false
}

// StartNATS runs the bus again, at the same address.
func (s *Stack) StartNATS() {
	s.tb.Helper()
	s.nats.Restart()
	s.natsUp = true
}

type stopper interface {
	Stop(ctx context.Context) error
}

// stopPlane stops a plane. Without the bus a data plane keeps its usage on
// disk and says so; with it, nothing may be left.
func (s *Stack) stopPlane(p stopper) {
	s.tb.Helper()
	// A server that drains waits for connections on which nothing was asked yet.
	s.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.tb.Context()), stopTimeout)
	defer cancel()
	if !s.natsUp {
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	if err := p.Stop(ctx); s.natsUp {
		require.NoError(s.tb, err)
	}
}

func (s *Stack) stop() {
	for _, a := range s.data {
		if a != nil {
			s.stopPlane(a)
		}
	}
	for _, a := range s.control {
		if a != nil {
			s.stopPlane(a)
		}
	}
}

// AwaitReady waits until every plane that runs is ready, nothing is degraded,
// and data planes can tell an unknown key from one that they have not heard of.
func (s *Stack) AwaitReady(tb testing.TB) {
	tb.Helper()
	for i, a := range s.control {
		if a == nil {
			continue
		}
		url := s.ControlPlane(i)
		Await(tb, "control plane "+url+" is healthy", func() bool { return s.healthy(tb, url) })
	}
	for _, url := range s.DataPlanes() {
		stranger := s.Client("sk-nobody-has-this-key").At(url)
		Await(tb, "data plane "+url+" is healthy", func() bool {
			return s.healthy(tb, url) && stranger.Get(tb, "/v1/models").Status == http.StatusUnauthorized
		})
	}
}

func (s *Stack) healthy(tb testing.TB, url string) bool {
	tb.Helper()
	r := s.Client("").At(url).Get(tb, "/health/readiness")
	return r.Status == http.StatusOK && strings.Contains(string(r.Body), `"status":"healthy"`)
}

// ControlPlane is the base URL of control plane i.
func (s *Stack) ControlPlane(i int) string { return "http://" + s.control[i].Addr() }

// DataPlane is the base URL of data plane i.
func (s *Stack) DataPlane(i int) string { return "http://" + s.data[i].Addr() }

// DataPlanes are the base URLs of the data planes that run.
func (s *Stack) DataPlanes() []string {
	var urls []string
	for i, a := range s.data {
		if a != nil {
			urls = append(urls, s.DataPlane(i))
		}
	}
	return urls
}

// DB is the installation's database.
func (s *Stack) DB() *pgxpool.Pool { return s.pool }
