package privatepg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Cluster is a running PostgreSQL.
type Cluster struct {
	opts     Options
	place    place
	port     int
	password string
	process  *process
	lock     *os.File
	log      *logFile
	stopping atomic.Bool
	failure  error // set before done closes
	done     chan struct{}
}

// Start makes the cluster if there is none, stops a server that a killed
// process left on the same data, and returns once connections are accepted.
// Ending ctx aborts the start; it does not stop a started cluster.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	opts, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("private postgres: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, opts.StartTimeout,
		fmt.Errorf("it took longer than %s", opts.StartTimeout))
	defer cancel()

	c, err := start(ctx, &opts)
	if err != nil {
		return nil, fmt.Errorf("private postgres: %w", err)
	}
	opts.Logger.LogAttrs(ctx, slog.LevelInfo, "private postgres started",
		slog.String("data_dir", c.DataDir()), slog.Int("port", c.port), slog.Int("pid", c.PID()))
	return c, nil
}

func start(ctx context.Context, opts *Options) (_ *Cluster, err error) {
	c := &Cluster{opts: *opts, done: make(chan struct{})}
	if c.place, err = findPlace(opts); err != nil {
		return nil, err
	}
	if err := c.place.prepare(); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if c.lock, err = lockDir(c.place.dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.lock.Close()
		}
	}()
	stranger, err := stopLeftover(ctx, opts, c.place.cluster())
	if err != nil {
		return nil, err
	}
	if err := c.ensureCluster(ctx); err != nil {
		return nil, err
	}
	if c.log, err = openLog(c.place.logFile()); err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	if err := c.launch(ctx, stranger); err != nil {
		c.log.close()
		return nil, err
	}
	go c.watch(context.WithoutCancel(ctx))
	return c, nil
}

// ensureCluster leaves a complete cluster and its password on disk.
func (c *Cluster) ensureCluster(ctx context.Context) error {
	if err := c.place.sweep(); err != nil {
		return err
	}
	initialised, err := c.place.initialised()
	if err != nil {
		return err
	}
	if c.place.account != nil {
		if err := c.checkReach(); err != nil {
			return err
		}
	}
	if c.password, err = c.place.password(&c.opts, initialised); err != nil {
		return err
	}
	if initialised {
		return c.checkVersion(ctx)
	}
	c.opts.Progress("making a private PostgreSQL cluster in " + c.place.dir)
	return c.place.initialise(ctx, &c.opts, c.password)
}

// checkReach finds binaries in a folder the server's account may not enter,
// which the kernel would only call "permission denied".
func (c *Cluster) checkReach() error {
	programs, err := realPath(filepath.Dir(c.opts.Binaries.Postgres))
	if err != nil {
		return fmt.Errorf("find the programs of PostgreSQL: %w", err)
	}
	obstacle, err := obstacleTo(programs, c.place.account)
	if err == nil && obstacle != "" {
		err = fmt.Errorf("%s may not pass %s, where PostgreSQL is installed: chmod o+x it", c.place.account, obstacle)
	}
	return err
}

