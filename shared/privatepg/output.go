package privatepg

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
)

const (
	keptLines   = 50
	maxLineSize = 4 << 10  // bytes; the rest of a longer line is dropped
	maxLogSize  = 10 << 20 // bytes, then the log starts afresh
)

// tail is an io.Writer that keeps the last lines of what a program prints and
// passes all of it on.
type tail struct {
	next io.Writer // nil: nowhere

	mu      sync.Mutex
	lines   []string
	partial []byte
}

// Write never fails: a full disk must not close the program's output.
func (t *tail) Write(p []byte) (int, error) {
	if t.next != nil {
		_, _ = t.next.Write(p)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, complete := bytes.Cut(rest, []byte{'\n'})
		if room := maxLineSize - len(t.partial); room > 0 {
			t.partial = append(t.partial, line[:min(room, len(line))]...)
		}
		if complete {
			t.flushLine()
		}
		rest = after
	}
	return len(p), nil
}

func (t *tail) flushLine() {
	if len(t.lines) == keptLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, string(t.partial))
	t.partial = t.partial[:0]
}

// String returns the kept lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.partial) > 0 {
		t.flushLine()
	}
	return strings.Join(t.lines, "\n")
}

// logFile is the server's log: the previous one is kept beside it, and it
// starts afresh when it has grown too large.
type logFile struct {
	path string
	file *os.File
	size int
}

func openLog(path string) (*logFile, error) {
	l := &logFile{path: path}
	return l, l.rotate()
}

func (l *logFile) rotate() error {
	if l.file != nil {
		_ = l.file.Close()
	}
	_ = os.Rename(l.path, l.path+".1") // there may be none yet
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	l.file, l.size = f, 0
	return err
}

func (l *logFile) Write(p []byte) (int, error) {
	if l.size >= maxLogSize {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += n
	return n, err
}

func (l *logFile) close() { _ = l.file.Close() }
