package standalone

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	controlplane "github.com/tianjillm/tianjillm/controlplane/app"
	dataplane "github.com/tianjillm/tianjillm/dataplane/app"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/privatepg"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

//go:embed default.yaml
var defaultConfig []byte

const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 60 * time.Second
	controlUser  = "controlplane"
	dataUser     = "dataplane"
	envFileName  = "dataplane.env"
	saltVariable = "TIANJI_SALT_KEY"
)

// Installation is everything that runs. Its goroutines and its Postgres end
// with Stop.
type Installation struct {
	opts    Options
	secrets secrets
	out     io.Writer
	log     *slog.Logger
	stack   *lifecycle.Stack

	database secret.String
	postgres *privatepg.Cluster
	nats     *natsembed.Server
	control  *controlplane.App
	data     *dataplane.App
}

// Run starts an installation, prints how to use it, and stops it when ctx
// ends. Progress goes to out, logs to logs.
func Run(ctx context.Context, o Options, out, logs io.Writer) error {
	in := &Installation{opts: o, out: out}
	err := in.start(ctx, logs)
	if err == nil {
		in.announce()
		err = in.wait(ctx)
		in.say("stopping")
	}
	if in.stack == nil {
		return err
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if stopErr := in.stack.Stop(stop); stopErr != nil {
		return errors.Join(err, stopErr)
	}
	if err == nil {
		in.say("stopped")
	}
	return err
}

func (in *Installation) say(format string, args ...any) {
	_, _ = fmt.Fprintf(in.out, format+"\n", args...)
}

func (in *Installation) start(ctx context.Context, logs io.Writer) error {
	if err := in.opts.check(); err != nil {
		return err
	}
	var err error
	if in.log, err = telemetry.NewLogger(logs, in.opts.LogLevel); err != nil {
		return err
	}
	in.stack = lifecycle.NewStack(in.log)
	for _, step := range []func(context.Context) error{in.prepare, in.startPostgres, in.startNATS, in.startControlPlane, in.startDataPlane, in.awaitReady} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// makeDataDir makes the data directory. Postgres runs as another user when we are
// root, and must be able to reach its own folder in there; all files with
// secrets are private by themselves.
func makeDataDir(dir string) error {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chmod(dir, mode); err != nil {
			return fmt.Errorf("open data directory to Postgres: %w", err)
		}
	}
	return nil
}

func (in *Installation) prepare(context.Context) error {
	if err := makeDataDir(in.opts.DataDir); err != nil {
		return err
	}
	in.say("data directory %s", in.opts.DataDir)
	var err error
	if in.secrets, err = loadSecrets(in.opts.DataDir); err != nil {
		return err
	}
	if in.opts.SaltKey.IsZero() {
		in.opts.SaltKey = secret.New(in.secrets.SaltKey)
	}
	return nil
}

func (in *Installation) startPostgres(ctx context.Context) error {
	if !in.opts.DatabaseURL.IsZero() {
		in.database = in.opts.DatabaseURL
		in.say("using the Postgres of DATABASE_URL")
		return nil
	}
	binaries, err := privatepg.FindBinaries(in.opts.PostgresBin)
	if err != nil {
		return err
	}
	in.say("starting Postgres")
	in.postgres, err = privatepg.Start(ctx, privatepg.Options{
		Binaries: binaries, DataDir: filepath.Join(in.opts.DataDir, "postgres"), Logger: in.log,
		Progress: func(s string) { in.say("  %s", s) },
	})
	if err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	in.stack.Push("postgres", in.postgres.Stop)
	in.database = secret.New(in.postgres.URL("postgres"))
	return nil
}

func (in *Installation) startNATS(ctx context.Context) error {
	host, portText, err := net.SplitHostPort(in.opts.NATSListen)
	if err != nil {
		return fmt.Errorf("--nats-listen: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return fmt.Errorf("--nats-listen: %w", err)
	}
	names, err := contract.NewNames(contract.DefaultPrefix)
	if err != nil {
		return err
	}
	cp, dp := names.ControlPlanePermissions(), names.DataPlanePermissions()
	in.say("starting NATS")
	in.nats, err = natsembed.Start(ctx, natsembed.Options{
		StoreDir: filepath.Join(in.opts.DataDir, "nats"), Host: host, Port: port, ServerName: "tianji-standalone", Logger: in.log,
		Users: []natsembed.User{
			{Name: controlUser, Password: in.secrets.NATSControlPlane, PublishAllow: cp.Publish, SubscribeAllow: cp.Subscribe},
			{Name: dataUser, Password: in.secrets.NATSDataPlane, PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe, AllowResponses: dp.Respond},
		},
	})
	if err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	in.stack.PushFunc("nats", in.nats.Stop)
	return nil
}

func (in *Installation) startControlPlane(ctx context.Context) error {
	in.say("starting the control plane")
	o := controlplane.Options{
		Listen: in.opts.AdminListen, DatabaseURL: in.database, NATSURL: secret.New(in.nats.URL(controlUser)), InProcess: in.nats.InProcess(),
		MasterKey: in.opts.MasterKey, SaltKey: in.opts.SaltKey, ConfigFile: in.opts.ConfigFile, QuickStart: in.opts.quickStart(),
		Logger: in.log, Lookup: in.opts.Lookup, Progress: func(format string, args ...any) { in.say("  "+format, args...) },
	}
	if in.opts.ConfigFile == "" {
		o.Config = defaultConfig
	}
	var err error
	if in.control, err = controlplane.New(ctx, o); err != nil {
		return fmt.Errorf("control plane: %w", err)
	}
	in.stack.Push("control plane", in.control.Stop)
	return in.control.Start(ctx)
}

func (in *Installation) startDataPlane(ctx context.Context) error {
	in.say("starting the data plane")
	if err := in.writeDataPlaneEnv(); err != nil {
		return err
	}
	var err error
	in.data, err = dataplane.New(ctx, dataplane.Options{
		Listen: in.opts.Listen, NATSURL: secret.New(in.nats.URL(dataUser)), InProcess: in.nats.InProcess(), ControlPlaneURL: "http://" + in.control.Addr(),
		SaltKey: in.opts.SaltKey, DataDir: filepath.Join(in.opts.DataDir, "dataplane"), FetchAllow: in.opts.FetchAllow, Logger: in.log,
		Getenv: func(name string) string { v, _ := in.opts.Lookup(name); return v },
	})
	if err != nil {
		return fmt.Errorf("data plane: %w", err)
	}
	in.stack.Push("data plane", in.data.Stop)
	return in.data.Start(ctx)
}

// awaitReady waits until the data plane has its configuration from the bus and
// hears the control plane.
func (in *Installation) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for !in.data.Healthy() {
		if !lifecycle.Sleep(ctx, 20*time.Millisecond) {
			return fmt.Errorf("the data plane did not become ready: %w", context.Cause(ctx))
		}
	}
	return nil
}

// writeDataPlaneEnv writes what another data plane needs to join.
func (in *Installation) writeDataPlaneEnv() error {
	var b strings.Builder
	b.WriteString("# Lets another data plane join this installation:\n#   set -a; . " + in.envFile() + "; tianji-dataplane --listen 127.0.0.1:4002\n")
	for _, v := range [][2]string{
		{"NATS_URL", in.nats.URL(dataUser)},
		{"TIANJI_CONTROL_PLANE_URL", "http://" + in.control.Addr()},
		{saltVariable, in.opts.SaltKey.Reveal()},
		{"TIANJI_DATA_DIR", filepath.Join(in.opts.DataDir, "dataplane")},
	} {
		b.WriteString(v[0] + "=" + quoted(v[1]) + "\n")
	}
	return writePrivate(in.envFile(), []byte(b.String()))
}

func (in *Installation) envFile() string { return filepath.Join(in.opts.DataDir, envFileName) }

const quotedQuote = `'\''`

// quoted is a text as a shell reads it back, and unquoted undoes it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", quotedQuote) + "'" }

func unquoted(s string) string {
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(s, "'"), "'"), quotedQuote, "'")
}

