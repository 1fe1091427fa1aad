package usage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// A batch is one message: at most so many events and bytes.
	batchEvents = 50
	batchBytes  = 256 << 10
	// window is how many batches are on their way at once.
	window = 64
	// gather is how long the publisher lets events come together.
	gather = 50 * time.Millisecond
	// keptBytes bounds the buffer that is kept between two groups.
	keptBytes  = 1 << 20
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
	adoptEvery = 10 * time.Second
)

// Sink stores one batch, a few lines of JSON, durably. The id is the same
// whenever the same bytes are offered again.
type Sink interface {
	Store(ctx context.Context, id string, batch []byte) error
}

func (r *Recorder) startPublisher() {
	r.stop = lifecycle.Loop(func(ctx context.Context) {
		adopt := time.NewTicker(adoptEvery)
		defer adopt.Stop()
		r.adopt(ctx)
		for {
			if !r.publishOwn(ctx) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-adopt.C:
				r.adopt(ctx)
			case <-r.wake:
				lifecycle.Sleep(ctx, gather)
			}
		}
	})
}

// publishOwn brings everything written so far to the bus, retrying until it
// is done or ctx ends.
func (r *Recorder) publishOwn(ctx context.Context) bool {
	pause := retryFirst
	for {
		err := r.publish(ctx, r.slot, r.end())
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "usage not published, kept in the spool",
			slog.Int64("spooled_bytes", r.Spooled()), slog.Any("error", err))
		lifecycle.Sleep(ctx, pause)
		pause = min(2*pause, retryMost)
	}
}

// adopt empties slots whose process is gone. A failure leaves them to the next
// round.
func (r *Recorder) adopt(ctx context.Context) {
	for _, s := range abandonedSlots(r.opts.Dir) {
		err := r.publish(ctx, s, position{segment: ^uint64(0)})
		s.close()
		if err != nil && ctx.Err() == nil {
			r.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "usage of a stopped replica not published yet", slog.Any("error", err))
		}
	}
}

// drain waits until what was recorded is on the bus, or ctx ends.
func (r *Recorder) drain(ctx context.Context) error {
	for r.Spooled() > 0 {
		r.poke()
		if !lifecycle.Sleep(ctx, gather) {
			return fmt.Errorf("%d bytes of usage stay in the spool: %w", r.Spooled(), context.Cause(ctx))
		}
	}
	return nil
}

// publish offers everything between the slot's cursor and end, and removes
// segments that are done.
func (r *Recorder) publish(ctx context.Context, s *slot, end position) error {
	segments, err := s.segments()
	if err != nil {
		return err
	}
	cursor := s.loadCursor()
	for _, n := range segments {
		if n > end.segment {
			return nil
		}
		var done int64
		if n >= cursor.segment {
			from := position{segment: n}
			if n == cursor.segment {
				from = cursor
			}
			limit := int64(maxSegment)
			if n == end.segment {
				limit = end.offset
			}
			if done, err = r.publishSegment(ctx, s, from, limit); err != nil {
				return err
			}
		}
		if n == end.segment {
			return nil // still being written
		}
		if err := r.removeSegment(s, n, done); err != nil {
			return err
		}
	}
	return nil
}

// removeSegment removes a segment of which everything up to done is stored.
// What follows is a line torn by a power failure, or nothing.
func (r *Recorder) removeSegment(s *slot, segment uint64, done int64) error {
	if info, err := os.Stat(s.path(segment)); err == nil && s == r.slot && done > 0 {
		r.unacked.Add(done - info.Size())
	}
	if err := os.Remove(s.path(segment)); err != nil {
		return fmt.Errorf("remove usage segment: %w", err)
	}
	return nil
}

// maxSegment is more than any segment holds.
const maxSegment = 1 << 40

// publishSegment offers a segment from a position up to limit, a group of
// batches at a time, and moves the cursor behind each group that was stored.
// It returns up to where everything is stored.
func (r *Recorder) publishSegment(ctx context.Context, s *slot, at position, limit int64) (int64, error) {
	f, err := os.Open(s.path(at.segment))
	if err != nil {
		return 0, fmt.Errorf("open usage segment: %w", err)
	}
	defer func() { _ = f.Close() }()
	for at.offset < limit {
		group, err := r.readGroup(f, at.offset, limit)
		if err != nil {
			return at.offset, err
		}
		if len(group) == 0 {
			return at.offset, nil // the end, or a line torn by a power failure
		}
		stored, err := r.store(ctx, s, at, group)
		if stored > 0 {
			at.offset += stored
			if s == r.slot {
				r.unacked.Add(-stored)
			}
			if err := s.saveCursor(at); err != nil {
				return at.offset, err
			}
		}
		if err != nil {
			return at.offset, err
		}
	}
	return at.offset, nil
}

// readGroup returns the next batches of whole lines from offset. They are good
// until the next call.
func (r *Recorder) readGroup(f io.ReaderAt, offset, limit int64) ([][]byte, error) {
	buf := r.room(int(min(limit-offset, 16*batchBytes)))
	n, err := f.ReadAt(buf, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read usage segment: %w", err)
	}
	buf = buf[:n]
	var group [][]byte
	for len(group) < window {
		batch := cutBatch(buf)
		if len(batch) == 0 {
			break
		}
		group, buf = append(group, batch), buf[len(batch):]
	}
	return group, nil
}

// room returns a buffer of n bytes for the publisher, which keeps one of a usual
// size: it would else be a seventh of what a busy replica allocates.
func (r *Recorder) room(n int) []byte {
	if n > keptBytes {
		return make([]byte, n)
	}
	if cap(r.buffer) < n {
		r.buffer = make([]byte, n, min(2*n, keptBytes))
	}
	return r.buffer[:n]
}

// cutBatch returns the whole lines at the start of buf that make one message.
func cutBatch(buf []byte) []byte {
	end := 0
	for range batchEvents {
		i := bytes.IndexByte(buf[end:], '\n')
		if i < 0 || end > 0 && end+i+1 > batchBytes {
			break
		}
		end += i + 1
	}
	return buf[:end]
}

// store offers the batches of a group at once and returns the bytes of those
// that were stored before the first that was not.
func (r *Recorder) store(ctx context.Context, s *slot, at position, group [][]byte) (int64, error) {
	errs := make([]error, len(group))
	offset := at.offset
	var wg sync.WaitGroup
	for i, batch := range group {
		// The length belongs to the id: when an acknowledgement gets lost, the
		// next attempt may offer more lines from the same place on, and the
		// stream must not take them for what it has already.
		id := s.id + "-" + strconv.FormatUint(at.segment, 10) + "-" + strconv.FormatInt(offset, 10) + "-" + strconv.Itoa(len(batch))
		offset += int64(len(batch))
		wg.Go(func() { errs[i] = r.opts.Sink.Store(ctx, id, batch) })
	}
	wg.Wait()
	var stored int64
	for i, batch := range group {
		if errs[i] != nil {
			r.metrics.batches.WithLabelValues("error").Inc()
			return stored, errs[i]
		}
		r.metrics.batches.WithLabelValues("ok").Inc()
		stored += int64(len(batch))
	}
	return stored, nil
}
