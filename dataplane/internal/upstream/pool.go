package upstream

import (
	"crypto/tls"
	"net/url"
	"sync"
	"time"
)

// host holds the idle connections to one scheme, host and port, through the one
// proxy that leads there. The newest is used first: the others then fall idle
// and are closed.
type host struct {
	client    *Client
	key       hostKey
	proxy     *url.URL // nil: direct
	proxyAuth []byte   // header line for the proxy, or nil
	absolute  bool     // requests carry the absolute form
	tls       *tls.Config

	mu     sync.Mutex
	idle   []*conn // oldest first
	used   time.Duration
	closed bool
}

// get returns an idle connection that is alive, or nil.
func (h *host) get(now time.Duration) *conn {
	for {
		cn := h.pop(now)
		if cn == nil {
			return nil
		}
		if now-cn.since < h.client.opts.IdleConnTimeout && cn.alive() {
			h.client.stats.reuses.Add(1)
			return cn
		}
		h.client.stats.deadIdle.Add(1)
		cn.shut()
	}
}

func (h *host) pop(now time.Duration) *conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.used = now
	last := len(h.idle) - 1
	if last < 0 {
		return nil
	}
	cn := h.idle[last]
	h.idle[last] = nil
	h.idle = h.idle[:last]
	h.client.stats.idle.Add(-1)
	return cn
}

// put takes a connection back, or closes it when there is no room.
func (h *host) put(cn *conn) {
	cn.since = cn.wire.now()
	h.mu.Lock()
	ok := !h.closed && len(h.idle) < h.client.opts.MaxIdlePerHost
	if ok {
		h.idle = append(h.idle, cn)
		h.client.stats.idle.Add(1)
	}
	h.mu.Unlock()
	if !ok {
		cn.shut()
	}
}

// sweep takes out connections that are too old or dead. When the host has not
// been used for long and holds none, it closes itself and reports so.
func (h *host) sweep(now time.Duration) (out []*conn, closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.idle[:0]
	for _, cn := range h.idle {
		if now-cn.since < h.client.opts.IdleConnTimeout && cn.alive() {
			kept = append(kept, cn)
		} else {
			out = append(out, cn)
		}
	}
	clear(h.idle[len(kept):])
	h.idle = kept
	h.client.stats.idle.Add(-int64(len(out)))
	h.closed = h.closed || len(kept) == 0 && now-h.used > h.client.opts.IdleConnTimeout
	return out, h.closed
}

// shutdown closes all idle connections, and from now on every one that comes back.
func (h *host) shutdown() {
	h.mu.Lock()
	idle := h.idle
	h.idle, h.closed = nil, true
	h.client.stats.idle.Add(-int64(len(idle)))
	h.mu.Unlock()
	for _, cn := range idle {
		cn.shut()
	}
}
