//go:build unix

package main

import (
	"bytes"
	"io"
	"time"
)

// Run is for tests.
func Run(args []string, stdout, stderr io.Writer) int {
	return run(args, bytes.NewReader(nil), stdout, stderr)
}

// Histogram is for tests.
type Histogram = histogram

// Add is for tests.
func (h *Histogram) Add(d time.Duration) { h.add(d) }

// Quantile is for tests.
func (h *Histogram) Quantile(q float64) time.Duration {
	l := h.latencies()
	return l.quantile(q)
}

// Memory is for tests.
type Memory = memory

// CreateMemory and OpenMemory are for tests.
var (
	CreateMemory = createMemory
	OpenMemory   = openMemory
)

// Enter, Leave, Bury, Busy, Peak and Close are for tests.
func (m *Memory) Enter(replica int) { m.enter(replica) }

// Leave is for tests.
func (m *Memory) Leave(replica int) { m.leave(replica) }

// Bury is for tests.
func (m *Memory) Bury(replica int) { m.bury(replica) }

// Busy is for tests.
func (m *Memory) Busy() uint64 { return m.busy() }

// Peak is for tests.
func (m *Memory) Peak() uint64 { return m.words[wordPeak].Load() }

// Close is for tests.
func (m *Memory) Close() { m.close() }

// Page writes results of one limit of so many requests a minute, for tests.
func Page(limit int64, admitted, refused, takes, questions uint64) string {
	var out bytes.Buffer
	o := offer{limit: limit, shape: shapes()[0]}
	r := results{rates: &round{length: time.Minute, outcomes: []outcome{{
		offer: &o, admitted: admitted, refused: refused, traffic: traffic{takes: takes, questions: questions, answers: 2 * questions},
	}}}}
	r.write(&out)
	return out.String()
}
