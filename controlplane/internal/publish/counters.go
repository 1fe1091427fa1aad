package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// The counters of a window live for three of them: whoever is late by one still
// finds them. When there are too many, those that were used least lately go.
const (
	minuteMaxAge   = 3 * time.Minute
	minuteMaxBytes = 512 << 20
	hourMaxAge     = 3 * time.Hour
	hourMaxBytes   = 256 << 20
	dayMaxAge      = 3 * 24 * time.Hour
)

// counters are the counter streams, one for each class of windows. A counter is
// one message on a subject of its own, which names the window as well: so those
// of past windows end by age, but for budgets, whose past periods are purged
// (package budget).
//
// Counters of minutes and hours are kept in memory where several servers have
// them, and on disk where there is one: its restart would forget what was used.
// The storage of a stream can not be changed, so one that exists keeps its own.
func counters(ctx context.Context, js jetstream.JetStream, n contract.Names, replicas int) ([]jetstream.StreamConfig, error) {
	short := jetstream.FileStorage
	if replicas > 1 {
		short = jetstream.MemoryStorage
	}
	all := []jetstream.StreamConfig{
		counterStream(n, limits.ClassMinute, short, minuteMaxAge, minuteMaxBytes),
		counterStream(n, limits.ClassHour, short, hourMaxAge, hourMaxBytes),
		counterStream(n, limits.ClassDay, jetstream.FileStorage, dayMaxAge, -1),
		counterStream(n, limits.ClassBudget, jetstream.FileStorage, 0, -1),
	}
	for i := range all {
		all[i].Replicas = replicas
		stream, err := js.Stream(ctx, all[i].Name)
		switch {
		case err == nil:
			all[i].Storage = stream.CachedInfo().Config.Storage
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return nil, fmt.Errorf("look up stream %s: %w", all[i].Name, err)
		}
	}
	return all, nil
}

func counterStream(n contract.Names, class limits.Class, storage jetstream.StorageType, age time.Duration, size int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: n.LimitStream(string(class)), Description: "counters of limits", Subjects: []string{n.LimitWildcard(string(class))},
		Storage: storage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1, MaxAge: age, MaxBytes: size,
	}
}
