// Package publish brings what Postgres holds to the data planes: it writes the
// two NATS buckets, one record an object.
//
// A record is written by reading the bucket first, then the database, and then
// replacing exactly the revision that was read. Whoever is late finds another
// revision and starts again, so any number of publishers converge on what was
// committed last, without a lock and without an order among them.
package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	// inlineTimeout bounds how long a management reply waits for the bus.
	inlineTimeout = time.Second
	// maxConflicts bounds the retries of one write.
	maxConflicts = 16
	parallel     = 16
)

// Deployments renders the models of the config file and of the database.
type Deployments interface {
	// Deployment returns the deployment as it stands now, or nil when there is
	// none. It reuses the sealed secrets of prev where they are the same, so
	// that an unchanged deployment renders to the same bytes.
	Deployment(ctx context.Context, id string, prev *contract.Deployment) (*contract.Deployment, error)
	// IDs returns the ids of all deployments.
	IDs(ctx context.Context) ([]string, error)
}

// Publisher writes the buckets. It is safe for concurrent use and owns no
// goroutine beyond a call.
type Publisher struct {
	store       *store.Store
	deployments Deployments
	settings    Settings
	js          jetstream.JetStream
	names       contract.Names
	log         *slog.Logger
	published   *prometheus.CounterVec
}

// Settings are the parts of the config file that data planes obey.
type Settings struct {
	Auth    contract.AuthSettings
	General contract.GeneralSettings
	Router  contract.RouterSettings
	Cache   contract.CacheSettings
	Limits  contract.LimitSettings
	// CustomerLimits reads the budget that is for each customer without one of
	// its own and replaces Limits.Customers. Nil, or limits that are nil, leave
	// them as they are.
	CustomerLimits func(context.Context) (*contract.Limits, error)
	// Route completes Router with what the database says; nil leaves it as it is.
	Route func(context.Context, *contract.RouterSettings) error
	// PassThrough renders the routes that hand requests on, with what is sealed
	// in prev where it is the same. Nil is none.
	PassThrough func(prev *contract.PassThroughSettings) (*contract.PassThroughSettings, error)
	// Open is called before an object that changed is published, with its outbox
	// row, so that its budgets count from what was spent already. May be nil.
	Open func(context.Context, store.Change) error
}

// New returns a publisher. It does not need NATS to be up.
func New(st *store.Store, d Deployments, s Settings, js jetstream.JetStream, n contract.Names, log *slog.Logger, reg prometheus.Registerer) *Publisher {
	p := &Publisher{store: st, deployments: d, settings: s, js: js, names: n, log: log, published: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tianji_controlplane_published_total", Help: "Records brought to the bus, by result.",
	}, []string{"result"})}
	reg.MustRegister(p.published)
	return p
}

// Changes publishes committed changes and clears their outbox rows. What can
// not be published within a second stays in the outbox for the relay.
func (p *Publisher) Changes(ctx context.Context, changes []store.Change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inlineTimeout)
	defer cancel()
	if err := p.publishAll(ctx, changes); err != nil {
		p.log.LogAttrs(ctx, slog.LevelWarn, "change not published yet, left to the relay", slog.Int("changes", len(changes)), slog.Any("error", err))
	}
}

