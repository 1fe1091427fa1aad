package usage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	maxSlots      = 1024
	slotIDLen     = 20
	lockName      = "lock"
	cursorName    = "cursor"
	segmentSuffix = ".ndjson"
)

var errSlotTaken = errors.New("slot is in use")

// slot is a locked directory of segments. Segment files are numbered; the
// cursor file says up to which byte of which segment the bus has everything.
type slot struct {
	dir  string
	id   string // names the slot in the ids of its batches, for good
	lock *os.File
}

// openSlot locks a slot directory, or returns errSlotTaken.
func openSlot(dir string) (*slot, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make usage spool: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own directory
	if err != nil {
		return nil, fmt.Errorf("open lock of usage spool: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errSlotTaken
		}
		return nil, fmt.Errorf("lock usage spool: %w", err)
	}
	s := &slot{dir: dir, lock: f}
	if s.id, err = slotID(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return s, nil
}

// slotID reads the slot's id from its lock file, or writes a new one.
func slotID(f *os.File) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return "", fmt.Errorf("read id of usage spool: %w", err)
	}
	if len(b) == slotIDLen {
		return string(b), nil
	}
	id := rand.Text()[:slotIDLen]
	if _, err := f.WriteAt([]byte(id), 0); err != nil {
		return "", fmt.Errorf("write id of usage spool: %w", err)
	}
	return id, nil
}

// takeSlot locks the first free slot under dir.
func takeSlot(dir string) (*slot, error) {
	for i := range maxSlots {
		s, err := openSlot(slotDir(dir, i))
		if errors.Is(err, errSlotTaken) {
			continue
		}
		return s, err
	}
	return nil, fmt.Errorf("usage spool %s: all %d slots are in use", dir, maxSlots)
}

func slotDir(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("slot-%d", i)) }

// abandonedSlots locks every other slot that nobody holds and that still has
// something to publish.
func abandonedSlots(dir string) []*slot {
	var found []*slot
	names, err := filepath.Glob(filepath.Join(dir, "slot-*"))
	if err != nil {
		return nil
	}
	for _, name := range names {
		s, err := openSlot(name)
		if err != nil {
			continue
		}
		if segments, err := s.segments(); err != nil || len(segments) == 0 {
			s.close()
			continue
		}
		found = append(found, s)
	}
	return found
}

func (s *slot) close() { _ = s.lock.Close() } // closing gives up the lock

// segments returns the numbers of the segment files in order.
func (s *slot) segments() ([]uint64, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("read usage spool: %w", err)
	}
	var numbers []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(name, 10, 64)
		if err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// pending returns how many bytes of the segments are not behind the cursor.
func (s *slot) pending(segments []uint64) int64 {
	cursor := s.loadCursor()
	var total int64
	for _, n := range segments {
		info, err := os.Stat(s.path(n))
		if err != nil || n < cursor.segment {
			continue
		}
		total += info.Size()
		if n == cursor.segment {
			total -= min(cursor.offset, info.Size())
		}
	}
	return total
}

func (s *slot) path(segment uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%012d%s", segment, segmentSuffix))
}

// position is a place in a slot.
type position struct {
	segment uint64
	offset  int64
}

// loadCursor returns where the acknowledged part ends; a missing or torn
// cursor is the beginning.
func (s *slot) loadCursor() position {
	b, err := os.ReadFile(filepath.Join(s.dir, cursorName))
	if err != nil {
		return position{}
	}
	var p position
	if n, err := fmt.Sscanf(string(b), "%d %d\n", &p.segment, &p.offset); n != 2 || err != nil {
		return position{}
	}
	return p
}

func (s *slot) saveCursor(p position) error {
	tmp := filepath.Join(s.dir, cursorName+".tmp")
	if err := os.WriteFile(tmp, fmt.Appendf(nil, "%d %d\n", p.segment, p.offset), 0o600); err != nil {
		return fmt.Errorf("save usage cursor: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(s.dir, cursorName)); err != nil {
		return fmt.Errorf("save usage cursor: %w", err)
	}
	return nil
}
