package privatepg

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidFile is what the server notes in postmaster.pid about itself.
// https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h
type pidFile struct {
	pid     int
	dataDir string
	port    string
	status  string // "ready" once it accepts connections; padded with blanks in the file
}

// readPidFile reports false where there is no file, or a half-written one.
func readPidFile(cluster string) (pidFile, bool) {
	raw, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid")) //nolint:gosec // our own data directory
	if err != nil {
		return pidFile{}, false
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) < 2 {
		return pidFile{}, false
	}
	// A negative number marks a single-user server, as initdb runs it.
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return pidFile{}, false
	}
	f := pidFile{pid: pid, dataDir: strings.TrimSpace(lines[1])}
	if len(lines) >= 8 {
		f.port = strings.TrimSpace(lines[3])
		f.status = strings.TrimSpace(lines[7])
	}
	return f, true
}
