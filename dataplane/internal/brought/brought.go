// Package brought makes backends of credentials that requests bring
// themselves, where the admin allows that. Those that lead to a host which the
// request names are made over a client that reaches public addresses only.
//
// It keeps a bounded number of them, and owns no goroutine.
package brought

import (
	"crypto/sha256"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// generation bounds what is kept: two generations of it.
const generation = 256

// Backends are safe for concurrent use.
type Backends struct {
	own, foreign route.Builder

	mu            sync.Mutex
	young, former map[key]provider.Backend
}

// key tells backends apart. Credentials are in it as a hash only.
type key struct {
	deployment *route.Deployment
	sum        [sha256.Size]byte
}

// New returns an empty set. own builds what leads to the deployment's host,
// foreign what leads to one that a request names.
func New(own, foreign route.Builder) *Backends {
	return &Backends{own: own, foreign: foreign, young: map[key]provider.Backend{}}
}

// Backend returns the backend of a deployment with what a request brings, or
// nil where the deployment takes nothing of it. everywhere says that all do.
func (b *Backends) Backend(d *route.Deployment, c route.Client, everywhere bool) (provider.Backend, error) {
	cfg, foreign, ok, err := d.ConfigFor(c, everywhere)
	if err != nil || !ok {
		return nil, err
	}
	k := key{d, sha256.Sum256([]byte(cfg.APIKey + "\x00" + cfg.APIBase + "\x00" + cfg.APIVersion))}
	if known := b.find(k); known != nil {
		return known, nil
	}
	builder := b.own
	if foreign || d.Guarded() {
		builder = b.foreign
	}
	made, err := builder.Build(cfg)
	if err != nil {
		return nil, apierr.BadRequest("The credentials of the request do not do for provider %s", d.Provider).Because(err)
	}
	b.keep(k, made)
	return made, nil
}

func (b *Backends) find(k key) provider.Backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.young[k]; known != nil {
		return known
	}
	known := b.former[k]
	if known != nil {
		b.put(k, known)
	}
	return known
}

func (b *Backends) keep(k key, made provider.Backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(k, made)
}

// put adds to the young; when they are many, they become the former.
func (b *Backends) put(k key, made provider.Backend) {
	if len(b.young) >= generation {
		b.young, b.former = make(map[key]provider.Backend, generation), b.young
	}
	b.young[k] = made
}
