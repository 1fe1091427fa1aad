// Package rescache turns what the config file says of the cache of answers into
// what data planes obey. It stores nothing and runs no goroutines.
package rescache

import (
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Settings renders the cache's settings of the config file.
func Settings(cfg *proxyconfig.Config) contract.CacheSettings {
	c := cfg.Settings.Cache
	if c == nil {
		return contract.CacheSettings{}
	}
	s := contract.CacheSettings{
		Enabled: true, Kind: c.Type, Shared: c.Shared, DefaultOff: c.DefaultOff, Namespace: c.Namespace, TTLMS: milliseconds(c.TTL),
		CallTypes: c.CallTypes, Groups: cfg.Router.CachingGroups,
	}
	if len(s.Groups) == 0 {
		s.Groups = cfg.Settings.Router.CachingGroups
	}
	if c.LocalMaxMB != nil {
		s.LocalMaxBytes = int64(*c.LocalMaxMB * (1 << 20))
	}
	if c.Semantic {
		s.Semantic = &contract.SemanticCacheSettings{
			EmbeddingModel: c.EmbeddingModel, TimeoutMS: milliseconds(c.EmbeddingTimeout), PerEndUser: c.PerEndUser,
		}
		if c.SimilarityThreshold != nil {
			s.Semantic.Threshold = *c.SimilarityThreshold
		}
	}
	return s
}

func milliseconds(d *time.Duration) int64 {
	if d == nil {
		return 0
	}
	return d.Milliseconds()
}
