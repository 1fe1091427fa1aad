package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	usageMaxBytes   = 12 << 30
	eventsMaxAge    = 30 * 24 * time.Hour
	eventsMaxBytes  = 2 << 30
	duplicateWindow = 10 * time.Minute
	// transcriptsMaxAge is for how long a text waits to be stored.
	transcriptsMaxAge = 24 * time.Hour
	// memberTTL is how long a replica that stopped beating is shown.
	memberTTL = 10 * time.Second
	// responsesTTL is how long a response can be gone on from, as at OpenAI:
	// https://platform.openai.com/docs/api-reference/responses/create
	responsesTTL      = 30 * 24 * time.Hour
	responsesMaxBytes = 2 << 30
	// slotMarkerTTL is how long it is told that the slots of a limit expired.
	slotMarkerTTL = time.Minute
)

// Provision creates every bucket and stream, or brings an existing one up to
// date. Any number of control planes may do it at once: each call states the
// whole wanted configuration, and the server serialises them.
func Provision(ctx context.Context, js jetstream.JetStream, n contract.Names, replicas int) error {
	for _, cfg := range buckets(n, replicas) {
		if _, err := js.CreateOrUpdateKeyValue(ctx, cfg); err != nil {
			return fmt.Errorf("provision bucket %s: %w", cfg.Bucket, remedy(err))
		}
	}
	counters, err := counters(ctx, js, n, replicas)
	if err != nil {
		return err
	}
	for _, cfg := range append(streams(n, replicas), counters...) {
		if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("provision stream %s: %w", cfg.Name, remedy(err))
		}
	}
	if _, err := js.CreateOrUpdateConsumer(ctx, n.UsageStream(), ledgerConsumer(n)); err != nil {
		return fmt.Errorf("provision consumer %s: %w", n.LedgerConsumer(), err)
	}
	if _, err := js.CreateOrUpdateConsumer(ctx, n.TranscriptStream(), transcriptConsumer(n)); err != nil {
		return fmt.Errorf("provision consumer %s: %w", n.TranscriptConsumer(), err)
	}
	return nil
}

// Codes of the server's errors:
// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const (
	codeNoMemory  = 10028
	codeNoStorage = 10047
)

// remedy says what an operator can do about a refusal.
func remedy(err error) error {
	var e *jetstream.APIError
	if errors.As(err, &e) && (e.ErrorCode == codeNoStorage || e.ErrorCode == codeNoMemory) {
		return fmt.Errorf("%w; NATS reserves what its streams may hold: let it have max_file_store: 40GB and max_memory_store: 1GB, whatever disk there is", err)
	}
	return err
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
		{
			Bucket: n.ResponsesBucket(), Description: "responses kept for clients",
			Storage: jetstream.FileStorage, Replicas: replicas, History: 1, TTL: responsesTTL, MaxBytes: responsesMaxBytes,
		},
		{
			Bucket: n.SlotsBucket(), Description: "calls under way, by limit and replica",
			Storage: jetstream.MemoryStorage, Replicas: replicas, History: 1, LimitMarkerTTL: slotMarkerTTL,
		},
		{
			Bucket: n.SeatsBucket(), Description: "how many replicas share what is divided beforehand",
			Storage: jetstream.MemoryStorage, Replicas: replicas, History: 1,
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
		{
			Name: n.TranscriptStream(), Description: "what requests said, on its way to the database", Subjects: []string{n.TranscriptWildcard()},
			Storage: jetstream.FileStorage, Replicas: replicas, Retention: jetstream.WorkQueuePolicy,
			Discard: jetstream.DiscardOld, MaxAge: transcriptsMaxAge, MaxBytes: contract.TranscriptsMaxBytes,
		},
		cacheStream(n, replicas),
	}
}

// cacheStream is the bucket of cached answers. It is made as a stream because a
// bucket refuses when it is full and leaves markers of what expired; a cache
// drops the oldest and leaves nothing.
func cacheStream(n contract.Names, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: contract.KVStream(n.CacheBucket()), Description: "cached answers", Subjects: []string{contract.KVSubject(n.CacheBucket(), ">")},
		Storage: jetstream.FileStorage, Replicas: replicas, MaxMsgsPerSubject: 1, AllowDirect: true, AllowMsgTTL: true,
		Discard: jetstream.DiscardOld, MaxAge: contract.CacheMaxAge, MaxBytes: contract.CacheMaxBytes,
	}
}

func ledgerConsumer(n contract.Names) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: n.LedgerConsumer(), Description: "books usage in Postgres",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxAckPending: 2000, MaxDeliver: -1,
	}
}

func transcriptConsumer(n contract.Names) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: n.TranscriptConsumer(), Description: "stores what requests said",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxAckPending: 64, MaxDeliver: 10,
	}
}
