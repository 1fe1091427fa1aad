package publish

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	usageMaxBytes   = 20 << 30
	eventsMaxAge    = 30 * 24 * time.Hour
	eventsMaxBytes  = 2 << 30
	duplicateWindow = 10 * time.Minute
	// memberTTL is how long a replica that stopped beating is shown.
	memberTTL = 10 * time.Second
)

// Provision creates every bucket and stream, or brings an existing one up to
// date. Any number of control planes may do it at once: each call states the
// whole wanted configuration, and the server serialises them.
func Provision(ctx context.Context, js jetstream.JetStream, n contract.Names, replicas int) error {
	for _, cfg := range buckets(n, replicas) {
		if _, err := js.CreateOrUpdateKeyValue(ctx, cfg); err != nil {
			return fmt.Errorf("provision bucket %s: %w", cfg.Bucket, err)
		}
	}
	for _, cfg := range streams(n, replicas) {
		if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("provision stream %s: %w", cfg.Name, err)
		}
	}
	if _, err := js.CreateOrUpdateConsumer(ctx, n.UsageStream(), ledgerConsumer(n)); err != nil {
		return fmt.Errorf("provision consumer %s: %w", n.LedgerConsumer(), err)
	}
	return nil
}

// The buckets that data planes follow are republished by the server: a watcher
// alone was measured to fall silent for 18 s when the node that hosts its
// consumer stops.
func buckets(n contract.Names, replicas int) []jetstream.KeyValueConfig {
	return []jetstream.KeyValueConfig{
		{
			Bucket: n.ConfigBucket(), Description: "configuration, watched whole by every data plane",
			Storage: jetstream.FileStorage, Replicas: replicas, History: 1, LimitMarkerTTL: time.Hour,
			RePublish: republish(n.ConfigBucket(), n.ConfigChanges()),
		},
		{
			Bucket: n.PrincipalsBucket(), Description: "keys, teams and users, read on first use",
			Storage: jetstream.FileStorage, Replicas: replicas, History: 1, LimitMarkerTTL: time.Hour,
			RePublish: republish(n.PrincipalsBucket(), n.PrincipalChanges()),
		},
		{
			Bucket: n.MembersBucket(), Description: "heartbeats of replicas",
			Storage: jetstream.MemoryStorage, Replicas: replicas, History: 1, TTL: memberTTL,
		},
	}
}

func republish(bucket, subject string) *jetstream.RePublish {
	return &jetstream.RePublish{Source: contract.KVSubject(bucket, ">"), Destination: subject + ".>"}
}

// A full usage stream refuses instead of dropping what was not booked: the
// publisher then keeps it in its spool.
func streams(n contract.Names, replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			Name: n.UsageStream(), Description: "usage on its way to the ledger", Subjects: []string{n.UsageWildcard()},
			Storage: jetstream.FileStorage, Replicas: replicas, Retention: jetstream.WorkQueuePolicy,
			Discard: jetstream.DiscardNew, MaxBytes: usageMaxBytes, Duplicates: duplicateWindow,
		},
		{
			Name: n.EventsStream(), Description: "audit, error and health events of data planes", Subjects: []string{n.EventsWildcard()},
			Storage: jetstream.FileStorage, Replicas: replicas, Retention: jetstream.LimitsPolicy,
			Discard: jetstream.DiscardOld, MaxAge: eventsMaxAge, MaxBytes: eventsMaxBytes, Duplicates: duplicateWindow,
		},
	}
}

func ledgerConsumer(n contract.Names) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: n.LedgerConsumer(), Description: "books usage in Postgres",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxAckPending: 2000, MaxDeliver: -1,
	}
}
