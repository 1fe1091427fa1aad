package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tianjillm/tianjillm/shared/privatepg"
)

const binEnv = "TIANJI_PG_BIN"

// dirPrefix starts the name of every directory made here, followed by the
// process id: pgtest-<pid>-<random>.
const dirPrefix = "tianji-pgtest-"

// ephemeral is a private cluster in a directory that goes with it.
type ephemeral struct {
	*privatepg.Cluster

	made string // what to remove; the data may lie elsewhere, see privatepg
}

func startEphemeral(ctx context.Context) (*ephemeral, error) {
	base := tempBase()
	sweepDirs(base)
	dir, err := os.MkdirTemp(base, dirPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	cluster, err := startIn(ctx, dir, 0)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &ephemeral{Cluster: cluster, made: dir}, nil
}

func startIn(ctx context.Context, dir string, port int) (*privatepg.Cluster, error) {
	given, _ := os.LookupEnv(binEnv)
	bin, err := privatepg.FindBinaries(given) //nolint:contextcheck // a look at the disk
	if err != nil {
		return nil, err
	}
	return privatepg.Start(ctx, privatepg.Options{
		Binaries: bin, DataDir: dir, FallbackDirs: []string{"/var/tmp"}, Port: port, Ephemeral: true,
	})
}

// stop removes the data even if the server would not end in an orderly way.
func (e *ephemeral) stop(ctx context.Context) error {
	return errors.Join(e.Stop(ctx), os.RemoveAll(e.DataDir()), os.RemoveAll(e.made))
}

// tempBase is in memory where there is room: a cluster is a thousand small
// files, and each database a few hundred more.
func tempBase() string {
	const shm, room = "/dev/shm", 2 << 30 // bytes
	var st syscall.Statfs_t
	if err := syscall.Statfs(shm, &st); err == nil && st.Bavail*uint64(st.Bsize) > room { //nolint:gosec // a block size is positive
		return shm
	}
	return os.TempDir()
}

// sweepDirs removes the directories of processes that are gone, as far as they
// are ours to remove.
func sweepDirs(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, dirPrefix+"*")) // the pattern is well formed
	for _, dir := range dirs {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}
