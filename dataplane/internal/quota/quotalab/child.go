//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
	maxLine      = 16 << 20
)

// event is what a child says.
type event struct {
	Ready  bool    `json:"ready,omitempty"`
	Report *report `json:"report,omitempty"`
	Done   *done   `json:"done,omitempty"`
}

// child is this program as another process.
type child struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	encode *json.Encoder
	events chan event // closed when the process has ended
	once   sync.Once
	waited chan struct{}
}

// spawn starts a child and waits until it is ready. What it logs goes to a file
// in dir.
func spawn(ctx context.Context, dir, name string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // in a directory of ours
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	defer func() { _ = log.Close() }()                                                                                   // the child has it
	c := &child{name: name, cmd: exec.Command(self, args...), events: make(chan event, 16), waited: make(chan struct{})} //nolint:noctx,gosec // this program, which is stopped by stop and kill
	c.cmd.Stderr = log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who stop it in turn
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("standard input of %s: %w", name, err)
	}
	c.encode = json.NewEncoder(c.stdin)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("standard output of %s: %w", name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go c.read(out) // ends with the process
	if _, err := c.await(ctx, startTimeout, func(e *event) bool { return e.Ready }); err != nil {
		c.kill()
		return nil, fmt.Errorf("%w; see %s", err, log.Name())
	}
	return c, nil
}

func (c *child) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			c.events <- e
		}
	}
	_ = c.cmd.Wait() // killed ones end so
	close(c.waited)
	close(c.events)
}

var errEnded = errors.New("it has ended")

// await waits for an event; others that come first are dropped.
func (c *child) await(ctx context.Context, patience time.Duration, wanted func(*event) bool) (*event, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-c.events:
			if !ok {
				return nil, fmt.Errorf("%s: %w", c.name, errEnded)
			}
			if wanted(&e) {
				return &e, nil
			}
		case <-timer.C:
			return nil, fmt.Errorf("%s says nothing for %s", c.name, patience)
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", c.name, ctx.Err())
		}
	}
}

// tell sends a command.
func (c *child) tell(o order) error {
	if err := c.encode.Encode(&o); err != nil {
		return fmt.Errorf("tell %s: %w", c.name, err)
	}
	return nil
}

// kill ends the process as kill -9 does, and waits for that.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	c.drain()
}

// stop ends the process in good order.
func (c *child) stop() {
	c.once.Do(func() { _ = c.stdin.Close() })
	timer := time.AfterFunc(stopTimeout, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	c.drain()
}

func (c *child) drain() {
	for range c.events {
		continue // nobody wants them any more
	}
	<-c.waited
}
