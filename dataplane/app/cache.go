package app

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/credential"
)

// openCache makes the cache of answers, which the configuration turns on.
func (a *App) openCache() error {
	var err error
	a.cache, err = cache.New(cache.Options{Conn: a.ctl, Bulk: a.bulk, Names: a.names, Embed: a.embed, Logger: a.log, Registry: a.registry})
	if err != nil {
		return err
	}
	a.stack.PushFunc("cache", a.cache.Close)
	a.signal.Listen(a.cache.Reconnected)
	return nil
}

// isMaster reports whether a request comes with the master key.
func (a *App) isMaster(r *http.Request) bool {
	c := a.snapshots.Current()
	if c == nil {
		return false
	}
	key, err := credential.Key(r.Header, c.Auth.KeyHeader)
	if err != nil {
		return false
	}
	var master [sha256.Size]byte
	if n, err := hex.Decode(master[:], []byte(c.Auth.MasterKeySHA256)); err != nil || n != len(master) {
		return false
	}
	sum := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(sum[:], master[:]) == 1
}
