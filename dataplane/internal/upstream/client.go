package upstream

import (
	"context"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Client sends requests to vendors and keeps connections to them. It is safe
// for concurrent use.
type Client struct {
	opts   Options
	epoch  time.Time
	dialer net.Dialer
	stats  counters

	reads  sync.Pool // of *[readBufSize]byte
	writes sync.Pool // of *[writeBufSize]byte
	corks  sync.Pool // of *[corkSize]byte

	// hosts is replaced, not changed: exchanges read it without a lock.
	hosts  atomic.Pointer[map[hostKey]*host]
	mu     sync.Mutex // guards replacing hosts, and closed
	closed bool

	stop    chan struct{}
	sweeper sync.WaitGroup
}

// New returns a client; Close it.
func New(opts Options) (*Client, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		opts:   opts,
		epoch:  time.Now(),
		dialer: net.Dialer{ControlContext: opts.Control},
		reads:  sync.Pool{New: func() any { return new([readBufSize]byte) }},
		writes: sync.Pool{New: func() any { return new([writeBufSize]byte) }},
		corks:  sync.Pool{New: func() any { return new([corkSize]byte) }},
		stop:   make(chan struct{}),
	}
	c.hosts.Store(&map[hostKey]*host{})
	c.sweeper.Go(c.sweepIdle)
	return c, nil
}

// now is the time since the client was made: cheaper than time.Now, and enough
// to tell how long things take.
func (c *Client) now() time.Duration { return time.Since(c.epoch) }

// Do sends req and returns when the head of the response has arrived. When ctx
// is done, Do and then reading the response fail at once with its cause.
// Whatever the status, a response is not an error.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	if err := req.check(); err != nil {
		return nil, &Error{Op: OpRequest, Host: req.hostName(), Err: err}
	}
	if ctx.Err() != nil {
		return nil, &Error{Op: OpDial, Host: req.hostName(), Err: cancelCause(ctx)}
	}
	h, err := c.host(req.Target)
	if err != nil {
		return nil, err
	}
	out, _ := c.writes.Get().(*[writeBufSize]byte)
	defer c.writes.Put(out)
	m := message{req: req, length: req.length()}
	m.head, err = h.appendHead(out[:0], req, m.length)
	if err != nil {
		return nil, &Error{Op: OpRequest, Host: req.hostName(), Err: err}
	}
	now := c.now()
	until := limitAt(now, req.HeaderTimeout)
	if cn := h.get(now); cn != nil {
		resp, stale, err := cn.exchange(ctx, &m, now, until)
		if !stale || req.Stream != nil {
			return resp, err
		}
		c.stats.staleRetries.Add(1)
		// The head is rendered anew: sending may have used its memory for the body.
		if m.head, err = h.appendHead(out[:0], req, m.length); err != nil {
			return nil, &Error{Op: OpRequest, Host: req.hostName(), Err: err}
		}
	}
	cn, err := h.dial(ctx, until)
	if err != nil {
		return nil, err
	}
	resp, _, err := cn.exchange(ctx, &m, c.now(), until)
	return resp, err
}

func (r *Request) hostName() string {
	if r.Target == nil {
		return "-"
	}
	return r.Target.key.addr
}

// host returns the pool of a target, a new one at its first use.
func (c *Client) host(t *Target) (*host, error) {
	if h := (*c.hosts.Load())[t.key]; h != nil {
		return h, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, &Error{Op: OpDial, Host: t.key.addr, Err: ErrClosed}
	}
	old := *c.hosts.Load()
	if h := old[t.key]; h != nil {
		return h, nil
	}
	h, err := c.newHost(t)
	if err != nil {
		return nil, &Error{Op: OpProxy, Host: t.key.addr, Err: err}
	}
	hosts := maps.Clone(old)
	hosts[t.key] = h
	c.hosts.Store(&hosts)
	return h, nil
}

// Close closes the idle connections and waits for the sweeper. Exchanges under
// way go on; their connections are closed when they end. A later Do fails.
func (c *Client) Close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	hosts := *c.hosts.Load()
	c.hosts.Store(&map[hostKey]*host{})
	c.mu.Unlock()
	close(c.stop)
	c.sweeper.Wait()
	for _, h := range hosts {
		h.shutdown()
	}
}

// sweepIdle closes connections that were idle for too long or that the vendor
// closed, and forgets hosts nobody asks for.
func (c *Client) sweepIdle() {
	ticker := time.NewTicker(min(max(c.opts.IdleConnTimeout/4, 10*time.Millisecond), 5*time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
		}
		for key, h := range *c.hosts.Load() {
			out, gone := h.sweep(c.now())
			for _, cn := range out {
				cn.shut()
			}
			if gone {
				c.forget(key)
			}
		}
	}
}

func (c *Client) forget(key hostKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hosts := maps.Clone(*c.hosts.Load())
	delete(hosts, key)
	c.hosts.Store(&hosts)
}

func (c *Client) getBuf() []byte {
	b, _ := c.reads.Get().(*[readBufSize]byte)
	return b[:]
}

// putBuf keeps b unless a long head made it grow.
func (c *Client) putBuf(b []byte) {
	if len(b) == readBufSize {
		c.reads.Put((*[readBufSize]byte)(b))
	}
}
