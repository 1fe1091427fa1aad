package proxyconfig

import (
	"slices"
	"strings"
	"time"
)

// Cache is litellm_settings.cache with cache_params, where the file turns it on.
type Cache struct {
	// Type is LiteLLM's. Shared and Semantic are what that means here: whether
	// the replicas share it, and whether questions are compared by their meaning.
	Type             string
	Shared, Semantic bool

	DefaultOff bool // mode: default_off
	Namespace  string
	TTL        *time.Duration
	CallTypes  []string // supported_call_types; nil for all, empty for none
	LocalMaxMB *float64 // ours: local_max_size_mb

	SimilarityThreshold *float64
	EmbeddingModel      string
	EmbeddingTimeout    *time.Duration
	PerEndUser          bool // semantic_cache_scope: end_user
}

// LiteLLM keeps an answer for that long when the file does not say.
const (
	localCacheTTL = 10 * time.Minute
	redisCacheTTL = time.Minute
)

// defaultEmbeddingModel is LiteLLM's.
const defaultEmbeddingModel = "text-embedding-ada-002"

// readCache reads the cache's settings of litellm_settings. Where Redis or
// another store is to be reached is not read: the installation's NATS takes
// its place.
func readCache(o *object) *Cache {
	if !o.enabled("cache") {
		return nil
	}
	p := o.object("cache_params")
	c := &Cache{Namespace: p.text("namespace"), LocalMaxMB: p.number("local_max_size_mb")}
	c.readType(p)
	c.readTTL(o, p)
	if n := p.get("supported_call_types"); n != nil {
		c.CallTypes = append([]string{}, p.texts("supported_call_types")...)
	}
	if mode := p.oneOf("mode", "default_on", "default_off"); mode == "default_off" {
		c.DefaultOff = true
	}
	if c.Semantic {
		c.readSemantic(p)
	}
	return c
}

func (c *Cache) readType(p *object) {
	c.Type = p.text("type")
	switch c.Type {
	case "":
		c.Type, c.Shared = "redis", true
	case "redis":
		c.Shared = true
	case "local":
	case "redis-semantic", "qdrant-semantic", "valkey-semantic":
		c.Shared, c.Semantic = true, true
	default:
		c.Shared = true
		p.problems.warnf(p.get("type").place(join(p.path, "type")),
			"there is no cache of this type; what is used instead is the memory of each replica and NATS, as with redis")
	}
}

// readTTL follows the order of LiteLLM: the lifetime by the type of the cache,
// the one for all, and those beside cache_params.
func (c *Cache) readTTL(o, p *object) {
	byType, outside, fallback := "default_in_redis_ttl", "default_redis_ttl", redisCacheTTL
	if c.Type == "local" {
		byType, outside, fallback = "default_in_memory_ttl", "default_in_memory_ttl", localCacheTTL
	}
	c.TTL = &fallback
	for _, d := range []*time.Duration{o.seconds(outside), p.seconds("ttl"), p.seconds(byType)} {
		if d != nil {
			c.TTL = d
		}
	}
}

func (c *Cache) readSemantic(p *object) {
	c.SimilarityThreshold = p.number("similarity_threshold")
	switch at := c.SimilarityThreshold; {
	case at == nil && p.get("similarity_threshold") == nil:
		p.problems.errorf(p.node.place(p.path), "similarity_threshold is missing: how similar two questions have to be, from 0 to 1")
	case at != nil && (*at <= 0 || *at > 1):
		p.wrong(p.get("similarity_threshold"), join(p.path, "similarity_threshold"), "a number above 0 and up to 1")
	}
	c.EmbeddingModel = defaultEmbeddingModel
	if model := p.text(strings.ReplaceAll(c.Type, "-", "_") + "_cache_embedding_model"); model != "" {
		c.EmbeddingModel = model
	}
	c.EmbeddingTimeout = p.seconds("semantic_cache_embedding_timeout")
	c.PerEndUser = p.oneOf("semantic_cache_scope", "key", "end_user") == "end_user"
}

// oneOf is a text out of a list.
func (o *object) oneOf(key string, words ...string) string {
	text := o.text(key)
	if text != "" && !slices.Contains(words, text) {
		o.problems.errorf(o.get(key).place(join(o.path, key)), "expected one of %s", strings.Join(words, ", "))
		return ""
	}
	return text
}

// textLists is a list of lists of texts.
func (o *object) textLists(key string) [][]string {
	n := o.get(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != listKind {
		o.wrong(n, path, "a list of lists of texts")
		return nil
	}
	var out [][]string
	for i, item := range n.items {
		if list := o.textList(item, index(path, i)); len(list) > 0 {
			out = append(out, list)
		}
	}
	return out
}
