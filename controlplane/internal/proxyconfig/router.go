package proxyconfig

import (
	"slices"
	"strings"
)

func readRouter(o *object) Router {
	o.warnUnknown(keysOf(routerKeys), generalSection(), settingsSection(), section{"the top level", keysOf(topKeys)})
	r := readRouting(o)
	r.Raw = o.raw()
	return r
}

// readRouting reads the router's settings, which litellm_settings takes as
// well.
func readRouting(o *object) Router {
	args := o.object("routing_strategy_args")
	r := Router{
		RoutingStrategy:        o.strategy("routing_strategy"),
		LatencyTTL:             args.seconds("ttl"),
		LatencyBuffer:          args.number("lowest_latency_buffer"),
		NumRetries:             o.integer("num_retries"),
		RetryAfter:             o.seconds("retry_after"),
		RetryPolicy:            o.policy("retry_policy", "Retries"),
		GroupRetryPolicy:       o.policies("model_group_retry_policy", "Retries"),
		Timeout:                o.seconds("timeout"),
		StreamTimeout:          o.seconds("stream_timeout"),
		StreamIdleTimeout:      o.seconds("stream_idle_timeout"),
		AllowedFails:           o.integer("allowed_fails"),
		AllowedFailsPolicy:     o.policy("allowed_fails_policy", "AllowedFails"),
		CooldownTime:           o.seconds("cooldown_time"),
		DisableCooldowns:       o.boolean("disable_cooldowns"),
		MaxFallbacks:           o.integer("max_fallbacks"),
		DefaultMaxParallel:     o.integer("default_max_parallel_requests"),
		EnablePreCallChecks:    o.boolean("enable_pre_call_checks"),
		EnableTagFiltering:     o.boolean("enable_tag_filtering"),
		TagFilteringMatchAny:   o.boolean("tag_filtering_match_any"),
		EnforceRateLimits:      o.boolean("enforce_model_rate_limits"),
		OptionalPreCallChecks:  o.texts("optional_pre_call_checks"),
		Fallbacks:              o.fallbacks("fallbacks"),
		ContextWindowFallbacks: o.fallbacks("context_window_fallbacks"),
		ContentPolicyFallbacks: o.fallbacks("content_policy_fallbacks"),
		DefaultFallbacks:       o.texts("default_fallbacks"),
		Aliases:                o.aliases("model_group_alias"),
		CachingGroups:          o.textLists("caching_groups"),
		ProviderBudgets:        o.providerBudgets("provider_budget_config"),
	}
	if r.EnablePreCallChecks == nil {
		r.EnablePreCallChecks = o.boolean("enable_pre_call_check")
	}
	return r
}

// strategies are LiteLLM's.
func strategies() []string {
	return []string{"simple-shuffle", "least-busy", "latency-based-routing", "usage-based-routing", "usage-based-routing-v2", "cost-based-routing"}
}

func (o *object) strategy(key string) string {
	name := o.text(key)
	if name != "" && !slices.Contains(strategies(), name) {
		n := o.get(key)
		o.problems.warnf(n.place(join(o.path, key)), "this strategy is not known, simple-shuffle is used; there are %s", strings.Join(strategies(), ", "))
		return ""
	}
	return name
}

// classes are the errors that LiteLLM's policies can name.
func classes() []string {
	return []string{
		"AuthenticationError", "BadGatewayError", "BadRequestError", "ContentPolicyViolationError", "Default", "InternalServerError", "NotFoundError",
		"RateLimitError", "ServiceUnavailableError", "TimeoutError",
	}
}

// policy reads a mapping of a class with a suffix, such as RateLimitErrorRetries,
// to a number. A class is returned by the name that its error has.
func (o *object) policy(key, suffix string) map[string]int {
	p := o.object(key)
	if p.node == nil {
		return nil
	}
	out := map[string]int{}
	for _, f := range p.node.fields {
		class, ok := strings.CutSuffix(f.key, suffix)
		if !ok || !slices.Contains(classes(), class) {
			p.problems.warnf(Place{File: f.value.file, Line: f.line, Path: join(p.path, f.key)}, "unknown key%s", hint(f.key, policyKeys(suffix), nil))
			continue
		}
		if class == "TimeoutError" {
			class = "Timeout"
		}
		if n := p.integer(f.key); n != nil {
			out[class] = *n
		}
	}
	return out
}

func policyKeys(suffix string) keySet {
	var keys keySet
	for _, class := range classes() {
		keys = append(keys, class+suffix)
	}
	return keys
}

// policies reads a mapping of model groups to policies.
func (o *object) policies(key, suffix string) map[string]map[string]int {
	groups := o.object(key)
	if groups.node == nil {
		return nil
	}
	out := map[string]map[string]int{}
	for _, f := range groups.node.fields {
		out[f.key] = groups.policy(f.key, suffix)
	}
	return out
}

// fallbacks reads a list of mappings from a model to those that stand in for it.
func (o *object) fallbacks(key string) []Fallback {
	n := o.get(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != listKind {
		o.wrong(n, path, "a list such as [{model: [fallback]}]")
		return nil
	}
	var out []Fallback
	for i, item := range n.items {
		at := index(path, i)
		if item.kind != mapKind {
			o.wrong(item, at, "a mapping of a model to its fallbacks")
			continue
		}
		for _, f := range item.fields {
			out = append(out, Fallback{Model: f.key, To: o.fallbackTargets(f.value, join(at, f.key))})
		}
	}
	return out
}

// fallbackTargets reads the models that stand in for one. One of them may
// change further parameters of the request: {model: b, temperature: 0}.
func (o *object) fallbackTargets(n *node, path string) []FallbackTarget {
	if n.kind == textKind {
		return []FallbackTarget{{Model: n.content()}}
	}
	if n.kind != listKind {
		o.wrong(n, path, "a list of texts")
		return nil
	}
	var targets []FallbackTarget
	for i, item := range n.items {
		at := index(path, i)
		switch item.kind {
		case textKind:
			targets = append(targets, FallbackTarget{Model: item.content()})
		case mapKind:
			target := objectAt(o.problems, item, at)
			targets = append(targets, FallbackTarget{Model: target.required("model", "the model to fall back to"), Params: target.rest()})
		default:
			o.wrong(item, at, "text")
		}
	}
	return targets
}

// aliases reads a mapping of names to models or to {model, hidden}.
func (o *object) aliases(key string) map[string]Alias {
	n := o.get(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != mapKind {
		o.wrong(n, path, "a mapping of names to models")
		return nil
	}
	out := make(map[string]Alias, len(n.fields))
	for _, f := range n.fields {
		at := join(path, f.key)
		switch f.value.kind {
		case textKind:
			out[f.key] = Alias{Model: f.value.content()}
		case mapKind:
			alias := objectAt(o.problems, f.value, at)
			out[f.key] = Alias{Model: alias.text("model"), Hidden: alias.enabled("hidden")}
		default:
			o.wrong(f.value, at, "a model or {model, hidden}")
		}
	}
	return out
}
