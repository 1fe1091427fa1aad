package bucket

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Info is the state of the bucket.
type Info struct {
	Server   string    `json:"server"`
	Bucket   string    `json:"bucket"`
	Entries  uint64    `json:"entries"`
	Bytes    uint64    `json:"bytes"`
	MaxBytes int64     `json:"max_bytes"`
	MaxAge   string    `json:"max_age"`
	Replicas int       `json:"replicas"`
	Created  time.Time `json:"created"`
	// Waiting are the bytes that this replica has not written yet.
	Waiting int64 `json:"waiting_bytes"`
}

// Info asks for the state of the bucket.
func (b *Bucket) Info(ctx context.Context) (Info, error) {
	reply, err := b.opts.Conn.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+b.stream(), nil)
	if err != nil {
		return Info{}, fmt.Errorf("ask for the state of the cache bucket: %w", err)
	}
	if err := result(reply.Data); err != nil {
		return Info{}, fmt.Errorf("ask for the state of the cache bucket: %w", err)
	}
	var s jetstream.StreamInfo
	if err := json.Unmarshal(reply.Data, &s); err != nil {
		return Info{}, fmt.Errorf("decode the state of the cache bucket: %w", err)
	}
	return Info{
		Server: b.opts.Conn.ConnectedServerName(), Bucket: b.opts.Names.CacheBucket(), Entries: s.State.Msgs, Bytes: s.State.Bytes,
		MaxBytes: s.Config.MaxBytes, MaxAge: s.Config.MaxAge.String(), Replicas: s.Config.Replicas, Created: s.Created, Waiting: b.queue.bytes.Load(),
	}, nil
}

// Ping writes a value that lives for a second, and reads it.
func (b *Bucket) Ping(ctx context.Context) error {
	const name = "meta.ping"
	if err := b.store(ctx, value{name, []byte("pong"), time.Second}, true); err != nil {
		return err
	}
	m, err := b.opts.Conn.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+b.stream()+"."+b.subject(name), nil)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return failure(m)
}
