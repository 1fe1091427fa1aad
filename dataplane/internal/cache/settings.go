package cache

import (
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	defaultTTL        = time.Minute
	defaultLocalBytes = 128 << 20
)

// settings are the configuration, prepared for requests. Nobody changes it.
type settings struct {
	contract.CacheSettings

	ttl   time.Duration
	types map[string]bool
	// groups lead from a model group to the caching group that it is in.
	groups map[string]string
}

// callTypes are the calls whose answers can be stored, by LiteLLM's names.
func callTypes() []string {
	return []string{
		"acompletion", "atext_completion", callEmbeddings, callResponses, "anthropic_messages", "agenerate_content", "arerank", "atranscription",
	}
}

// newSettings prepares a configuration; nil is one in which the cache is off.
func newSettings(c *contract.CacheSettings) *settings {
	s := &settings{types: map[string]bool{}, groups: map[string]string{}}
	if c != nil {
		s.CacheSettings = *c
	}
	if s.LocalMaxBytes <= 0 {
		s.LocalMaxBytes = defaultLocalBytes
	}
	s.ttl = min(time.Duration(s.TTLMS)*time.Millisecond, contract.CacheMaxAge)
	if s.ttl <= 0 {
		s.ttl = defaultTTL
	}
	for _, t := range callTypes() {
		s.types[t] = s.CallTypes == nil || slices.ContainsFunc(s.CallTypes, func(name string) bool { return sameCall(name, t) })
	}
	for _, group := range s.Groups {
		// A separator that no model has keeps the name apart from all of them.
		name := strings.Join(group, "\x00") + "\x00"
		for _, model := range group {
			s.groups[model] = name
		}
	}
	return s
}

// sameCall compares LiteLLM's names of calls, which come with and without the
// "a" of an asynchronous call.
func sameCall(name, callType string) bool {
	return name == callType || "a"+name == callType
}

func (s *settings) cachingGroup(model string) string {
	if group, ok := s.groups[model]; ok {
		return group
	}
	return model
}
