package privatepg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leftover is a server that outlived the process that started it. It is not
// our child, so its end can only be seen by asking.
type leftover struct {
	pid     int
	dataDir string // as it was started with
}

func (l leftover) signal(ctx context.Context, sig syscall.Signal) error {
	if !l.running(ctx) {
		return os.ErrProcessDone
	}
	return syscall.Kill(l.pid, sig)
}

func (l leftover) running(ctx context.Context) bool {
	line, ok := commandLine(ctx, l.pid)
	return ok && isServerOf(line, l.dataDir)
}

func (l leftover) goneWithin(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for l.running(ctx) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// stopLeftover stops a server that a killed parent left on our data, which
// the caller has locked. It returns the pid of a live process that postmaster.pid
// names but which is something else (the number was given out again), or 0.
func stopLeftover(ctx context.Context, opts *Options, cluster string) (stranger int, err error) {
	file, ok := readPidFile(cluster)
	if !ok || !sameDir(file.dataDir, cluster) {
		return 0, nil
	}
	line, alive := commandLine(ctx, file.pid)
	if !alive {
		return 0, nil
	}
	if !isServerOf(line, file.dataDir) {
		return file.pid, nil
	}
	opts.Progress(fmt.Sprintf("stopping the PostgreSQL a killed run left behind (pid %d)", file.pid))
	if err := terminate(ctx, leftover{file.pid, file.dataDir}, opts.StopTimeout); err != nil {
		return 0, fmt.Errorf("left behind by a killed run, pid %d: %w", file.pid, err)
	}
	return 0, nil
}

// isServerOf recognises a postmaster by how it was started: a program named
// postgres with our data directory as its first argument, as start and pg_ctl
// pass it. Backends rewrite their command line.
func isServerOf(commandLine, dataDir string) bool {
	program, _, found := strings.Cut(commandLine+" ", " -D "+dataDir+" ")
	name := filepath.Base(program)
	return found && (name == "postgres" || name == "postmaster")
}

// commandLine returns program and arguments of a live process, parted by
// blanks. An ended ctx does not make a process look dead.
func commandLine(ctx context.Context, pid int) (string, bool) {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return "", false
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err == nil {
		return strings.ReplaceAll(strings.TrimRight(string(raw), "\x00"), "\x00", " "), true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
	return strings.TrimSpace(string(out)), err == nil
}

func sameDir(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(first, second)
}
