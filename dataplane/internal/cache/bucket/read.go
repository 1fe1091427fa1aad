package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// How the server answers a direct read, in headers:
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
const (
	headerStatus   = "Status"
	headerSubject  = "Nats-Subject"
	headerSequence = "Nats-Sequence"
	headerPending  = "Nats-Num-Pending"

	statusEnd      = "204" // the last message of a batch
	statusNotFound = "404"
)

const (
	// manyAtOnce is how many values one request asks for; the server answers
	// 1024 at most.
	manyAtOnce = 256
	// perValue is what a lookup may wait longer for each further value.
	perValue = 50 * time.Microsecond
	// rangeBatch and rangeBytes bound one answer of Since.
	rangeBatch = 256
	rangeBytes = 4 << 20
)

// Get returns a value. Any error is a miss.
func (b *Bucket) Get(ctx context.Context, name string) ([]byte, error) {
	found := make(chan []byte, 1)
	err := b.ask(ctx, b.opts.Wait, func(ctx context.Context) error {
		m, err := b.opts.Conn.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+b.stream()+"."+b.subject(name), nil)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := failure(m); err != nil {
			return err
		}
		found <- m.Data
		return nil
	})
	if err != nil {
		return nil, err
	}
	return usable(<-found)
}

// usable takes the marker of a deleted key for what it means.
func usable(value []byte) ([]byte, error) {
	if len(value) == 0 {
		return nil, ErrNotFound
	}
	return value, nil
}

// failure is what a direct read answered when it is not a message.
func failure(m *nats.Msg) error {
	switch status := m.Header.Get(headerStatus); status {
	case "":
		return nil
	case statusNotFound:
		return ErrNotFound
	default:
		return fmt.Errorf("read: the server answered %s %s", status, m.Header.Get("Description"))
	}
}

// GetMany returns the values of several names; one that is not there, or not in
// time, is nil.
func (b *Bucket) GetMany(ctx context.Context, names []string) [][]byte {
	values := make([][]byte, len(names))
	type finding struct {
		index int
		value []byte
	}
	found := make(chan finding, len(names))
	wait := b.opts.Wait + time.Duration(len(names))*perValue
	_ = b.ask(ctx, wait, func(ctx context.Context) error { // what was not found is a miss
		for from := 0; from < len(names); from += manyAtOnce {
			part := names[from:min(from+manyAtOnce, len(names))]
			err := b.many(ctx, part, func(i int, value []byte) { found <- finding{from + i, value} })
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return nil
	})
	for {
		select {
		case f := <-found:
			values[f.index] = f.value
		default:
			return values
		}
	}
}

func (b *Bucket) many(ctx context.Context, names []string, each func(int, []byte)) error {
	subjects := make([]string, len(names))
	index := make(map[string]int, len(names))
	for i, name := range names {
		subjects[i] = b.subject(name)
		index[subjects[i]] = i
	}
	request, err := json.Marshal(map[string]any{"multi_last": subjects, "batch": len(subjects)})
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	_, err = b.batch(ctx, request, func(m *nats.Msg) {
		i, asked := index[m.Header.Get(headerSubject)]
		if asked && len(m.Data) > 0 {
			delete(index, m.Header.Get(headerSubject)) // once each: the receiver has room for that
			each(i, m.Data)
		}
	})
	return err
}

// Message is a value that Since found.
type Message struct {
	// Name is without the prefix that was asked for.
	Name     string
	Sequence uint64
	Value    []byte
}

// Since returns what was written under a prefix from a sequence on, oldest
// first, and whether there is more. The prefix ends in a dot.
func (b *Bucket) Since(ctx context.Context, prefix string, sequence uint64) (found []Message, more bool, err error) {
	request, err := json.Marshal(map[string]any{
		"seq": max(1, sequence), "next_by_subj": b.subject(prefix + ">"), "batch": rangeBatch, "max_bytes": rangeBytes,
	})
	if err != nil {
		return nil, false, fmt.Errorf("encode request: %w", err)
	}
	type page struct {
		found []Message
		more  bool
	}
	pages := make(chan page, 1)
	start := b.subject(prefix)
	err = b.ask(ctx, b.opts.Wait+rangeBatch*perValue, func(ctx context.Context) error {
		var p page
		var err error
		p.more, err = b.batch(ctx, request, func(m *nats.Msg) {
			n, err := strconv.ParseUint(m.Header.Get(headerSequence), 10, 64)
			name, ok := strings.CutPrefix(m.Header.Get(headerSubject), start)
			if err == nil && ok && len(p.found) < rangeBatch {
				p.found = append(p.found, Message{name, n, m.Data})
			}
		})
		pages <- p
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	p := <-pages
	return p.found, p.more, nil
}

// batch makes a direct read with many answers. It returns whether the server
// has more.
func (b *Bucket) batch(ctx context.Context, request []byte, each func(*nats.Msg)) (more bool, err error) {
	nc := b.opts.Conn
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	if err := nc.PublishRequest("$JS.API.DIRECT.GET."+b.stream(), inbox, request); err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return false, fmt.Errorf("read: %w", err)
		}
		if m.Header.Get(headerStatus) == statusEnd {
			pending := m.Header.Get(headerPending)
			return pending != "" && pending != "0", nil
		}
		if err := failure(m); err != nil {
			return false, err
		}
		each(m)
	}
}
