//go:build unix

package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// memory is numbers that all processes share and that outlive those that are
// killed: what a replica has admitted is known whatever happens to it.
type memory struct {
	raw   []byte
	words []atomic.Uint64
}

// What memory holds.
const (
	wordBusy    = iota // calls under way, laneBits for each replica
	wordPeak           // the most there were at once
	wordTaken          // calls there were
	wordRefused        // calls that were refused
	wordCells          // where cells begin
)

const (
	laneBits = 16
	lanes    = 64 / laneBits

	cellWindows = 4 // windows of one cell, from the one that load begins in
	cellFields  = 2
	maxCells    = 25_000
	memoryWords = wordCells + maxCells*cellWindows*cellFields
)

// createMemory makes the file.
func createMemory(path string) (*memory, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // in a directory of ours
	if err != nil {
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(memoryWords * 8); err != nil {
		return nil, fmt.Errorf("size shared memory: %w", err)
	}
	return mapMemory(f)
}

// openMemory maps what another process made.
func openMemory(path string) (*memory, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the parent says which
	if err != nil {
		return nil, fmt.Errorf("open shared memory: %w", err)
	}
	defer func() { _ = f.Close() }()
	return mapMemory(f)
}

func mapMemory(f *os.File) (*memory, error) {
	raw, err := syscall.Mmap(int(f.Fd()), 0, memoryWords*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return &memory{raw: raw, words: unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&raw[0])), memoryWords)}, nil //nolint:gosec // pages are aligned, and as long as that
}

func (m *memory) close() { _ = syscall.Munmap(m.raw) }

// cell is one limit's counts in one window; window 0 is the one that load
// begins in.
func (m *memory) cell(cell, window int) (admitted, refused *atomic.Uint64) {
	at := wordCells + (cell*cellWindows+min(max(window, 0), cellWindows-1))*cellFields
	return &m.words[at], &m.words[at+1]
}

// clearCells forgets all counts of limits.
func (m *memory) clearCells() {
	for i := wordCells; i < memoryWords; i++ {
		m.words[i].Store(0)
	}
}

// enter counts a call of a replica that is under way from now on. All replicas
// are in one word, so that how many there are at once is known exactly.
func (m *memory) enter(replica int) {
	now := sumLanes(m.words[wordBusy].Add(1 << (replica * laneBits)))
	for {
		peak := m.words[wordPeak].Load()
		if now <= peak || m.words[wordPeak].CompareAndSwap(peak, now) {
			break
		}
	}
	m.words[wordTaken].Add(1)
}

// leave ends such a call.
func (m *memory) leave(replica int) {
	m.words[wordBusy].Add(^uint64(0) << (replica * laneBits))
}

// bury ends all calls of a replica that was killed.
func (m *memory) bury(replica int) {
	mask := uint64(1<<laneBits-1) << (replica * laneBits)
	m.words[wordBusy].And(^mask)
}

// busy is how many calls are under way.
func (m *memory) busy() uint64 { return sumLanes(m.words[wordBusy].Load()) }

func sumLanes(word uint64) (sum uint64) {
	for range lanes {
		sum += word & (1<<laneBits - 1)
		word >>= laneBits
	}
	return sum
}
