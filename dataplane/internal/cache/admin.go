package cache

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache/bucket"
)

// ErrOff means that the configuration has no cache.
var ErrOff = errors.New("cache not initialized: set litellm_settings.cache")

// ErrKeys means that too many keys are to be deleted at once.
var ErrKeys = fmt.Errorf("want at most %d keys", bucket.MaxDelete)

// Status describes the cache to /cache/ping.
type Status struct {
	// Kind is what the configuration calls the cache.
	Kind   string
	Shared bool
	Params map[string]any
}

// Status returns what is configured.
func (c *Cache) Status() (Status, error) {
	s := c.settings.Load()
	if !s.Enabled {
		return Status{}, ErrOff
	}
	types := []string{}
	for _, t := range callTypes() {
		if s.types[t] {
			types = append(types, t)
		}
	}
	mode := "default_on"
	if s.DefaultOff {
		mode = "default_off"
	}
	params := map[string]any{
		"type": s.Kind, "mode": mode, "supported_call_types": types, "ttl": s.ttl.Seconds(), "namespace": nil,
		"max_local_bytes": s.LocalMaxBytes,
	}
	if s.Namespace != "" {
		params["namespace"] = s.Namespace
	}
	if s.Semantic != nil {
		params["similarity_threshold"], params["embedding_model"] = s.Semantic.Threshold, s.Semantic.EmbeddingModel
	}
	return Status{Kind: s.Kind, Shared: s.Shared && c.bucket != nil, Params: params}, nil
}

// Ping writes to the tier that is shared, and reads it again. Without one there
// is nothing that could fail.
func (c *Cache) Ping(ctx context.Context) error {
	s, err := c.Status()
	if err != nil || !s.Shared {
		return err
	}
	return c.bucket.Ping(ctx)
}

// Delete removes answers by their keys, here and at every replica. A namespace
// in front of a key, which LiteLLM has there, is passed over, and so is a text
// that can not be a key: as with one that expired, there is nothing to delete.
func (c *Cache) Delete(ctx context.Context, keys []string) error {
	if !c.settings.Load().Enabled {
		return ErrOff
	}
	if len(keys) > bucket.MaxDelete {
		return ErrKeys
	}
	sums := make([][32]byte, 0, len(keys))
	for _, key := range keys {
		if sum, ok := parseKey(key[strings.LastIndexByte(key, ':')+1:]); ok {
			sums = append(sums, sum)
		}
	}
	c.forget(sums)
	if c.bucket == nil {
		return nil
	}
	return c.bucket.Delete(ctx, sums)
}

func parseKey(text string) (Key, bool) {
	var key Key
	if len(text) != hex.EncodedLen(len(key)) {
		return key, false
	}
	_, err := hex.Decode(key[:], []byte(text))
	return key, err == nil
}

// FlushAll removes all answers, here and at every replica.
func (c *Cache) FlushAll(ctx context.Context) error {
	if !c.settings.Load().Enabled {
		return ErrOff
	}
	c.forget(nil)
	if c.bucket == nil {
		return nil
	}
	return c.bucket.Flush(ctx)
}

// Info is the state of both tiers.
type Info struct {
	// Shared is nil without a shared tier.
	Shared *bucket.Info `json:"shared"`
	Local  LocalInfo    `json:"local"`
}

// LocalInfo is the state of the memory of this replica.
type LocalInfo struct {
	Entries  int    `json:"entries"`
	Bytes    uint64 `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	Vectors  int    `json:"vectors"`
}

// Info returns the state of both tiers.
func (c *Cache) Info(ctx context.Context) (Info, error) {
	s, err := c.Status()
	if err != nil {
		return Info{}, err
	}
	vectors, _ := c.index.Size()
	info := Info{Local: LocalInfo{
		Entries: c.local.cache.EstimatedSize(), Bytes: c.local.cache.WeightedSize(), MaxBytes: c.settings.Load().LocalMaxBytes, Vectors: vectors,
	}}
	if s.Shared {
		shared, err := c.bucket.Info(ctx)
		if err != nil {
			return Info{}, err
		}
		info.Shared = &shared
	}
	return info, nil
}
