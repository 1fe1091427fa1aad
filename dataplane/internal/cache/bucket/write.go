package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	// writers is how many values are on their way at once.
	writers      = 2
	queueLength  = 4096
	writeTimeout = 2 * time.Second
	// headerTTL is honoured from server 2.11 on:
	// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-43.md
	headerTTL = "Nats-TTL"
	// codeNoTTL is the error of a bucket without lifetimes of single keys.
	codeNoTTL = jetstream.ErrorCode(10166)
)

// value is one that waits to be written.
type value struct {
	name string
	data []byte
	ttl  time.Duration
}

// queue holds the values that wait, bounded in number and in bytes.
type queue struct {
	items chan value
	bytes atomic.Int64
	limit int64
}

func newQueue(limit int64) *queue { return &queue{items: make(chan value, queueLength), limit: limit} }

func (q *queue) add(v value) bool {
	n := int64(len(v.data))
	if q.bytes.Add(n) > q.limit {
		q.bytes.Add(-n)
		return false
	}
	select {
	case q.items <- v:
		return true
	default:
		q.bytes.Add(-n)
		return false
	}
}

func (q *queue) took(v value) { q.bytes.Add(-int64(len(v.data))) }

func (q *queue) clear() {
	for {
		select {
		case v := <-q.items:
			q.took(v)
		default:
			return
		}
	}
}

// Put writes a value in the background. It does not block, and keeps data. What
// is too large for the bus, or too much for the queue, is not written.
func (b *Bucket) Put(name string, data []byte, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	if !b.queue.add(value{name, data, ttl}) {
		b.opts.Metrics.dropped.Inc()
	}
}

func (b *Bucket) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-b.queue.items:
			b.queue.took(v)
			b.writeOne(ctx, v)
		}
	}
}

func (b *Bucket) writeOne(ctx context.Context, v value) {
	if limit := b.opts.Bulk.MaxPayload(); limit > 0 && int64(len(v.data)) > limit-headroom {
		return // it stays in the memory of this replica
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := b.store(ctx, v, true)
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == codeNoTTL {
		err = b.store(ctx, v, false) // the value itself says how long it counts
	}
	if err != nil {
		if b.ctx.Err() == nil {
			b.failed(opWrite, err)
		}
		return
	}
	b.opts.Metrics.stored.Add(float64(len(v.data)))
}

func (b *Bucket) store(ctx context.Context, v value, expires bool) error {
	m := nats.NewMsg(b.subject(v.name))
	m.Data = v.data
	if expires && v.ttl < contract.CacheMaxAge {
		m.Header.Set(headerTTL, lifetime(v.ttl))
	}
	reply, err := b.opts.Bulk.RequestMsgWithContext(ctx, m)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return result(reply.Data)
}

// lifetime is in whole seconds, of which the server wants one at least.
func lifetime(d time.Duration) string {
	return max(d+time.Second-1, time.Second).Truncate(time.Second).String()
}

// result is the error in an answer of JetStream, or nil.
func result(data []byte) error {
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}