// publishAll publishes each change and clears the outbox rows of those that
// were published. It returns the first error.
func (p *Publisher) publishAll(ctx context.Context, changes []store.Change) error {
	done := make([]bool, len(changes))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, c := range changes {
		g.Go(func() error {
			err := p.publish(ctx, c)
			done[i] = err == nil
			if errors.Is(err, errUnfinished) {
				return nil // the relay goes on
			}
			return err
		})
	}
	err := g.Wait()
	ids := make([]int64, 0, len(changes))
	for i, c := range changes {
		if done[i] {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return err
	}
	return errors.Join(err, p.store.OutboxDelete(ctx, p.store.DB(), ids))
}

func (p *Publisher) publish(ctx context.Context, c store.Change) error {
	var unopened error
	if c.ID != 0 && p.settings.Open != nil {
		unopened = p.settings.Open(ctx, c) // tried again, but a key that is blocked must not wait for it
	}
	err := errors.Join(p.publishObject(ctx, c), unopened)
	result := "ok"
	if err != nil && !errors.Is(err, errUnfinished) {
		result = "error"
	}
	p.published.WithLabelValues(result).Inc()
	return err
}

func (p *Publisher) publishObject(ctx context.Context, c store.Change) error {
	switch c.Kind {
	case store.KindKey:
		return p.key(ctx, c)
	case store.KindTeam:
		return write(ctx, p, p.names.PrincipalsBucket(), contract.TeamKey(c.ObjectID), func(context.Context, *contract.Team) (*contract.Team, error) {
			return optional(renderTeam)(p.store.TeamByID(ctx, p.store.DB(), c.ObjectID))
		})
	case store.KindUser:
		return write(ctx, p, p.names.PrincipalsBucket(), contract.UserKey(c.ObjectID), func(context.Context, *contract.User) (*contract.User, error) {
			return optional(renderUser)(p.store.UserByID(ctx, p.store.DB(), c.ObjectID))
		})
	case store.KindModel:
		return write(ctx, p, p.names.ConfigBucket(), contract.DeploymentKey(c.ObjectID), func(ctx context.Context, prev *contract.Deployment) (*contract.Deployment, error) {
			return p.deployments.Deployment(ctx, c.ObjectID, prev)
		})
	case store.KindAccessGroup:
		return p.accessGroup(ctx, c.ObjectID)
	case store.KindFallback:
		return p.writeRouter(ctx)
	case store.KindAlert:
		return p.alert(ctx, c.ObjectID)
	default:
		return p.budgeted(ctx, c)
	}
}

// write brings one record to its bucket. render is called after the bucket was
// read, with what it holds; it returns nil for an object that does not exist.
func write[T any, R interface {
	*T
	contract.Record
}](ctx context.Context, p *Publisher, bucket, key string, render func(context.Context, R) (R, error)) error {
	kv, err := p.js.KeyValue(ctx, bucket)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	for range maxConflicts {
		done, err := replace(ctx, kv, key, render)
		if err != nil || done {
			return err
		}
	}
	return fmt.Errorf("write %s: gave up after %d conflicting writers", bucket, maxConflicts)
}

// replace makes one attempt at a write. It is not done when another writer
// came in between.
func replace[T any, R interface {
	*T
	contract.Record
}](ctx context.Context, kv jetstream.KeyValue, key string, render func(context.Context, R) (R, error)) (done bool, err error) {
	prev, value, revision, err := current[T, R](ctx, kv, key)
	if err != nil {
		return false, err
	}
	next, err := render(ctx, prev)
	if err != nil {
		return false, err
	}
	if next == nil && prev != nil && prev.Header().Deleted {
		return true, nil
	}
	encoded, err := encode(next)
	if err != nil {
		return false, err
	}
	if bytes.Equal(encoded, value) {
		return true, nil
	}
	if revision == 0 {
		_, err = kv.Create(ctx, key, encoded)
	} else {
		_, err = kv.Update(ctx, key, encoded, revision)
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return false, nil
	}
	return false, fmt.Errorf("write %s: %w", kv.Bucket(), err)
}

// current reads what the bucket holds; a revision of zero means nothing.
func current[T any, R interface {
	*T
	contract.Record
}](ctx context.Context, kv jetstream.KeyValue, key string) (prev R, value []byte, revision uint64, err error) {
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil, 0, nil
	}
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read %s: %w", kv.Bucket(), err)
	}
	prev = new(T)
	if json.Unmarshal(entry.Value(), prev) != nil {
		prev = nil // unreadable: replace it
	}
	return prev, entry.Value(), entry.Revision(), nil
}

func encode[T any, R interface {
	*T
	contract.Record
}](rec R) ([]byte, error) {
	if rec == nil {
		rec = new(T)
		*rec.Header() = contract.Head{Deleted: true, At: time.Now().UTC().Truncate(time.Second)}
	}
	rec.Header().V = contract.SchemaVersion
	b, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return b, nil
}

// optional adapts a query for one row: no row renders to nil.
func optional[Row, Rec any](render func(Row) *Rec) func(Row, error) (*Rec, error) {
	return func(row Row, err error) (*Rec, error) {
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil //nolint:nilnil // nil is the record of an object that does not exist
		}
		if err != nil {
			return nil, fmt.Errorf("read object: %w", err)
		}
		return render(row), nil
	}
}
