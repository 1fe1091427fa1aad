package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/member"
)

// maxKeys is how many counters one question is about. Data planes take no more
// than 1024, and no question of more than 64 KiB.
const maxKeys = 200

// Holdings are what data planes hold of counters.
type Holdings struct {
	// By is what each data plane said; Silent are those that did not answer.
	By     []Holding
	Silent []string
	// Spooled reports usage that was not published yet.
	Spooled bool
}

// Holding is what one data plane holds.
type Holding struct {
	Replica  string
	Degraded bool
	Counters map[string]contract.LimitHolder // by key
}

// Holdings asks all data planes that live. It returns when all have answered,
// or with what there is when ctx ends.
func (p *Pool) Holdings(ctx context.Context, keys []string) (Holdings, error) {
	members, err := member.List(ctx, p.js, p.names)
	if err != nil {
		return Holdings{}, fmt.Errorf("find data planes: %w", err)
	}
	var h Holdings
	var replicas []string
	for _, m := range members {
		if m.Plane == contract.DataPlane {
			replicas = append(replicas, m.Replica)
			h.Spooled = h.Spooled || m.Spooled > 0
		}
	}
	by := map[string]*Holding{}
	for part := range slices.Chunk(keys, maxKeys) {
		answered, err := p.ask(ctx, part, replicas, by)
		if err != nil {
			return Holdings{}, err
		}
		for _, r := range replicas {
			if !answered[r] && !slices.Contains(h.Silent, r) {
				h.Silent = append(h.Silent, r)
			}
		}
	}
	for _, r := range replicas {
		if one := by[r]; one != nil {
			h.By = append(h.By, *one)
		}
	}
	return h, nil
}

// ask asks about some keys and adds the answers of replicas to by.
func (p *Pool) ask(ctx context.Context, keys, replicas []string, by map[string]*Holding) (answered map[string]bool, err error) {
	answered = map[string]bool{}
	if len(replicas) == 0 {
		return answered, nil
	}
	question, err := json.Marshal(contract.LimitQuery{V: contract.SchemaVersion, Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("encode question: %w", err)
	}
	nc := p.js.Conn()
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("ask data planes: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	if err := nc.PublishRequest(p.names.LimitReportSubject(), inbox, question); err != nil {
		return nil, fmt.Errorf("ask data planes: %w", err)
	}
	for len(answered) < len(replicas) {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return answered, nil // who has not answered is named
		}
		note(m, replicas, answered, by)
	}
	return answered, nil
}

// note adds one answer.
func note(m *nats.Msg, replicas []string, answered map[string]bool, by map[string]*Holding) {
	var r contract.LimitReport
	if json.Unmarshal(m.Data, &r) != nil || !slices.Contains(replicas, r.Replica) || answered[r.Replica] {
		return
	}
	answered[r.Replica] = true
	one := by[r.Replica]
	if one == nil {
		one = &Holding{Replica: r.Replica, Counters: map[string]contract.LimitHolder{}}
		by[r.Replica] = one
	}
	one.Degraded = one.Degraded || r.Degraded
	for _, c := range r.Counters {
		one.Counters[c.Key] = c
	}
}

// Of returns what all data planes that answered hold of a counter: units that
// they may still give out, and units of calls under way.
func (h *Holdings) Of(c Counter) (leased, reserved int64) {
	for _, one := range h.By {
		if held, ok := one.Counters[c.Key]; ok && held.Start == c.Start {
			leased, reserved = leased+held.Leased, reserved+held.Reserved
		}
	}
	return leased, reserved
}

// Anything reports whether a data plane holds anything of a counter, or owes
// anything to it.
func (h *Holdings) Anything(c Counter) bool {
	for _, one := range h.By {
		if held, ok := one.Counters[c.Key]; ok && held.Start == c.Start && (held.Leased != 0 || held.Reserved != 0) {
			return true
		}
	}
	return false
}
