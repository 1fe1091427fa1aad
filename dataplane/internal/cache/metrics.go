package cache

import "github.com/prometheus/client_golang/prometheus"

// Tiers, as metrics show them.
const (
	tierLocal  = "local"
	tierShared = "shared"
)

type metrics struct {
	localHits, sharedHits prometheus.Counter
	semanticHits          prometheus.Counter
	misses                prometheus.Counter
	evictions             prometheus.Counter
	stored                prometheus.Counter
	embedErrors           prometheus.Counter
}

func newMetrics(c *Cache, reg prometheus.Registerer) *metrics {
	const ns = "tianji_dataplane_cache_"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: ns + name, Help: help})
	}
	hits := prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "hits_total", Help: "Answers out of the cache, by tier."}, []string{"tier"})
	m := &metrics{
		localHits: hits.WithLabelValues(tierLocal), sharedHits: hits.WithLabelValues(tierShared),
		semanticHits: counter("semantic_hits_total", "Of the hits, the answers to another question that means the same."),
		misses:       counter("misses_total", "Lookups in the cache without a result."),
		evictions:    counter("evictions_total", "Answers that left the memory for want of room."),
		stored:       counter("stored_bytes_total", "Bytes of answers that were stored."),
		embedErrors:  counter("embedding_errors_total", "Questions that could not be turned into a vector."),
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + name, Help: help}, read)
	}
	reg.MustRegister(hits, m.semanticHits, m.misses, m.evictions, m.stored, m.embedErrors,
		gauge("bytes", "Bytes of answers in memory, about.", func() float64 { return float64(c.local.cache.WeightedSize()) }),
		gauge("entries", "Answers in memory.", func() float64 { return float64(c.local.cache.EstimatedSize()) }),
		gauge("vector_bytes", "Bytes of questions of the semantic cache in memory, about.", func() float64 {
			_, bytes := c.index.Size()
			return float64(bytes)
		}),
		gauge("bus_open", "1 while the shared tier is not asked because it does not answer.", func() float64 {
			if c.bucket != nil && c.bucket.Away() {
				return 1
			}
			return 0
		}))
	return m
}
