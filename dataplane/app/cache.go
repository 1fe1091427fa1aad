package app

import "github.com/tianjillm/tianjillm/dataplane/internal/cache"

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
