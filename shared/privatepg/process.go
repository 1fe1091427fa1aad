package privatepg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// process is a child process; its goroutine ends with it.
type process struct {
	cmd  *exec.Cmd
	out  *tail
	err  error         // how it ended; read it after done
	done chan struct{} // closed when it is gone and its output is read
}

// startProcess runs a program of PostgreSQL as acct. It gets a process group
// of its own, so that Ctrl-C reaches us first and the server stops after those
// who use it, and an environment without ours, which may hold secrets.
func startProcess(ctx context.Context, acct *account, out *tail, name string, args []string, env ...string) (*process, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...) //nolint:gosec // the path comes from FindBinaries
	cmd.Dir = "/"                                                         // ours may be out of reach for the account
	cmd.Env = append([]string{"LC_ALL=C", "TZ=UTC", "PATH=" + filepath.Dir(name) + ":/usr/local/bin:/usr/bin:/bin"}, env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 5 * time.Second // backends hold the output a little longer than the postmaster
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if acct != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: acct.uid, Gid: acct.gid} // no Groups: cleared
	}
	dieWithParent(cmd.SysProcAttr)

	p := &process{cmd: cmd, out: out, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the child dies with this thread
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("run %s as %s: %w", name, acct, err)
	}
	return p, nil
}

func (a *account) String() string {
	if a == nil {
		return "the current user"
	}
	return "user " + a.name
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(_ context.Context, sig syscall.Signal) error {
	return p.cmd.Process.Signal(sig)
}

func (p *process) goneWithin(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	}
}

// failure describes how the process ended, with the last lines it printed.
func (p *process) failure(what string) error {
	how := p.err
	if how == nil {
		how = errors.New("exit status 0")
	}
	return withLines(fmt.Errorf("%s: %w", what, how), p.out)
}

func withLines(err error, out *tail) error {
	if lines := out.String(); lines != "" {
		return fmt.Errorf("%w; its last lines:\n%s", err, lines)
	}
	return err
}

// stoppable is a postmaster, our child or not.
type stoppable interface {
	signal(ctx context.Context, sig syscall.Signal) error
	goneWithin(ctx context.Context, d time.Duration) bool
}

// terminate asks for a fast shutdown (SIGINT), after grace or when ctx ends
// for an immediate one (SIGQUIT; the next start recovers from the log), and
// kills at last.
// https://www.postgresql.org/docs/current/server-shutdown.html
func terminate(ctx context.Context, s stoppable, grace time.Duration) error {
	gone, err := endWith(ctx, s, syscall.SIGINT, grace)
	if gone || err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // only the orderly shutdown can be cut short
	if gone, err = endWith(ctx, s, syscall.SIGQUIT, 2*time.Second); gone || err != nil {
		return err
	}
	if gone, err = endWith(ctx, s, syscall.SIGKILL, 10*time.Second); gone || err != nil {
		return err
	}
	return errors.New("stop postgres: it is still there after SIGKILL")
}

func endWith(ctx context.Context, s stoppable, sig syscall.Signal, within time.Duration) (gone bool, err error) {
	if err := s.signal(ctx, sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, fmt.Errorf("stop postgres: %w", err)
	}
	return s.goneWithin(ctx, within), nil
}
