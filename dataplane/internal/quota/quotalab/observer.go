//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// traffic are messages that replicas sent for some counter in some window.
type traffic struct{ takes, questions, answers uint64 }

// operations are what a replica began; answers follow from its questions.
func (t *traffic) operations() uint64 { return t.takes + t.questions }

func (t *traffic) all() uint64 { return t.operations() + t.answers }

// observer reads along what replicas send to the pool and to each other.
type observer struct {
	subs    []*nats.Subscription
	counts  contract.Names
	mu      sync.Mutex
	traffic map[counterWindow]*traffic
	inboxes map[string]counterWindow // of questions
	early   map[string]uint64        // answers that were read before their question
}

type counterWindow struct {
	id    string // the last token of the counter's key
	start int64
}

const observerPending = 1 << 20

func observe(nc *nats.Conn, names contract.Names) (*observer, error) {
	o := &observer{counts: names, traffic: map[counterWindow]*traffic{}, inboxes: map[string]counterWindow{}, early: map[string]uint64{}}
	for subject, do := range map[string]nats.MsgHandler{
		names.LimitWildcard("m"):                       o.take,
		names.ReclaimSubject():                         o.question,
		names.InboxPrefix(contract.DataPlane) + ".*.*": o.answer,
	} {
		sub, err := nc.Subscribe(subject, do)
		if err != nil {
			return nil, fmt.Errorf("observe %s: %w", subject, err)
		}
		if err := sub.SetPendingLimits(observerPending, -1); err != nil {
			return nil, fmt.Errorf("observe %s: %w", subject, err)
		}
		o.subs = append(o.subs, sub)
	}
	if err := nc.Flush(); err != nil {
		return nil, fmt.Errorf("observe: %w", err)
	}
	return o, nil
}

func (o *observer) of(w counterWindow) *traffic {
	t := o.traffic[w]
	if t == nil {
		t = &traffic{}
		o.traffic[w] = t
	}
	return t
}

// take reads the subject of a counter: its key and the start of its window.
func (o *observer) take(m *nats.Msg) {
	dot := strings.LastIndexByte(m.Subject, '.')
	start, err := strconv.ParseInt(m.Subject[dot+1:], 10, 64)
	if err != nil {
		return
	}
	o.mu.Lock()
	o.of(counterWindow{lastToken(m.Subject[:dot]), start}).takes++
	o.mu.Unlock()
}

func (o *observer) question(m *nats.Msg) {
	var asks []contract.Reclaim // of one request, as a rule: they count for the first limit
	if json.Unmarshal(m.Data, &asks) != nil || len(asks) == 0 {
		return
	}
	w := counterWindow{lastToken(asks[0].Key), asks[0].Start}
	o.mu.Lock()
	o.inboxes[m.Reply] = w
	t := o.of(w)
	t.questions++
	t.answers += o.early[m.Reply]
	delete(o.early, m.Reply)
	o.mu.Unlock()
}

// answer reads what replicas are sent. That is answers of the pool, too, which
// no replica sent.
func (o *observer) answer(m *nats.Msg) {
	var all []contract.Reclaimed
	if json.Unmarshal(m.Data, &all) != nil || len(all) == 0 || all[0].Replica == "" {
		return
	}
	o.mu.Lock()
	if w, ok := o.inboxes[m.Subject]; ok {
		o.of(w).answers++
	} else {
		o.early[m.Subject]++
	}
	o.mu.Unlock()
}

func lastToken(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// sum adds up the traffic of some counters in the window that starts then.
func (o *observer) sum(start int64, of func(id string) bool) traffic {
	o.mu.Lock()
	defer o.mu.Unlock()
	var sum traffic
	for w, t := range o.traffic {
		if w.start == start && of(w.id) {
			sum.takes += t.takes
			sum.questions += t.questions
			sum.answers += t.answers
		}
	}
	return sum
}

// dropped is how many messages were not read.
func (o *observer) dropped() (n int) {
	for _, s := range o.subs {
		if d, err := s.Dropped(); err == nil {
			n += d
		}
	}
	return n
}
