package proxyconfig

// readConfig reads the merged tree.
func readConfig(p *problems, root *node) *Config {
	o := objectAt(p, root, "")
	o.warnUnknown(keysOf(topKeys), generalSection(), settingsSection(), routerSection(), paramSection())
	cfg := &Config{
		Models:      readModels(p, o.get("model_list")),
		General:     readGeneral(o.object("general_settings")),
		Settings:    readSettings(o.either("litellm_settings", "tianji_settings")),
		Router:      readRouter(o.object("router_settings")),
		Environment: o.secrets("environment_variables"),
	}
	cfg.Sections = o.rest()
	return cfg
}

// either returns the mapping under one of two keys that mean the same.
func (o *object) either(key, twin string) *object {
	first, second := o.get(key), o.get(twin)
	switch {
	case first != nil && second != nil:
		o.problems.errorf(second.place(join(o.path, twin)),
			"this means the same as %s on line %d; keep one of them", key, first.line)
	case second != nil:
		return o.object(twin)
	}
	return o.object(key)
}

func readGeneral(o *object) General {
	o.warnUnknown(keysOf(generalKeys), settingsSection(), routerSection(), section{"the top level", keysOf(topKeys)})
	g := General{
		MasterKey:         o.ownSecret("master_key"),
		DatabaseURL:       o.ownSecret("database_url"),
		LitellmHeaders:    o.enabled("litellm_headers"),
		LitellmCompat:     o.label("litellm_compat"),
		StoreModelInDB:    o.enabled("store_model_in_db"),
		MaxRequestSizeMB:  o.number("max_request_size_mb"),
		MaxResponseSizeMB: o.number("max_response_size_mb"),
		KeyHeaderName:     o.text("litellm_key_header_name"),
		UserHeaderName:    o.text("user_header_name"),
		ControlPlaneURL:   o.text("control_plane_url"),
		Raw:               o.raw(),
	}
	if g.LitellmCompat != "" && g.LitellmCompat != Compat183 {
		o.problems.errorf(o.get("litellm_compat").place(join(o.path, "litellm_compat")),
			"expected %q, the only older behaviour there is, or nothing", Compat183)
	}
	return g
}

func readSettings(o *object) Settings {
	o.warnUnknown(keysOf(settingsKeys, routerKeys), generalSection(), section{"the top level", keysOf(topKeys)})
	return Settings{
		DropParams:             o.enabled("drop_params"),
		StoreAuditLogs:         o.enabled("store_audit_logs"),
		RequestTimeout:         o.seconds("request_timeout"),
		NumRetries:             o.integer("num_retries"),
		Fallbacks:              o.fallbacks("fallbacks"),
		ContextWindowFallbacks: o.fallbacks("context_window_fallbacks"),
		ContentPolicyFallbacks: o.fallbacks("content_policy_fallbacks"),
		DefaultFallbacks:       o.texts("default_fallbacks"),
		Callbacks:              o.names("callbacks"),
		SuccessCallbacks:       o.names("success_callback"),
		FailureCallbacks:       o.names("failure_callback"),
		Raw:                    o.raw(),
	}
}

func readRouter(o *object) Router {
	o.warnUnknown(keysOf(routerKeys), generalSection(), settingsSection(), section{"the top level", keysOf(topKeys)})
	return Router{
		RoutingStrategy:        o.text("routing_strategy"),
		NumRetries:             o.integer("num_retries"),
		RetryAfter:             o.seconds("retry_after"),
		Timeout:                o.seconds("timeout"),
		StreamTimeout:          o.seconds("stream_timeout"),
		AllowedFails:           o.integer("allowed_fails"),
		CooldownTime:           o.seconds("cooldown_time"),
		DisableCooldowns:       o.enabled("disable_cooldowns"),
		MaxFallbacks:           o.integer("max_fallbacks"),
		EnablePreCallChecks:    o.enabled("enable_pre_call_checks"),
		EnableTagFiltering:     o.enabled("enable_tag_filtering"),
		TagFilteringMatchAny:   o.boolean("tag_filtering_match_any"),
		Fallbacks:              o.fallbacks("fallbacks"),
		ContextWindowFallbacks: o.fallbacks("context_window_fallbacks"),
		ContentPolicyFallbacks: o.fallbacks("content_policy_fallbacks"),
		DefaultFallbacks:       o.texts("default_fallbacks"),
		Aliases:                o.aliases("model_group_alias"),
		Raw:                    o.raw(),
	}
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
			out = append(out, Fallback{Model: f.key, To: o.fallbackModels(f.value, join(at, f.key))})
		}
	}
	return out
}

// fallbackModels reads the models that stand in for one. LiteLLM lets one of
// them change further parameters of the request, which is left to Raw.
func (o *object) fallbackModels(n *node, path string) []string {
	if n.kind != listKind {
		return o.textList(n, path)
	}
	var models []string
	for i, item := range n.items {
		at := index(path, i)
		switch item.kind {
		case textKind:
			models = append(models, item.content())
		case mapKind:
			target := objectAt(o.problems, item, at)
			models = append(models, target.required("model", "the model to fall back to"))
			if len(item.fields) > 1 {
				o.problems.warnf(item.place(at), "only the model of this fallback is used, not its other parameters")
			}
		default:
			o.wrong(item, at, "text")
		}
	}
	return models
}

// names reads a list whose items are names, or mappings of one name to its
// parameters, which are left to Raw.
func (o *object) names(key string) []string {
	n := o.get(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != listKind {
		return o.textList(n, path)
	}
	var names []string
	for i, item := range n.items {
		switch {
		case item.kind == textKind:
			names = append(names, item.content())
		case item.kind == mapKind && len(item.fields) == 1:
			names = append(names, item.fields[0].key)
		default:
			o.wrong(item, index(path, i), "a name, or a mapping of one to its parameters")
		}
	}
	return names
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
