package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attributes keep Ctrl-C from the child, which is ours to stop, and end it
// when we are killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// Cores lists the cores that this process may use.
func Cores() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil
	}
	var cores []int
	for i := range len(set) * strconv.IntSize {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores
}

func setOf(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return &set
}

// PinSelf moves all threads of this process to cores.
func PinSelf(cores []int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(tid, setOf(cores)); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("move to cores %v: %w", cores, err)
		}
	}
	return nil
}

// onCores runs start so that the process it makes is on cores from its first
// instruction on: Go and nginx look at their cores when they begin.
func onCores(cores []int, start func() error) error {
	if len(cores) == 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read cores: %w", err)
	}
	if err := unix.SchedSetaffinity(0, setOf(cores)); err != nil {
		return fmt.Errorf("move to cores %v: %w", cores, err)
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); back != nil {
		return errors.Join(err, fmt.Errorf("move back to our cores: %w", back))
	}
	return err
}

// cpuTime reads a process's CPU clock, which counts nanoseconds of all its
// threads, also of those that ended: clock_getcpuclockid(3) and the macro
// CPUCLOCK_SCHED of the kernel's include/linux/posix-timers_types.h.
func cpuTime(pid int) (time.Duration, error) {
	const sched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil { //nolint:gosec // a pid has 22 bits
		return 0, fmt.Errorf("read CPU clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

func residentSize(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, ok := bytes.Cut(b, []byte("\nVmRSS:"))
	fields := bytes.Fields(after)
	if !ok || len(fields) == 0 {
		return 0, errors.New("the process has ended")
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read VmRSS: %w", err)
	}
	return kib << 10, nil
}

// descendants lists the processes that pid started, and those that they did.
func descendants(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, ok := parentOf(child); ok {
			children[parent] = append(children[parent], child)
		}
	}
	var all []int
	for queue := children[pid]; len(queue) > 0; queue = queue[1:] {
		all = append(all, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return all
}

// parentOf reads the field after the program's name, which may hold anything
// but ends with the last parenthesis, and the state: proc_pid_stat(5).
func parentOf(pid int) (int, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}
