// Package lab sets up what is measured: a stand-in for a vendor, an
// installation of TianjiLLM, its data planes, and the proxies they are compared
// with, each a process of its own on loopback. It measures nothing. All
// processes and files end with Close.
package lab

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/child"
)

// Options say what to run and where.
type Options struct {
	// Tianji and DataPlane are the programs that are measured.
	Tianji, DataPlane string
	// Self is this program, which is also the upstream and the plain proxy.
	Self string
	// Nginx is the program to compare with; without one it is left out.
	Nginx string
	// Pin gives the measured process a core of its own.
	Pin bool
	// Lookup reads the environment.
	Lookup config.Lookup
	// Progress takes lines about what is going on.
	Progress io.Writer
}

// Commands of this program that run a child.
const (
	UpstreamCommand     = "upstream"
	ReverseProxyCommand = "reverse-proxy"
	// ListenLine begins the line that a child prints when it serves.
	ListenLine = "listening on "
)

// Lab is a set of processes.
type Lab struct {
	opts     Options
	dir      string
	stack    *lifecycle.Stack
	client   *http.Client
	measured []int // cores of the process that is measured
	others   []int // cores of everything else

	upstream     *child.Process
	installation *Installation
	count        int
}

// Target is something that answers calls.
type Target struct {
	Name string
	// Addr is host:port.
	Addr string
	// Debug is the address of pprof, empty when there is none.
	Debug string
	// Process is nil for the upstream itself, which is not measured.
	Process *child.Process
}

// CPU is the CPU time that the target used so far.
func (t *Target) CPU() (time.Duration, error) {
	return t.Process.CPU()
}

// New makes a directory for all files and starts the upstream.
func New(ctx context.Context, o Options) (*Lab, error) {
	dir, err := os.MkdirTemp("", "tianji-bench-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	l := &Lab{opts: o, dir: dir, stack: lifecycle.NewStack(slog.New(slog.DiscardHandler)), client: &http.Client{Timeout: 30 * time.Second}}
	l.stack.Push("files", func(context.Context) error { return os.RemoveAll(dir) })
	l.stack.PushFunc("connections", l.client.CloseIdleConnections)
	if err := l.prepare(ctx); err != nil {
		l.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return l, nil
}

func (l *Lab) prepare(ctx context.Context) error {
	// Postgres runs as another user when we are root and must reach its folder.
	if err := os.Chmod(l.dir, 0o711); err != nil { //nolint:gosec // search only
		return fmt.Errorf("open directory: %w", err)
	}
	if cores := child.Cores(); l.opts.Pin && len(cores) > 1 {
		l.measured, l.others = cores[:1], cores[1:]
		if err := child.PinSelf(l.others); err != nil {
			return err
		}
	}
	var err error
	l.upstream, err = l.start(ctx, child.Spec{Name: "upstream", Path: l.opts.Self, Args: []string{UpstreamCommand}, Cores: l.others, Ready: ListenLine})
	return err
}

// Close stops everything and removes all files.
func (l *Lab) Close(ctx context.Context) {
	if err := l.stack.Stop(ctx); err != nil {
		l.say("stopping: %v", err)
	}
}

func (l *Lab) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.opts.Progress, format+"\n", args...)
}

// Pinned reports whether the measured process has a core of its own.
func (l *Lab) Pinned() bool { return len(l.measured) > 0 }

// start starts a process with a log of its own.
func (l *Lab) start(ctx context.Context, spec child.Spec) (*child.Process, error) {
	l.count++
	spec.Log = filepath.Join(l.dir, strconv.Itoa(l.count)+"-"+spec.Name+".log")
	spec.Env = append(l.environment(), spec.Env...)
	p, err := child.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	l.stack.Push(spec.Name, p.Stop)
	return p, nil
}

// environment is what children need of ours; settings for TianjiLLM that
// happen to stand there must not change what is measured.
func (l *Lab) environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "GOGC", "GOMEMLIMIT", "GODEBUG"} {
		if v, ok := l.opts.Lookup(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// Direct is the upstream itself.
func (l *Lab) Direct() *Target {
	return &Target{Name: "direct", Addr: l.upstream.ReadyLine()[len(ListenLine):]}
}

// ReverseProxy starts the standard library's reverse proxy.
func (l *Lab) ReverseProxy(ctx context.Context) (*Target, error) {
	debug, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	p, err := l.start(ctx, child.Spec{
		Name: "reverse-proxy", Path: l.opts.Self, Args: []string{ReverseProxyCommand, l.Direct().Addr, debug}, Cores: l.measured, Ready: ListenLine,
	})
	if err != nil {
		return nil, err
	}
	return &Target{Name: ReverseProxyName, Addr: p.ReadyLine()[len(ListenLine):], Debug: debug, Process: p}, nil
}

// Names of targets as they are reported.
const (
	NginxName        = "nginx"
	ReverseProxyName = "ReverseProxy"
	DataPlaneName    = "TianjiLLM"
)

// DataPlane starts a data plane of the installation on the measured core, or,
// with free, wherever the system puts it.
func (l *Lab) DataPlane(ctx context.Context, free bool) (*Target, error) {
	debug, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	cores := l.measured
	if free {
		cores = child.Union(l.measured, l.others)
	}
	const ready = "data plane listens on http://"
	name := "data-plane-" + strconv.Itoa(l.count)
	dir := filepath.Join(l.dir, name)
	p, err := l.start(ctx, child.Spec{
		Name: name, Path: l.opts.DataPlane, Env: append(l.installation.env, "TIANJI_DATA_DIR="+dir), Cores: cores, Ready: ready, Grace: 30 * time.Second,
		Args: []string{"--listen", "127.0.0.1:0", "--debug-listen", debug},
	})
	if err != nil {
		return nil, err
	}
	t := &Target{Name: DataPlaneName, Addr: p.ReadyLine()[len(ready):], Debug: debug, Process: p}
	return t, l.await(ctx, "http://"+t.Addr+"/health/readiness")
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// FindNginx returns the path of nginx, empty when it is not installed.
func FindNginx() string {
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
