// Package pool reads and changes the counters of limits on the bus, from which
// data planes take what they give out, and asks data planes what they hold of
// them.
//
// It decides nothing: what a counter ought to be is known to package budget. It
// owns no goroutine.
package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsx"
)

// increment is the header of a counter stream. See ADR-49,
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-49.md
const increment = "Nats-Incr"

// Counter is one limit in the window that starts at a Unix second.
type Counter struct {
	Class limits.Class
	Key   string
	Start int64
}

// OfBudget is the counter of a budget in the period that starts then.
func OfBudget(key string, start int64) Counter {
	return Counter{Class: limits.ClassBudget, Key: key, Start: start}
}

// Compare orders counters by class, name and window.
func (c Counter) Compare(other Counter) int {
	return cmp.Or(cmp.Compare(c.Class, other.Class), cmp.Compare(c.Key, other.Key), cmp.Compare(c.Start, other.Start))
}

// Pool is safe for concurrent use.
type Pool struct {
	js    jetstream.JetStream
	names contract.Names
}

// New returns a pool. It does not need NATS to be up.
func New(js jetstream.JetStream, n contract.Names) *Pool { return &Pool{js: js, names: n} }

func (p *Pool) subject(c Counter) string {
	return p.names.LimitSubject(string(c.Class), c.Key, c.Start)
}

// Value returns how many units were handed out. A counter that does not exist
// has none.
func (p *Pool) Value(ctx context.Context, c Counter) (int64, error) {
	if !p.js.Conn().IsConnected() {
		return 0, nats.ErrDisconnected
	}
	data, _, err := natsx.LastFromLeader(ctx, p.js.Conn(), p.names.LimitStream(string(c.Class)), p.subject(c))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read counter: %w", err)
	}
	return value(data)
}

// value reads what a counter stream stores.
func value(data []byte) (int64, error) {
	var stored struct {
		Value string `json:"val"`
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		return 0, fmt.Errorf("decode counter: %w", err)
	}
	n, err := strconv.ParseInt(stored.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("decode counter: %w", err)
	}
	return n, nil
}

// Add adds n, which may be negative. With an id it does so once: a second time
// within two minutes changes nothing.
func (p *Pool) Add(ctx context.Context, c Counter, n int64, id string) error {
	m := &nats.Msg{Subject: p.subject(c), Header: nats.Header{increment: {strconv.FormatInt(n, 10)}}}
	opts := []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}
	if id != "" {
		opts = append(opts, jetstream.WithMsgID(id))
	}
	if _, err := p.js.PublishMsg(ctx, m, opts...); err != nil {
		return fmt.Errorf("add to counter: %w", err)
	}
	return nil
}

// Raise makes a counter at least n.
func (p *Pool) Raise(ctx context.Context, c Counter, n int64) error {
	now, err := p.Value(ctx, c)
	if err != nil || now >= n {
		return err
	}
	// Of several who saw the same and want the same, one does it.
	return p.Add(ctx, c, n-now, fmt.Sprintf("raise.%s.%d.%d.%d", c.Key, c.Start, now, n))
}

// Forget deletes a counter.
func (p *Pool) Forget(ctx context.Context, c Counter) error {
	stream, err := p.js.Stream(ctx, p.names.LimitStream(string(c.Class)))
	if err != nil {
		return fmt.Errorf("open counters: %w", err)
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject(p.subject(c))); err != nil {
		return fmt.Errorf("forget counter: %w", err)
	}
	return nil
}

// parse undoes subject.
func (p *Pool) parse(class limits.Class, subject string) (Counter, bool) {
	rest, ok := strings.CutPrefix(subject, strings.TrimSuffix(p.names.LimitWildcard(string(class)), ">"))
	i := strings.LastIndexByte(rest, '.')
	if !ok || i < 0 {
		return Counter{}, false
	}
	start, err := strconv.ParseInt(rest[i+1:], 10, 64)
	return Counter{Class: class, Key: rest[:i], Start: start}, err == nil
}
