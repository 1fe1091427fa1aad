package privatepg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// place is where a cluster lives and whom it belongs to; a nil account is
// ourselves.
type place struct {
	dir     string
	account *account
}

func (p place) cluster() string      { return filepath.Join(p.dir, "cluster") }
func (p place) passwordFile() string { return filepath.Join(p.dir, "password") }
func (p place) logFile() string      { return filepath.Join(p.dir, "postgres.log") }

// initialised reports whether there is a cluster. It is complete if it is
// there at all: it gets its name only once initdb is through.
func (p place) initialised() (bool, error) {
	if _, err := os.Lstat(p.cluster()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if _, err := os.Stat(filepath.Join(p.cluster(), "PG_VERSION")); err != nil {
		return false, fmt.Errorf("%s can not be used: %w; start as the user it belongs to, or move it away", p.cluster(), err)
	}
	return true, nil
}

// own hands path to the account, or leaves it to us.
func (p place) own(path string) error {
	if p.account == nil {
		return nil
	}
	return os.Chown(path, int(p.account.uid), int(p.account.gid))
}

// prepare makes the directory, passable for the account.
func (p place) prepare() error {
	if p.account == nil {
		return os.MkdirAll(p.dir, 0o700)
	}
	return makePassable(p.dir, p.account)
}

// findPlace decides on the directory and the account. Data that exists is
// never left behind for an empty cluster elsewhere.
func findPlace(opts *Options) (place, error) {
	wanted := place{dir: opts.DataDir}
	if os.Geteuid() != 0 {
		return wanted, nil
	}
	if found, err := wanted.initialised(); err != nil || found {
		return existingPlace(wanted, err)
	}
	acct, err := serviceAccount()
	if err != nil {
		return place{}, err
	}
	wanted.account = acct
	spare := fallbackPlaces(opts, acct)
	for _, p := range spare {
		if found, err := p.initialised(); err != nil || found {
			opts.Progress(fmt.Sprintf("the data of %s is kept in %s", opts.DataDir, p.dir))
			return existingPlace(p, err)
		}
	}
	obstacle, err := wanted.obstacle()
	if err != nil || obstacle == "" {
		return wanted, err
	}
	for _, p := range spare {
		if blocked, err := p.obstacle(); err != nil || blocked != "" || p.prepare() != nil {
			continue
		}
		opts.Progress(fmt.Sprintf("user %s, who runs PostgreSQL, may not pass %s: keeping the data of %s in %s",
			acct.name, obstacle, opts.DataDir, p.dir))
		return p, nil
	}
	return place{}, fmt.Errorf("user %s, who runs PostgreSQL, may not pass %s (chmod o+x it, or choose another data directory), and none of %q can be used instead",
		acct.name, obstacle, opts.FallbackDirs)
}

// existingPlace runs a cluster as whoever owns it, so that one made by an
// ordinary user still works when root starts it.
func existingPlace(p place, err error) (place, error) {
	if err != nil {
		return place{}, err
	}
	st, err := os.Stat(p.cluster())
	if err != nil {
		return place{}, fmt.Errorf("look at the cluster: %w", err)
	}
	owner, ok := accountOf(st)
	if !ok || owner.uid == 0 {
		return place{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: give it to user postgres with chown -R", p.cluster())
	}
	p.account = owner
	obstacle, err := p.obstacle()
	if err == nil && obstacle != "" {
		err = fmt.Errorf("user %s owns the data in %s but may not pass %s: chmod o+x it", owner.name, p.cluster(), obstacle)
	}
	return p, err
}

// fallbackPlaces are the places for data whose own directory is out of reach.
// /var/tmp is anybody's, so what another user put there is never adopted.
func fallbackPlaces(opts *Options, acct *account) []place {
	sum := sha256.Sum256([]byte(opts.DataDir))
	name := "postgres-" + hex.EncodeToString(sum[:8])
	places := make([]place, 0, len(opts.FallbackDirs))
	for _, base := range opts.FallbackDirs {
		base, err := realPath(base)
		if err != nil {
			continue
		}
		dir := filepath.Join(base, name)
		if st, err := os.Lstat(dir); err != nil || isOwnDirectory(st) {
			places = append(places, place{dir: dir, account: acct})
		}
	}
	return places
}

// obstacle is what keeps the account from the directory, or "". The directory
// itself is none if it is ours: prepare opens it.
func (p place) obstacle() (string, error) {
	if st, err := os.Stat(p.dir); err == nil && isOwnDirectory(st) {
		return obstacleTo(filepath.Dir(p.dir), p.account)
	}
	return obstacleTo(p.dir, p.account)
}

// obstacleTo returns the last existing directory on the way to dir, dir
// included, that acct may not pass, or "".
func obstacleTo(dir string, acct *account) (string, error) {
	for path := dir; ; path = filepath.Dir(path) {
		st, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", fmt.Errorf("data directory: %w", err)
		case !acct.mayPass(st):
			return path, nil
		}
		if path == filepath.Dir(path) {
			return "", nil
		}
	}
}

// realPath makes dir absolute and resolves the symbolic links in the part of
// it that exists.
func realPath(dir string) (string, error) {
	existing, err := filepath.Abs(dir)
	for rest := ""; err == nil; existing = filepath.Dir(existing) {
		resolved, evalErr := filepath.EvalSymlinks(existing)
		if evalErr == nil {
			return filepath.Join(resolved, rest), nil
		}
		if !errors.Is(evalErr, fs.ErrNotExist) {
			return "", evalErr
		}
		rest = filepath.Join(filepath.Base(existing), rest)
	}
	return "", err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// makePassable makes dir and its missing parents, whatever the umask, so that
// acct can reach what lies in it: others may pass, but not look. Of what
// exists only dir itself is changed.
func makePassable(dir string, acct *account) error {
	st, err := os.Stat(dir)
	if err == nil {
		if acct.mayPass(st) {
			return nil
		}
		return os.Chmod(dir, st.Mode().Perm()|0o011)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if parent := filepath.Dir(dir); !exists(parent) {
		if err := makePassable(parent, acct); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o711); err != nil { //nolint:gosec // see above
		return err
	}
	return os.Chmod(dir, 0o711) //nolint:gosec // see above
}
