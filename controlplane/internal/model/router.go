package model

import (
	"encoding/json"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// enforceRateLimits is the optional pre-call check of that name.
const enforceRateLimits = "enforce_model_rate_limits"

// RouterSettings renders the router's settings of the config file:
// router_settings, and where they say nothing, litellm_settings.
func RouterSettings(cfg *proxyconfig.Config) contract.RouterSettings {
	r, s := &cfg.Router, &cfg.Settings.Router
	out := contract.RouterSettings{
		Strategy: firstText(r.RoutingStrategy, s.RoutingStrategy), LatencyTTLMS: milliseconds(earlier(r.LatencyTTL, s.LatencyTTL)),
		LatencyBuffer: value(earlier(r.LatencyBuffer, s.LatencyBuffer)),
		NumRetries:    earlier(r.NumRetries, s.NumRetries), RetryAfterMS: milliseconds(earlier(r.RetryAfter, s.RetryAfter)),
		RetryPolicy: either(r.RetryPolicy, s.RetryPolicy), GroupRetryPolicy: either(r.GroupRetryPolicy, s.GroupRetryPolicy),
		TimeoutMS:           milliseconds(earlier(r.Timeout, s.Timeout, cfg.Settings.RequestTimeout)),
		StreamTimeoutMS:     milliseconds(earlier(r.StreamTimeout, s.StreamTimeout)),
		StreamIdleTimeoutMS: milliseconds(earlier(r.StreamIdleTimeout, s.StreamIdleTimeout)),
		AllowedFails:        wide(earlier(r.AllowedFails, s.AllowedFails)), AllowedFailsPolicy: wideMap(either(r.AllowedFailsPolicy, s.AllowedFailsPolicy)),
		CooldownMS: millis(earlier(r.CooldownTime, s.CooldownTime)), DisableCooldowns: value(earlier(r.DisableCooldowns, s.DisableCooldowns)),
		MaxFallbacks: earlier(r.MaxFallbacks, s.MaxFallbacks), DefaultMaxParallel: defaultMaxParallel(cfg),
		PreCallChecks: value(earlier(r.EnablePreCallChecks, s.EnablePreCallChecks)), TagFiltering: value(earlier(r.EnableTagFiltering, s.EnableTagFiltering)),
		DefaultFallbacks: eitherList(r.DefaultFallbacks, s.DefaultFallbacks),
		Fallbacks:        fallbacks(eitherList(r.Fallbacks, s.Fallbacks)),
	}
	out.ContextWindowFallbacks = fallbacks(eitherList(r.ContextWindowFallbacks, s.ContextWindowFallbacks))
	out.ContentPolicyFallbacks = fallbacks(eitherList(r.ContentPolicyFallbacks, s.ContentPolicyFallbacks))
	if matchAny := earlier(r.TagFilteringMatchAny, s.TagFilteringMatchAny); matchAny != nil {
		out.TagMatchAll = !*matchAny
	}
	checks := slices.Concat(r.OptionalPreCallChecks, s.OptionalPreCallChecks)
	out.EnforceRateLimits = value(earlier(r.EnforceRateLimits, s.EnforceRateLimits)) || slices.Contains(checks, enforceRateLimits)
	if shown := cfg.Settings.ExposeRouterDebug; shown != nil {
		out.HideRouting = !*shown
	}
	for name, alias := range either(r.Aliases, s.Aliases) {
		if out.Aliases == nil {
			out.Aliases = map[string]contract.GroupAlias{}
		}
		out.Aliases[name] = contract.GroupAlias{Model: alias.Model, Hidden: alias.Hidden}
	}
	return out
}

// defaultMaxParallel is for each deployment without a limit of its own. The
// router's own setting comes before general_settings.max_parallel_requests.
func defaultMaxParallel(cfg *proxyconfig.Config) int64 {
	if n := earlier(cfg.Router.DefaultMaxParallel, cfg.Settings.Router.DefaultMaxParallel); n != nil {
		return int64(*n)
	}
	return value(cfg.General.Limits.DefaultMaxParallel)
}

func either[M ~map[K]V, K comparable, V any](a, b M) M {
	if len(a) > 0 {
		return a
	}
	return b
}

func eitherList[T any](a, b []T) []T {
	if len(a) > 0 {
		return a
	}
	return b
}

// fallbacks leave credentials out: they travel in the clear, and a fallback is
// called with those of its own deployments.
func fallbacks(list []proxyconfig.Fallback) []contract.Fallback {
	var out []contract.Fallback
	for _, f := range list {
		to := make([]contract.FallbackTarget, 0, len(f.To))
		for _, t := range f.To {
			target := contract.FallbackTarget{Model: t.Model}
			for param, v := range t.Params {
				if sensitive(param) || param == "api_base" || param == "base_url" {
					continue
				}
				if target.Merge == nil {
					target.Merge = map[string]json.RawMessage{}
				}
				target.Merge[param] = v
			}
			to = append(to, target)
		}
		out = append(out, contract.Fallback{Model: f.Model, To: to})
	}
	return out
}