// announce tells how to go on. The line that starts with "ready" is meant for
// programs too.
func (in *Installation) announce() {
	api, admin := "http://"+in.data.Addr(), "http://"+in.control.Addr()
	in.say("ready api=%s admin=%s nats=nats://%s", api, admin, in.nats.Addr())
	key := "$TIANJI_MASTER_KEY"
	if in.control.PublicKey() {
		key = controlplane.QuickStartKey
	}
	model := cmp.Or(in.control.ExampleModel(), "YOUR-MODEL")
	in.say(`
Ask a model:
  curl %[1]s/v1/chat/completions -H "Authorization: Bearer %[2]s" -H "Content-Type: application/json" -d '{"model":"%[3]s","messages":[{"role":"user","content":"Hello"}]}'

Make a key:
  curl %[1]s/key/generate -H "Authorization: Bearer %[2]s" -H "Content-Type: application/json" -d '{"key_alias":"my-first-key","models":["%[3]s"]}'

Add a second data plane:
  (set -a; . %[4]s; %[5]s --listen 127.0.0.1:4002)

Ctrl-C stops everything.`, api, key, model, in.envFile(), dataplaneCommand())
}

// dataplaneCommand is how the data plane is called: beside our own program
// where it stands there.
func dataplaneCommand() string {
	if exe, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(exe), "tianji-dataplane")
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return "tianji-dataplane"
}

// wait returns when ctx ends or Postgres does.
func (in *Installation) wait(ctx context.Context) error {
	if in.postgres == nil {
		<-ctx.Done()
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-in.postgres.Done():
		return fmt.Errorf("the database ended by itself: %w", in.postgres.Err())
	}
}