// checkVersion refuses what the server would refuse, with a way out.
func (c *Cluster) checkVersion(ctx context.Context) error {
	raw, err := os.ReadFile(filepath.Join(c.place.cluster(), "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("read the cluster's version: %w", err)
	}
	installed, err := c.opts.Binaries.major(ctx)
	if err != nil {
		return err
	}
	if written := strings.TrimSpace(string(raw)); written != installed {
		return fmt.Errorf("the data in %s is of PostgreSQL %s but %s is version %s: point TIANJI_PG_BIN at the bin folder of version %s, or dump and restore",
			c.place.cluster(), written, c.opts.Binaries.Postgres, installed, written)
	}
	return nil
}

// launch starts the server and waits for it. Two failures pass by themselves
// and are tried again for a while: a free port that somebody else took first,
// and backends of a killed server that have not noticed its end yet.
func (c *Cluster) launch(ctx context.Context, stranger int) error {
	const patience, pause = 5 * time.Second, 100 * time.Millisecond
	enough, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := c.launchOnce(ctx, stranger)
		if err == nil || !c.passing(err) {
			return err
		}
		select {
		case <-enough.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (c *Cluster) passing(err error) bool {
	text := err.Error()
	return strings.Contains(text, "pre-existing shared memory block") ||
		c.opts.Port == 0 && strings.Contains(text, "Address already in use")
}

func (c *Cluster) launchOnce(ctx context.Context, stranger int) error {
	c.port = c.opts.Port
	if c.port == 0 {
		var err error
		if c.port, err = freePort(ctx); err != nil {
			return err
		}
	}
	args := append([]string{"-D", c.place.cluster(), "-h", host, "-p", strconv.Itoa(c.port), "-k", ""}, c.opts.settingArgs()...)
	var env []string
	if stranger != 0 {
		// The server takes any live process with the pid in postmaster.pid for
		// another server, except its own relatives. pg_ctl uses this variable
		// for itself; shared memory is still checked.
		env = append(env, "PG_GRANDPARENT_PID="+strconv.Itoa(stranger))
	}
	p, err := startProcess(ctx, c.place.account, &tail{next: c.log}, c.opts.Binaries.Postgres, args, env...)
	if err != nil {
		return err
	}
	if err := c.awaitReady(ctx, p); err != nil {
		return errors.Join(err, terminate(context.WithoutCancel(ctx), p, c.opts.StopTimeout))
	}
	c.process = p
	return nil
}

// awaitReady needs no database driver: the server notes its state in
// postmaster.pid.
func (c *Cluster) awaitReady(ctx context.Context, p *process) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		f, ok := readPidFile(c.place.cluster())
		if ok && f.pid == p.pid() && f.status == "ready" && c.answers(ctx) {
			return nil
		}
		select {
		case <-p.done:
			return p.failure("the server did not start")
		case <-ctx.Done():
			return withLines(fmt.Errorf("wait for the server: %w", context.Cause(ctx)), p.out)
		case <-tick.C:
		}
	}
}

func (c *Cluster) answers(ctx context.Context) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", c.address())
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (c *Cluster) address() string { return net.JoinHostPort(host, strconv.Itoa(c.port)) }

// watch gives the directory free when the server is gone.
func (c *Cluster) watch(ctx context.Context) {
	<-c.process.done
	c.log.close()
	_ = c.lock.Close()
	if !c.stopping.Load() {
		c.failure = c.process.failure("private postgres: the server ended by itself")
		c.opts.Logger.LogAttrs(ctx, slog.LevelError, "private postgres died",
			slog.String("data_dir", c.DataDir()), slog.Any("error", c.process.err))
	}
	close(c.done)
}

// URL is the address of a database of the cluster for its superuser. It holds
// the password: do not log it.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(User), Host: c.address(), Path: "/" + database, RawQuery: "sslmode=disable"}
	if c.password != "" {
		u.User = url.UserPassword(User, c.password)
	}
	return u.String()
}

// DataDir is where the data really is: [Options.DataDir], absolute and free of
// symbolic links, or the fallback that was taken instead.
func (c *Cluster) DataDir() string { return c.place.dir }

// Port is the TCP port on 127.0.0.1.
func (c *Cluster) Port() int { return c.port }

// PID is the process id of the server.
func (c *Cluster) PID() int { return c.process.pid() }

// Done is closed when the server is gone, stopped or not; [Cluster.Err] tells which.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err says how the server died, after Done; nil if it was stopped with Stop.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.failure
	default:
		return nil
	}
}

// Stop shuts the server down and waits for its end; connections are cut. It
// gets harsh after the stop timeout, or when ctx ends. A second Stop waits too.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stopping.Store(true)
	if err := terminate(ctx, c.process, c.opts.StopTimeout); err != nil {
		return fmt.Errorf("private postgres: %w", err)
	}
	<-c.done
	return nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return addr.Port, nil
}
