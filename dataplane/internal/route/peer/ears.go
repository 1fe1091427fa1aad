package peer

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	// maxCooldown bounds what another replica can ask for.
	maxCooldown = 24 * time.Hour
	maxInFlight = 1 << 32
)

// ears apply what others tell. They remember the last state of each replica,
// because the counters in it are totals.
type ears struct {
	opts     Options
	mu       sync.Mutex
	replicas map[string]*replica
}

type replica struct {
	heard  time.Time
	minute int64
	told   map[key]*told
}

type key struct{ id, model string }

// told is what a replica has last said of a deployment. The state is kept: what
// was added to it must be taken from the same one.
type told struct {
	state                      *health.State
	requests, tokens, inFlight int64
	fresh                      bool
}

func newEars(o Options) *ears { return &ears{opts: o, replicas: map[string]*replica{}} }

// take applies a message.
func (e *ears) take(data []byte, now time.Time) error {
	if len(data) > maxMessage {
		return fmt.Errorf("%d bytes: want at most %d", len(data), maxMessage)
	}
	var state contract.RouterState
	if err := json.Unmarshal(data, &state); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if state.Replica == e.opts.Replica || state.Replica == "" {
		return nil
	}
	if len(state.Deployments) > maxDeployments {
		return fmt.Errorf("%d deployments: want at most %d", len(state.Deployments), maxDeployments)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.replicas[state.Replica]
	if r == nil {
		if len(e.replicas) >= maxReplicas {
			return fmt.Errorf("more than %d replicas", maxReplicas)
		}
		r = &replica{told: map[key]*told{}}
		e.replicas[state.Replica] = r
	}
	e.apply(r, &state, now)
	return nil
}

func (e *ears) apply(r *replica, state *contract.RouterState, now time.Time) {
	r.heard = now
	if state.Minute != r.minute { // its counters began anew
		r.minute = state.Minute
		for _, t := range r.told {
			t.requests, t.tokens = 0, 0
		}
	}
	for i := range state.Deployments {
		e.applyOne(r, &state.Deployments[i], now)
	}
	for k, t := range r.told {
		if !t.fresh { // left out: idle
			t.state.AddRemote(-t.inFlight)
			delete(r.told, k)
			continue
		}
		t.fresh = false
	}
}

func (e *ears) applyOne(r *replica, d *contract.DeploymentState, now time.Time) {
	s := e.opts.Registry.Find(d.ID, d.Model)
	if s == nil {
		return // the configuration has not come that far, or is farther
	}
	k := key{d.ID, d.Model}
	t := r.told[k]
	if t == nil || t.state != s {
		if t != nil {
			t.state.AddRemote(-t.inFlight)
		}
		t = &told{state: s}
		r.told[k] = t
	}
	requests, tokens, inFlight := max(0, d.Requests), max(0, d.Tokens), min(max(0, d.InFlight), maxInFlight)
	// Counters only grow within a minute. They are counted in our minute:
	// clocks differ.
	s.Usage.AddRemote(health.Minute(now), max(0, requests-t.requests), max(0, tokens-t.tokens))
	s.AddRemote(inFlight - t.inFlight)
	*t = told{state: s, requests: max(requests, t.requests), tokens: max(tokens, t.tokens), inFlight: inFlight, fresh: true}
	if d.CooldownMS <= 0 {
		return
	}
	cooling := s.Cooling(now.UnixNano())
	left := time.Duration(min(d.CooldownMS, maxCooldown.Milliseconds())) * time.Millisecond
	if s.Cool(now, left, d.Status, false) && !cooling {
		e.opts.Cooled(d.ID)
	}
}

// forgetSilent forgets replicas that say nothing any longer.
func (e *ears) forgetSilent(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, r := range e.replicas {
		if now.Sub(r.heard) < silence {
			continue
		}
		for _, t := range r.told {
			t.state.AddRemote(-t.inFlight)
		}
		delete(e.replicas, name)
	}
}
