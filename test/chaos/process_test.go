package chaos_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

const (
	natsDir      = "CHAOS_NATS_DIR"
	natsPort     = "CHAOS_NATS_PORT"
	controlUser  = "controlplane"
	dataUser     = "dataplane"
	natsPassword = "chaos"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(natsDir); dir != "" {
		serveNATS(dir, os.Getenv(natsPort))
		return
	}
	pgtest.Main(m)
}

// serveNATS is the whole life of the child process that is the bus.
func serveNATS(dir, port string) {
	n, err := strconv.Atoi(port)
	if err != nil {
		os.Exit(2)
	}
	names, err := contract.NewNames(contract.DefaultPrefix)
	if err != nil {
		os.Exit(2)
	}
	cp, dp := names.ControlPlanePermissions(), names.DataPlanePermissions()
	_, err = natsembed.Start(context.Background(), natsembed.Options{
		StoreDir: dir, Host: "127.0.0.1", Port: n, Logger: slog.New(slog.DiscardHandler),
		Users: []natsembed.User{
			{Name: controlUser, Password: natsPassword, PublishAllow: cp.Publish, SubscribeAllow: cp.Subscribe},
			{Name: dataUser, Password: natsPassword, PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe, AllowResponses: dp.Respond},
		},
	})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = fmt.Println("bus listens on port " + port)
	select {} // until killed
}

// process is a program that can be killed and started again.
type process struct {
	t    *testing.T
	name string
	path string
	args []string
	env  []string
	// ready is the beginning of the line that it prints when it serves.
	ready string

	cmd *exec.Cmd
	out *tail
}

// tail keeps what a process wrote last.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > 1<<18 {
		l.buf.Reset()
	}
	return l.buf.Write(p)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (p *process) start() {
	p.t.Helper()
	p.out = &tail{}
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stderr = p.out
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.cmd.Start())
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		_, _ = fmt.Fprintln(p.out, lines.Text())
		if strings.HasPrefix(lines.Text(), p.ready) {
			go func() { _, _ = io.Copy(p.out, stdout) }() // ends with the process
			return
		}
	}
	p.t.Fatalf("%s ended before it was ready:\n%s", p.name, p.out)
}

func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

func (p *process) restart() {
	p.t.Helper()
	p.start()
}

// build makes the two programs once.
func build(t *testing.T) (data, control string) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	cmd := exec.Command("go", "build", "-o", dir+"/", "./dataplane/cmd/tianji-dataplane", "./controlplane/cmd/tianji-controlplane")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "tianji-dataplane"), filepath.Join(dir, "tianji-controlplane")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return addr.Port
}

// eventually waits for a condition; it is the only place that looks at a clock.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, within, 50*time.Millisecond, what)
}
