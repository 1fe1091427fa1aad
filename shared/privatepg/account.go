package privatepg

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the operating system user the server runs as.
type account struct {
	name     string
	uid, gid uint32
}

// serviceAccount is the unprivileged user a root process hands PostgreSQL to.
// It needs an entry in the user database: initdb looks its name up.
func serviceAccount() (*account, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: " +
		"run as an ordinary user, or make one with adduser --system postgres")
}

// accountOf is the account that owns a file.
func accountOf(st fs.FileInfo) (*account, bool) {
	owner, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, false
	}
	a := &account{name: strconv.FormatUint(uint64(owner.Uid), 10), uid: owner.Uid, gid: owner.Gid}
	if u, err := user.LookupId(a.name); err == nil {
		a.name = u.Username
	}
	return a, true
}

// mayPass reports whether the permission bits let a enter a directory.
// Access lists that grant more are not seen.
func (a *account) mayPass(st fs.FileInfo) bool {
	owner, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.IsDir() {
		return false
	}
	switch {
	case owner.Uid == a.uid:
		return st.Mode()&0o100 != 0
	case owner.Gid == a.gid:
		return st.Mode()&0o010 != 0
	default:
		return st.Mode()&0o001 != 0
	}
}

func isOwnDirectory(st fs.FileInfo) bool {
	owner, ok := st.Sys().(*syscall.Stat_t)
	return ok && st.IsDir() && int(owner.Uid) == os.Geteuid()
}
