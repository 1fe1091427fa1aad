// Package child runs the processes of the benchmark: each is started on given
// cores, read for its use of CPU and memory, and stopped with all that it
// started. A process's goroutines end with Stop. CPU, memory and cores are
// Linux's; elsewhere they are reported as not measured.
package child

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrUnsupported says that this system does not tell what was asked.
var ErrUnsupported = errors.New("only Linux is measured")

const (
	startTimeout = 60 * time.Second
	defaultGrace = 5 * time.Second
)

// Spec describes a process.
type Spec struct {
	// Name is for messages.
	Name string
	Path string
	Args []string
	Env  []string
	// Cores limit the process; none leaves it where we may run ourselves.
	Cores []int
	// Log is a file that takes the output.
	Log string
	// Ready is how the line of output begins that says the process serves;
	// empty does not wait.
	Ready string
	// Grace is how long a stop may take; 0 takes 5 s.
	Grace time.Duration
}

// Process is a running process.
type Process struct {
	spec  Spec
	cmd   *exec.Cmd
	log   *os.File
	lines *lines
	done  chan struct{}
	err   error // set before done is closed
}

// Start starts a process and waits until it says that it is ready.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, log: log, lines: &lines{to: log, prefix: spec.Ready, found: make(chan string, 1)}, done: make(chan struct{})}
	p.cmd = exec.Command(spec.Path, spec.Args...) //nolint:gosec,noctx // our own programs; Stop ends them in order
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = spec.Env, p.lines, log, attributes()
	p.cmd.WaitDelay = time.Second
	if err := onCores(spec.Cores, p.cmd.Start); err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	go func() { // ends with the process, which Stop ends
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.await(ctx); err != nil {
		return nil, errors.Join(err, p.Stop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

func (p *Process) await(ctx context.Context) error {
	if p.spec.Ready == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case line := <-p.lines.found:
		p.lines.found <- line
		return nil
	case <-p.done:
		return fmt.Errorf("%s ended at once: %s", p.spec.Name, p.tail())
	case <-ctx.Done():
		return fmt.Errorf("%s did not become ready: %w: %s", p.spec.Name, context.Cause(ctx), p.tail())
	}
}

// ReadyLine is the line that said the process serves.
func (p *Process) ReadyLine() string {
	select {
	case line := <-p.lines.found:
		p.lines.found <- line
		return line
	default:
		return ""
	}
}

// Name is for messages.
func (p *Process) Name() string { return p.spec.Name }

// Err says why the process is not running, nil while it is.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %w: %s", p.spec.Name, p.err, p.tail())
	default:
		return nil
	}
}

// tail is the end of the log.
func (p *Process) tail() string {
	const size = 2000
	b, err := os.ReadFile(p.spec.Log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-size):]))
}

// Stop asks the process to end, and kills it and its children when it does not.
func (p *Process) Stop(context.Context) error {
	defer func() { _ = p.log.Close() }()
	family := descendants(p.cmd.Process.Pid)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(cmp.Or(p.spec.Grace, defaultGrace))
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	for _, pid := range append(family, p.cmd.Process.Pid) {
		if process, err := os.FindProcess(pid); err == nil {
			_ = process.Kill()
		}
	}
	<-p.done
	return fmt.Errorf("%s did not stop and was killed", p.spec.Name)
}

// CPU is the CPU time of the process and its children so far.
func (p *Process) CPU() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range append(descendants(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		used, err := cpuTime(pid)
		if err != nil && pid == p.cmd.Process.Pid {
			return 0, fmt.Errorf("read CPU time of %s: %w", p.spec.Name, err)
		}
		sum += used
	}
	return sum, nil
}

// RSS is the resident memory of the process and its children in bytes.
func (p *Process) RSS() (int64, error) {
	var sum int64
	for _, pid := range append(descendants(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		size, err := residentSize(pid)
		if err != nil && pid == p.cmd.Process.Pid {
			return 0, fmt.Errorf("read memory of %s: %w", p.spec.Name, err)
		}
		sum += size
	}
	return sum, nil
}

// lines looks for one line on its way to a file. exec writes to it from one
// goroutine.
type lines struct {
	mu     sync.Mutex
	to     *os.File
	prefix string
	part   []byte
	seen   bool
	found  chan string
}

// maxLine bounds a line that is looked at.
const maxLine = 64 << 10

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.seen && l.prefix != "" {
		l.look(b)
	}
	return l.to.Write(b)
}

func (l *lines) look(b []byte) {
	l.part = append(l.part, b...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		if strings.HasPrefix(string(line), l.prefix) {
			l.seen, l.part = true, nil
			l.found <- string(line)
			return
		}
		l.part = rest
	}
	if len(l.part) > maxLine {
		l.part = nil
	}
}

// Union joins two lists of cores.
func Union(a, b []int) []int { return append(append([]int(nil), a...), b...) }
