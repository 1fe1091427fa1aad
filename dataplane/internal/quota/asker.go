package quota

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	maxAnswers = 1024
	// answerTime is how late an answer may be and still count, by a clock that
	// nobody sets: what is given and not heard of is lost.
	answerTime = 5 * time.Second
	// gatherTime is how long a question waits for others: the limits of one
	// request are often used up at one time.
	gatherTime = 200 * time.Microsecond
	// maxQuestions bounds a message.
	maxQuestions = 64
)

// asker puts questions to the other replicas and collects the answers. A message
// holds a list of questions, and an answer one of answers in the same order.
type asker struct {
	engine *Engine
	inbox  string
	wake   chan struct{}
	mu     sync.Mutex
	last   uint64
	queue  []*question        // not sent yet
	sent   map[string]*letter // by inbox
}

// question is one that other replicas are answering.
type question struct {
	c    *counter
	ask  *contract.Reclaim
	told chan contract.Reclaimed // closed when it could not be sent
}

type letter struct {
	questions []*question
	expires   time.Time
}

func newAsker(e *Engine) *asker {
	return &asker{engine: e, inbox: e.opts.Conn.NewInbox(), wake: make(chan struct{}, 1), sent: map[string]*letter{}}
}

// ask asks n others for units, and returns what they answered in time. What
// they give is the counter's at once, also when it comes late: they have it no
// more.
func (k *asker) ask(ctx context.Context, c *counter, r *contract.Reclaim, n int) []contract.Reclaimed {
	q := &question{c: c, ask: r, told: make(chan contract.Reclaimed, min(n, maxAnswers))}
	k.mu.Lock()
	k.queue = append(k.queue, q)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
	timer := time.NewTimer(reclaimTimeout)
	defer timer.Stop()
	var all []contract.Reclaimed
	for len(all) < n {
		select {
		case a, ok := <-q.told:
			if !ok {
				return nil
			}
			all = append(all, a)
		case <-timer.C:
			return all
		case <-ctx.Done():
			return all
		}
	}
	return all
}

// send sends what is asked.
func (k *asker) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		if !lifecycle.Sleep(ctx, gatherTime) {
			return
		}
		for k.post() {
		}
	}
}

// post sends one message, and reports whether there was anything to send.
func (k *asker) post() bool {
	e := k.engine
	k.mu.Lock()
	n := min(len(k.queue), maxQuestions)
	if n == 0 {
		k.queue = nil
		k.mu.Unlock()
		return false
	}
	l := &letter{questions: k.queue[:n:n], expires: time.Now().Add(answerTime)}
	k.queue = k.queue[n:]
	k.last++
	id := fmt.Sprintf("%s.%d", k.inbox, k.last)
	k.sent[id] = l
	k.mu.Unlock()

	asks := make([]*contract.Reclaim, 0, n)
	for _, q := range l.questions {
		asks = append(asks, q.ask)
	}
	data, err := json.Marshal(asks)
	if err == nil {
		e.gauge.operation("reclaim")
		err = e.opts.Conn.PublishRequest(e.opts.Names.ReclaimSubject(), id, data)
	}
	if err != nil {
		k.mu.Lock()
		delete(k.sent, id)
		k.mu.Unlock()
		for _, q := range l.questions {
			close(q.told)
		}
	}
	return true
}

func (k *asker) answered(m *nats.Msg) {
	k.mu.Lock()
	l := k.sent[m.Subject]
	k.mu.Unlock()
	var all []contract.Reclaimed
	if l == nil || len(m.Data) > maxQuestion || json.Unmarshal(m.Data, &all) != nil || len(all) != len(l.questions) {
		return
	}
	k.engine.link.heard.Add(1)
	for i, q := range l.questions {
		q.answer(all[i])
	}
}

func (q *question) answer(a contract.Reclaimed) {
	if a.Given < 0 {
		return
	}
	q.c.mu.Lock()
	if q.c.start/int64(time.Second) == q.ask.Start && !q.c.gone {
		q.c.tokens += a.Given
	}
	q.c.mu.Unlock()
	select {
	case q.told <- a:
	default: // nobody waits any more
	}
}

// forget drops questions that nobody will answer any more.
func (k *asker) forget() {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, l := range k.sent {
		if now.After(l.expires) {
			delete(k.sent, id)
		}
	}
}
