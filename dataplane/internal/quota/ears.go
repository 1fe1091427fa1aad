package quota

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	maxQuestion = 64 << 10
	maxKeys     = 1024
)

// ears answer what other replicas and the control plane ask, and hear the
// answers to our own questions.
type ears struct {
	engine *Engine
	asker  *asker
	subs   []*nats.Subscription
}

func listen(e *Engine) (*ears, error) {
	nc := e.opts.Conn
	h := &ears{engine: e, asker: newAsker(e)}
	for _, on := range []struct {
		subject string
		do      nats.MsgHandler
	}{{e.opts.Names.ReclaimSubject(), h.reclaim}, {e.opts.Names.LimitReportSubject(), h.report}, {h.asker.inbox + ".*", h.asker.answered}} {
		sub, err := nc.Subscribe(on.subject, on.do)
		if err != nil {
			h.close()
			return nil, fmt.Errorf("subscribe to %s: %w", on.subject, err)
		}
		h.subs = append(h.subs, sub)
	}
	return h, nil
}

func (h *ears) close() {
	for _, s := range h.subs {
		_ = s.Unsubscribe() // fails only when the connection is closed already
	}
}

func (h *ears) reclaim(m *nats.Msg) {
	e := h.engine
	var asks []contract.Reclaim
	if len(m.Data) > maxQuestion || json.Unmarshal(m.Data, &asks) != nil || len(asks) > maxQuestions {
		return
	}
	answers := make([]contract.Reclaimed, len(asks))
	for i := range asks {
		if asks[i].Replica == e.opts.Replica {
			return // our own question
		}
		answers[i] = e.yield(&asks[i])
	}
	h.reply(m, answers)
}

// yield gives away what another asks for and this replica does not need.
func (e *Engine) yield(r *contract.Reclaim) contract.Reclaimed {
	a := contract.Reclaimed{}
	if c := e.asked(r); c != nil {
		now := e.now()
		c.mu.Lock()
		if c.gone { // swept between the two lines above
			a.Holds = true
		} else {
			c.roll(now, e.opts.Plan)
			c.learn(e.opts.Plan)
			a = c.yield(r, now)
		}
		c.mu.Unlock()
	}
	a.Replica = e.opts.Replica
	return a
}

// asked finds the counter that another replica asks for. One that was never
// used here may own a part of the limit all the same.
func (e *Engine) asked(r *contract.Reclaim) *counter {
	if c := e.table.find(r.Key); c != nil {
		return c
	}
	l, ok := limits.Parse(r.Key)
	if !ok || !shares(&l) {
		return nil
	}
	l.Max = r.Max
	return e.table.counter(&l)
}

func (h *ears) report(m *nats.Msg) {
	e := h.engine
	var q contract.LimitQuery
	if len(m.Data) > maxQuestion || json.Unmarshal(m.Data, &q) != nil || len(q.Keys) > maxKeys {
		return
	}
	h.reply(m, e.Report(q.Keys))
}

// Report says what this replica holds of the counters of these keys.
func (e *Engine) Report(keys []string) contract.LimitReport {
	r := contract.LimitReport{V: contract.SchemaVersion, Replica: e.opts.Replica, Degraded: e.Degraded(), Counters: []contract.LimitHolder{}}
	now := e.now()
	for _, key := range keys {
		if strings.HasPrefix(key, limits.ParallelPrefix) {
			if held, inUse := e.opts.Slots.Held(key); held > 0 || inUse > 0 {
				r.Counters = append(r.Counters, contract.LimitHolder{Key: key, Leased: max(0, held-inUse), Reserved: inUse})
			}
			continue
		}
		c := e.table.find(key)
		if c == nil {
			continue
		}
		c.mu.Lock()
		c.roll(now, e.opts.Plan)
		r.Counters = append(r.Counters, contract.LimitHolder{
			Key: key, Start: c.start / int64(time.Second), Leased: c.tokens, Share: max(0, c.share), Reserved: c.reserved, Refused: c.refused,
		})
		c.mu.Unlock()
	}
	return r
}

func (h *ears) reply(m *nats.Msg, answer any) {
	if m.Reply == "" {
		return
	}
	if data, err := json.Marshal(answer); err == nil {
		_ = m.Respond(data) // who asks does not count on it
	}
}
