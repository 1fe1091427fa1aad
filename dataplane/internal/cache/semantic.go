package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache/bucket"
	"github.com/tianjillm/tianjillm/dataplane/internal/cache/vector"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	defaultEmbedTimeout = 5 * time.Second
	// candidates is how many of the nearest questions are tried, as the answer
	// to one may have gone.
	candidates = 3
	// maxRefresh bounds the pages that one lookup reads of what other replicas
	// have added; the next lookup goes on from there.
	maxRefresh = 8
)

// Tenant is who asks. Answers that are found by their meaning are kept apart by
// all of it: what is near enough to one's question may hold another's secrets.
type Tenant struct {
	KeyHash, TeamID, OrgID string
	// EndUser counts where the settings ask for it.
	EndUser string
}

// Similar is a lookup by meaning, and what is needed to store the answer if
// nothing was found.
type Similar struct {
	// Entry is the answer that was found, or nil.
	Entry *Entry
	// Key is the key of that answer, or the one under which to store it.
	Key Key
	// Similarity is the cosine of the angle between the two questions; 1 for the
	// same one.
	Similarity float64

	own, shelf Key
	vector     []float32
}

// Semantic reports whether calls are to be looked up with GetSimilar and stored
// with PutSimilar instead of Get and Put.
func (c *Cache) Semantic(callType string) bool {
	switch callType {
	case callEmbeddings, "arerank", "atranscription":
		return false
	}
	return c.settings.Load().Semantic != nil && c.opts.Embed != nil
}

// GetSimilar looks for the answer to the same question, and else to one that
// means the same. A question that can not be compared, such as one with an
// image, is looked up as it is. It takes the time of one embedding.
func (c *Cache) GetSimilar(ctx context.Context, call *Call, ctl Controls, tenant Tenant) Similar {
	set := c.settings.Load()
	own := *call
	own.Vary = string(appendTenant([]byte(call.Vary), set, &tenant))
	r := Similar{Similarity: 1}
	r.own = c.keyOf(&own, &ctl, -1, nil)
	r.Key = r.own
	if r.Entry = c.get(ctx, r.own, &ctl); r.Entry != nil {
		return r
	}
	r.Similarity = 0
	q, ok := questionOf(call)
	if !ok || set.Semantic == nil || c.opts.Embed == nil || ctl.NoCache && ctl.NoStore {
		c.metrics.misses.Inc()
		return r
	}
	more := appendText([]byte("semantic\n"), set.Semantic.EmbeddingModel)
	r.shelf = c.keyOf(&own, &ctl, q.member, append(more, q.before...))
	refreshed := c.refresh(r.shelf, set)
	r.vector = c.embed(ctx, set.Semantic, q.text)
	<-refreshed
	if r.vector != nil && !ctl.NoCache {
		c.nearest(ctx, &r, &ctl, set)
	}
	if r.Entry == nil {
		c.metrics.misses.Inc()
	}
	return r
}

func appendTenant(b []byte, set *settings, t *Tenant) []byte {
	parts := [...]string{t.KeyHash, t.TeamID, t.OrgID, ""}
	if set.Semantic != nil && set.Semantic.PerEndUser {
		parts[3] = t.EndUser
	}
	b = append(b, "\ntenant\n"...)
	for _, p := range parts {
		b = appendText(b, p)
	}
	return b
}

// embed returns the vector of a text, or nil.
func (c *Cache) embed(ctx context.Context, set *contract.SemanticCacheSettings, text string) []float32 {
	timeout := time.Duration(set.TimeoutMS) * time.Millisecond
	if timeout <= 0 {
		timeout = defaultEmbedTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	v, err := c.opts.Embed(ctx, set.EmbeddingModel, text)
	if err == nil && (len(v) == 0 || len(v) > vector.MaxDimensions) {
		err = fmt.Errorf("an embedding of length %d", len(v))
	}
	if err == nil {
		v = slices.Clone(v)
		if !vector.Normalise(v) {
			err = errors.New("an embedding without a direction")
		}
	}
	if err != nil {
		c.metrics.embedErrors.Inc()
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "question not compared by its meaning", slog.String("model", set.EmbeddingModel), slog.Any("error", err))
		return nil
	}
	return v
}

// nearest tries the answers to the nearest questions.
func (c *Cache) nearest(ctx context.Context, r *Similar, ctl *Controls, set *settings) {
	now := c.opts.Clock().UnixMilli()
	for _, m := range c.index.Nearest(r.shelf, r.vector, float32(set.Semantic.Threshold), candidates, now) {
		e := c.get(ctx, m.Sum, ctl)
		if e == nil {
			continue
		}
		c.metrics.semanticHits.Inc()
		r.Entry, r.Key, r.Similarity = e, m.Sum, min(1, float64(m.Similarity))
		return
	}
}

// refresh reads what other replicas have put on a shelf, while the question is
// turned into a vector; it is done in less time than that, or given up.
func (c *Cache) refresh(shelf Key, set *settings) <-chan struct{} {
	done := make(chan struct{})
	if c.bucket == nil || !set.Shared {
		close(done)
		return done
	}
	c.wg.Go(func() {
		defer close(done)
		for range maxRefresh {
			found, more, err := c.bucket.Since(context.Background(), contract.CacheShelfPrefix(shelf), c.index.Mark(shelf)+1)
			if err != nil {
				return
			}
			c.shelve(shelf, found)
			if !more || len(found) == 0 {
				return
			}
		}
	})
	return done
}

func (c *Cache) shelve(shelf Key, found []bucket.Message) {
	for _, m := range found {
		sum, ok := parseKey(m.Name)
		v, expires, err := vector.Decode(m.Value)
		if ok && err == nil {
			c.index.Add(shelf, sum, v, expires)
		}
		c.index.SetMark(shelf, m.Sequence)
	}
}

// PutSimilar stores the answer to a question for which GetSimilar found none.
func (c *Cache) PutSimilar(r *Similar, e Entry, ctl Controls) {
	expires := c.put(r.own, &e, &ctl)
	if expires == 0 || r.vector == nil {
		return
	}
	c.index.Add(r.shelf, r.own, r.vector, expires)
	if s := c.settings.Load(); c.bucket != nil && s.Shared {
		c.bucket.Put(contract.CacheVectorKey(r.shelf, r.own), vector.Encode(r.vector, expires), ctl.lifetime(s))
	}
}
