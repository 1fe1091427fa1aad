package rescache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/rescache"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, yaml string
		want       contract.CacheSettings
		warnings   int
	}{
		{"nothing", `{}`, contract.CacheSettings{}, 0},
		{"off", `litellm_settings: {cache: false, cache_params: {type: local}}`, contract.CacheSettings{}, 0},
		{"on", `litellm_settings: {cache: true}`, contract.CacheSettings{Enabled: true, Kind: "redis", Shared: true, TTLMS: 60_000}, 0},
		{"redis", `
litellm_settings:
  cache: true
  default_redis_ttl: 30
  cache_params: {type: redis, host: localhost, port: "6379", password: x, namespace: n, ttl: 600, mode: default_off, supported_call_types: [acompletion], local_max_size_mb: 1.5}
router_settings: {caching_groups: [[a, b], [c]]}`, contract.CacheSettings{
			Enabled: true, Kind: "redis", Shared: true, TTLMS: 600_000, Namespace: "n", DefaultOff: true, CallTypes: []string{"acompletion"},
			LocalMaxBytes: 3 << 19, Groups: [][]string{{"a", "b"}, {"c"}},
		}, 0},
		{
			"local", `litellm_settings: {cache: true, cache_params: {type: local, supported_call_types: [], default_in_redis_ttl: 5}}`,
			contract.CacheSettings{Enabled: true, Kind: "local", TTLMS: 600_000, CallTypes: []string{}},
			0,
		},
		{
			"lifetime by the type", `litellm_settings: {cache: true, cache_params: {type: local, ttl: 5, default_in_memory_ttl: 7}}`,
			contract.CacheSettings{Enabled: true, Kind: "local", TTLMS: 7000},
			0,
		},
		{
			"lifetime beside", `litellm_settings: {cache: true, default_in_memory_ttl: 9, cache_params: {type: local}}`,
			contract.CacheSettings{Enabled: true, Kind: "local", TTLMS: 9000},
			0,
		},
		{"semantic", `litellm_settings: {cache: true, cache_params: {type: qdrant-semantic, qdrant_semantic_cache_embedding_model: e, similarity_threshold: 0.8,
  semantic_cache_embedding_timeout: 2.5, semantic_cache_scope: end_user}}`, contract.CacheSettings{
			Enabled: true, Kind: "qdrant-semantic", Shared: true, TTLMS: 60_000,
			Semantic: &contract.SemanticCacheSettings{EmbeddingModel: "e", Threshold: 0.8, TimeoutMS: 2500, PerEndUser: true},
		}, 0},
		{"semantic of redis", `litellm_settings: {cache: true, cache_params: {type: redis-semantic, similarity_threshold: 1}}`, contract.CacheSettings{
			Enabled: true, Kind: "redis-semantic", Shared: true, TTLMS: 60_000,
			Semantic: &contract.SemanticCacheSettings{EmbeddingModel: "text-embedding-ada-002", Threshold: 1},
		}, 0},
		{
			"another store", `litellm_settings: {cache: true, cache_params: {type: s3, s3_bucket_name: b}}`,
			contract.CacheSettings{Enabled: true, Kind: "s3", Shared: true, TTLMS: 60_000},
			1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg, warnings, err := proxyconfig.Parse("config.yaml", []byte(tc.yaml), func(string) (string, bool) { return "", false })
			require.NoError(t, err)
			require.Len(t, warnings, tc.warnings)
			require.Equal(t, tc.want, rescache.Settings(cfg))
		})
	}
}
