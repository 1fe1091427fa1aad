package privatepg

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// initialise makes the cluster in a directory of its own and gives it its
// name at the end, so that an initdb cut short leaves nothing that looks done.
func (p place) initialise(ctx context.Context, opts *Options, password string) error {
	work, err := os.MkdirTemp(p.dir, "init-")
	if err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	defer os.RemoveAll(work) // the next start sweeps what stays
	if err := p.own(work); err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	data := filepath.Join(work, "data")
	args := []string{"-D", data, "-U", User, "-E", "UTF8", "--locale=C"}
	if opts.Ephemeral {
		args = append(args, "--auth=trust", "--no-sync", "--wal-segsize=1") // MB: less to zero and to copy
	} else {
		secret := filepath.Join(work, "password")
		if err := errors.Join(os.WriteFile(secret, []byte(password+"\n"), 0o600), p.own(secret)); err != nil {
			return fmt.Errorf("make a cluster: %w", err)
		}
		args = append(args, "--auth=scram-sha-256", "--pwfile="+secret)
	}
	if err := runInitDB(ctx, opts, p.account, args); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(data, p.cluster()), syncDir(p.dir)); err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	return nil
}

func runInitDB(ctx context.Context, opts *Options, acct *account, args []string) error {
	initdb, err := startProcess(ctx, acct, &tail{}, opts.Binaries.InitDB, args)
	if err != nil {
		return err
	}
	select {
	case <-initdb.done:
	case <-ctx.Done():
		if err := terminate(ctx, initdb, opts.StopTimeout); err != nil {
			return err
		}
		return fmt.Errorf("make a cluster: %w", context.Cause(ctx))
	}
	if initdb.err != nil {
		return initdb.failure("make a cluster: initdb")
	}
	return nil
}

// sweep removes what an interrupted start left.
func (p place) sweep() error {
	entries, err := os.ReadDir(p.dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "init-") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(p.dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("remove what an interrupted start left: %w", err)
	}
	return nil
}

// password reads the password of an existing cluster, or makes one: for a new
// cluster it lies on disk before the cluster does.
func (p place) password(opts *Options, initialised bool) (string, error) {
	raw, err := os.ReadFile(p.passwordFile())
	password := strings.TrimSpace(string(raw))
	switch {
	case err == nil && password != "":
		return password, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("read the password: %w", err)
	case opts.Ephemeral:
		return "", nil
	case initialised:
		return "", fmt.Errorf("%s is missing or empty, and the cluster beside it can not be opened without: restore it, or move %s away to start empty",
			p.passwordFile(), p.cluster())
	}
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	password = base64.RawURLEncoding.EncodeToString(random[:])
	return password, writeSynced(p.passwordFile(), password+"\n")
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // our own directory
	if err != nil {
		return fmt.Errorf("keep the password: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keep the password: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // our own directory
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
