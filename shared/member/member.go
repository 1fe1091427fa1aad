// Package member keeps the live view of the installation: each replica writes
// a heartbeat, and whoever asks reads all that are not older than the bucket's
// time to live.
package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	every       = 2 * time.Second
	listTimeout = 2 * time.Second
)

// Beat writes the heartbeat that state returns, until ctx ends. It is a plain
// publish without an answer: a beat that gets lost is followed by the next.
func Beat(ctx context.Context, nc *nats.Conn, n contract.Names, state func() contract.Member) {
	for {
		m := state()
		m.V, m.SeenMS = contract.SchemaVersion, time.Now().UnixMilli()
		if value, err := json.Marshal(m); err == nil {
			_ = nc.Publish(contract.KVSubject(n.MembersBucket(), contract.Token(m.Replica)), value) // the next one may get through
		}
		if !lifecycle.Sleep(ctx, every) {
			return
		}
	}
}

// List returns the replicas that beat lately, ordered by plane and name.
func List(ctx context.Context, js jetstream.JetStream, n contract.Names) ([]contract.Member, error) {
	if !js.Conn().IsConnected() {
		return nil, nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	kv, err := js.KeyValue(ctx, n.MembersBucket())
	if err != nil {
		return nil, fmt.Errorf("open members bucket: %w", err)
	}
	w, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("read members bucket: %w", err)
	}
	defer func() { _ = w.Stop() }()
	members := []contract.Member{}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read members bucket: %w", ctx.Err())
		case e, open := <-w.Updates():
			if !open {
				return nil, errors.New("read members bucket: the watch ended early")
			}
			if e == nil {
				slices.SortFunc(members, func(a, b contract.Member) int {
					return strings.Compare(string(a.Plane)+a.Replica, string(b.Plane)+b.Replica)
				})
				return members, nil
			}
			var m contract.Member
			if json.Unmarshal(e.Value(), &m) == nil {
				members = append(members, m)
			}
		}
	}
}
