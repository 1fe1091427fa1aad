package route

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/strategy"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// LiteLLM's defaults (https://docs.litellm.ai/docs/proxy/config_settings:
// DEFAULT_MAX_RETRIES, ROUTER_MAX_FALLBACKS, request_timeout, RoutingArgs.ttl).
const (
	defaultRetries      = 2
	defaultMaxFallbacks = 5
	defaultTimeout      = 6000 * time.Second
	defaultLatencyTTL   = time.Hour
)

// rules are the router's settings, prepared for requests. Nobody changes them.
type rules struct {
	strategy strategy.Kind
	buffer   float64
	ttl      time.Duration

	retries     int
	retryAfter  time.Duration
	policy      map[string]int
	groupPolicy map[string]map[string]int
	timeout     time.Duration
	stream      time.Duration
	idle        time.Duration
	cooldown    health.Rules
	maxParallel int64

	maxFallbacks  int
	general       chains
	contextWindow chains
	contentPolicy chains

	preCall  bool
	tags     bool
	matchAll bool
	enforce  bool
	hide     bool
}

// chains are what stands in for which group.
type chains struct {
	byGroup map[string][]target
	any     []target
	// written is how the settings say it, for error texts.
	written []contract.Fallback
}

// target is a group that stands in for another, and the members that it
// changes in the body, as a JSON object.
type target struct {
	model string
	merge json.RawMessage
}

func newRules(s *contract.RouterSettings, log *slog.Logger) *rules {
	if s == nil {
		s = &contract.RouterSettings{}
	}
	kind, known := strategy.Parse(s.Strategy)
	if !known {
		log.LogAttrs(context.Background(), slog.LevelError, "routing strategy not known, simple-shuffle is used", slog.String("strategy", s.Strategy))
	}
	r := &rules{
		strategy: kind, buffer: s.LatencyBuffer, ttl: orElse(s.LatencyTTLMS, defaultLatencyTTL),
		retries: valueOr(s.NumRetries, defaultRetries), retryAfter: milliseconds(s.RetryAfterMS), policy: s.RetryPolicy, groupPolicy: s.GroupRetryPolicy,
		timeout: orElse(s.TimeoutMS, defaultTimeout), stream: milliseconds(s.StreamTimeoutMS), idle: milliseconds(s.StreamIdleTimeoutMS),
		cooldown:    health.Rules{Disabled: s.DisableCooldowns, AllowedFails: s.AllowedFails, Policy: s.AllowedFailsPolicy, Time: optional(s.CooldownMS)},
		maxParallel: s.DefaultMaxParallel, maxFallbacks: valueOr(s.MaxFallbacks, defaultMaxFallbacks),
		general: newChains(s.Fallbacks), contextWindow: newChains(s.ContextWindowFallbacks), contentPolicy: newChains(s.ContentPolicyFallbacks),
		preCall: s.PreCallChecks, tags: s.TagFiltering, matchAll: s.TagMatchAll, enforce: s.EnforceRateLimits, hide: s.HideRouting,
	}
	if len(s.DefaultFallbacks) > 0 {
		var to []contract.FallbackTarget
		for _, model := range s.DefaultFallbacks {
			to = append(to, contract.FallbackTarget{Model: model})
			r.general.any = append(r.general.any, target{model: model})
		}
		r.general.written = append(slices.Clip(r.general.written), contract.Fallback{Model: "*", To: to})
	}
	return r
}

func orElse(ms int64, otherwise time.Duration) time.Duration {
	if ms > 0 {
		return milliseconds(ms)
	}
	return otherwise
}

func valueOr(v *int, otherwise int) int {
	if v != nil {
		return *v
	}
	return otherwise
}

func newChains(written []contract.Fallback) chains {
	c := chains{byGroup: map[string][]target{}, written: written}
	for _, f := range written {
		var to []target
		for _, t := range f.To {
			merge, err := json.Marshal(t.Merge)
			if err != nil || len(t.Merge) == 0 {
				merge = nil
			}
			to = append(to, target{model: t.Model, merge: merge})
		}
		if f.Model == "*" {
			c.any = append(c.any, to...)
		} else {
			c.byGroup[f.Model] = append(c.byGroup[f.Model], to...)
		}
	}
	return c
}

// find returns what stands in for a group: by the name that was asked for, by
// the group's, by the same without its provider, and then what is for any.
func (c *chains) find(names ...string) []target {
	for _, name := range names {
		if to := c.byGroup[name]; to != nil {
			return to
		}
	}
	for _, name := range names {
		if _, bare, ok := strings.Cut(name, "/"); ok {
			if to := c.byGroup[bare]; to != nil {
				return to
			}
		}
	}
	return c.any
}

// limited reports whether deployments over their rpm or tpm are left out.
func (r *rules) limited() bool { return r.strategy.Limited() || r.preCall || r.enforce }

// policyFor returns how often an error of a class is to be retried in a group,
// where the settings say it.
func (r *rules) policyFor(class string, names ...string) (retries int, ok bool) {
	policy := r.policy
	for _, name := range names {
		if own, ok := r.groupPolicy[name]; ok {
			policy = own
			break
		}
	}
	for _, c := range [...]string{class, health.ParentClass(class), "Default"} {
		if n, ok := policy[c]; ok && c != "" {
			return n, true
		}
	}
	return 0, false
}
