package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	beat = 500 * time.Millisecond
	// silence is after how long a replica counts as gone: its calls under way
	// are then no longer counted.
	silence = 5 * time.Second
	// maxDeployments bounds a message, and what is taken from one.
	maxDeployments = 4096
	maxMessage     = 1 << 20
	// maxReplicas bounds what is remembered of others.
	maxReplicas = 1024
)

// Conn is what is needed of a NATS connection.
type Conn interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handler nats.MsgHandler) (*nats.Subscription, error)
}

// Options configure a Link.
type Options struct {
	Conn     Conn
	Names    contract.Names
	Replica  string
	Registry *health.Registry
	Clock    func() time.Time
	Logger   *slog.Logger
	// Cooled is called for each cooldown that another replica has begun.
	Cooled func(id string)
}

// Link is the connection to the other replicas. It is safe for concurrent use.
type Link struct {
	opts  Options
	ears  *ears
	wake  chan struct{}
	sub   *nats.Subscription
	stop  func()
	spoke bool // the last message had something in it
	all   []*health.State
}

// Open begins to tell and to hear. It works on a connection that is not up yet.
func Open(o Options) (*Link, error) {
	l := &Link{opts: o, wake: make(chan struct{}, 1), ears: newEars(o)}
	var err error
	if l.sub, err = o.Conn.Subscribe(o.Names.RouterWildcard(), l.hear); err != nil {
		return nil, fmt.Errorf("subscribe to the router states of other replicas: %w", err)
	}
	l.stop = lifecycle.Loop(l.run)
	return l, nil
}

// Close ends the goroutine and the subscription. The others learn that nothing
// is under way here any longer; cooldowns go on.
func (l *Link) Close() {
	_ = l.sub.Unsubscribe() // fails only when the connection is closed already
	l.stop()
	if l.spoke {
		l.publish(context.Background(), &contract.RouterState{Minute: health.Minute(l.opts.Clock()), Deployments: []contract.DeploymentState{}})
	}
}

// Wake tells the others soon: a cooldown has begun. It does not block.
func (l *Link) Wake() {
	select {
	case l.wake <- struct{}{}:
	default: // the message that is about to go out has it
	}
}

func (l *Link) run(ctx context.Context) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-ticker.C:
			l.ears.forgetSilent(l.opts.Clock())
		}
		l.tell(ctx)
	}
}

// tell publishes the state, and once more when there is none any longer.
func (l *Link) tell(ctx context.Context) {
	now := l.opts.Clock()
	l.all = l.opts.Registry.All(l.all[:0])
	state := snapshot(l.all, now)
	clear(l.all)
	if len(state.Deployments) == 0 && !l.spoke {
		return
	}
	if l.publish(ctx, state) {
		l.spoke = len(state.Deployments) > 0
	}
}

func (l *Link) publish(ctx context.Context, state *contract.RouterState) bool {
	state.V, state.Replica = contract.SchemaVersion, l.opts.Replica
	b, err := json.Marshal(state)
	if err == nil {
		err = l.opts.Conn.Publish(l.opts.Names.RouterSubject(l.opts.Replica), b)
	}
	if err != nil {
		// NATS is away, which others report; the next beat has it all again.
		l.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "router state not published", slog.Any("error", err))
	}
	return err == nil
}

// snapshot is what there is to tell.
func snapshot(all []*health.State, now time.Time) *contract.RouterState {
	state := &contract.RouterState{Minute: health.Minute(now), Deployments: []contract.DeploymentState{}}
	for _, s := range all {
		d := contract.DeploymentState{ID: s.ID, Model: s.Model, InFlight: max(0, s.Local())}
		if s.Model == "" { // the models of a pattern are counted together
			d.Requests, d.Tokens = s.Usage.Local(state.Minute)
		}
		left, status := s.Own(now)
		if left > 0 {
			d.CooldownMS, d.Status = max(1, left.Milliseconds()), status
		}
		if d.Requests == 0 && d.Tokens == 0 && d.InFlight == 0 && d.CooldownMS == 0 {
			continue
		}
		if len(state.Deployments) == maxDeployments {
			break
		}
		state.Deployments = append(state.Deployments, d)
	}
	return state
}

func (l *Link) hear(m *nats.Msg) {
	if err := l.ears.take(m.Data, l.opts.Clock()); err != nil {
		l.opts.Logger.LogAttrs(context.Background(), slog.LevelWarn, "router state of another replica not understood", slog.Any("error", err))
	}
}
