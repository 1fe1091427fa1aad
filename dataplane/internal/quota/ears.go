package quota

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	maxQuestion = 64 << 10
	maxKeys     = 1024
	maxAnswers  = 1024
	// answerTime is how late an answer may be and still count.
	answerTime = 5 * time.Second
)

// ears answer what other replicas and the control plane ask, and collect the
// answers to our own questions.
type ears struct {
	engine *Engine
	inbox  string
	subs   []*nats.Subscription
	mu     sync.Mutex
	last   uint64
	asking map[string]*question
}

func listen(e *Engine) (*ears, error) {
	nc := e.opts.Conn
	h := &ears{engine: e, inbox: nc.NewInbox(), asking: map[string]*question{}}
	for _, on := range []struct {
		subject string
		do      nats.MsgHandler
	}{{e.opts.Names.ReclaimSubject(), h.reclaim}, {e.opts.Names.LimitReportSubject(), h.report}, {h.inbox + ".*", h.answered}} {
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

// question is one that other replicas are answering.
type question struct {
	c       *counter
	start   int64 // of the window that it is about, in Unix seconds
	expires int64
	told    chan contract.Reclaimed
}

// ask asks n others for units, and returns what they answered in time. What
// they give is the counter's at once, also when it comes late: they have it no
// more.
func (h *ears) ask(ctx context.Context, c *counter, r *contract.Reclaim, n int) []contract.Reclaimed {
	e := h.engine
	data, err := json.Marshal(r)
	if err != nil {
		return nil
	}
	q := &question{c: c, start: r.Start, expires: e.now() + int64(answerTime), told: make(chan contract.Reclaimed, min(n, maxAnswers))}
	h.mu.Lock()
	h.last++
	id := fmt.Sprintf("%s.%d", h.inbox, h.last)
	h.asking[id] = q
	h.mu.Unlock()
	e.gauge.operation("reclaim")
	if err := e.opts.Conn.PublishRequest(e.opts.Names.ReclaimSubject(), id, data); err != nil {
		return nil
	}
	timer := time.NewTimer(reclaimTimeout)
	defer timer.Stop()
	var all []contract.Reclaimed
	for len(all) < n {
		select {
		case a := <-q.told:
			all = append(all, a)
		case <-timer.C:
			return all
		case <-ctx.Done():
			return all
		}
	}
	return all
}

func (h *ears) answered(m *nats.Msg) {
	h.mu.Lock()
	q := h.asking[m.Subject]
	h.mu.Unlock()
	var a contract.Reclaimed
	if q == nil || len(m.Data) > maxQuestion || json.Unmarshal(m.Data, &a) != nil || a.Given < 0 {
		return
	}
	h.engine.link.heard.Add(1)
	q.c.mu.Lock()
	if q.c.start/int64(time.Second) == q.start && !q.c.gone {
		q.c.tokens += a.Given
	}
	q.c.mu.Unlock()
	select {
	case q.told <- a:
	default: // nobody waits any more
	}
}

// forget drops questions that nobody will answer any more.
func (h *ears) forget(now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, q := range h.asking {
		if now > q.expires {
			delete(h.asking, id)
		}
	}
}

func (h *ears) reclaim(m *nats.Msg) {
	e := h.engine
	var r contract.Reclaim
	if len(m.Data) > maxQuestion || json.Unmarshal(m.Data, &r) != nil || r.Replica == e.opts.Replica {
		return
	}
	a := contract.Reclaimed{}
	if c := e.asked(&r); c != nil {
		now := e.now()
		c.mu.Lock()
		if c.gone { // swept between the two lines above
			a.Holds = true
		} else {
			c.roll(now, e.opts.Plan)
			c.learn(e.opts.Plan)
			a = c.yield(&r, now)
		}
		c.mu.Unlock()
	}
	a.Replica = e.opts.Replica
	h.reply(m, a)
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
