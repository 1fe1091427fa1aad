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
		Credentials: readCredentials(p, o.get("credential_list")),
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
		ControlPlaneURL:   o.text("control_plane_url"),
		ModelCostMapURL:   o.text("model_cost_map_url"),
		ModelCostMapPath:  o.text("model_cost_map_path"),
		PassThrough:       readPassThrough(o),
		JWT:               readJWT(o),
		Limits:            readProxyLimits(o),
		Audit:             readAudit(o),
		AllowedRoutes:     o.texts("allowed_routes"),
		AdminOnlyRoutes:   o.texts("admin_only_routes"),
		NoPersonalKeys:    o.enabled("default_team_disabled"),
		SpendRetention:    o.text("maximum_spend_logs_retention_period"),
		StorePrompts:      o.enabled("store_prompts_in_spend_logs"),
		PromptRetention:   o.text("maximum_stored_prompts_retention_period"),
		ClientCredentials: o.enabled("allow_client_side_credentials"),
		OpenResponses:     o.enabled("disable_responses_id_security"),
		ForeignResponses:  o.enabled("allow_unmanaged_response_ids"),
		Raw:               o.raw(),
	}
	readUserHeaders(o, &g)
	if shown := o.boolean("limit_headers"); shown != nil {
		g.HideLimits = !*shown
	}
	if security := o.boolean("responses_id_security"); security != nil && !*security {
		g.OpenResponses = true
	}
	if g.LitellmCompat != "" && g.LitellmCompat != Compat183 {
		o.problems.errorf(o.get("litellm_compat").place(join(o.path, "litellm_compat")),
			"expected %q, the only older behaviour there is, or nothing", Compat183)
	}
	return g
}

func readAudit(o *object) Audit {
	return Audit{
		Retention: o.text("audit_retention"), Chain: o.enabled("audit_chain"), Archive: o.text("audit_archive"),
		ArchiveRegion: o.text("audit_archive_region"), ArchiveEndpoint: o.text("audit_archive_endpoint"),
		ArchiveKeyID: o.text("audit_archive_access_key_id"), ArchiveSecret: o.ownSecret("audit_archive_secret_access_key"),
	}
}

func readSettings(o *object) Settings {
	o.warnUnknown(keysOf(settingsKeys, routerKeys), generalSection(), section{"the top level", keysOf(topKeys)})
	callbacks := o.names("callbacks")
	return Settings{
		DropParams:        o.enabled("drop_params"),
		StoreAuditLogs:    o.enabled("store_audit_logs"),
		NoMessageLogging:  o.enabled("turn_off_message_logging"),
		NoLogIgnored:      o.enabled("global_disable_no_log_param"),
		RequestTimeout:    o.seconds("request_timeout"),
		ExposeRouterDebug: o.boolean("expose_router_debug_in_errors"),
		Callbacks:         callbacks,
		SuccessCallbacks:  o.names("success_callback"),
		FailureCallbacks:  o.names("failure_callback"),
		ModelCostMapURL:   o.text("model_cost_map_url"),
		Cache:             readCache(o),
		Limits:            readSpendLimits(o, callbacks),
		NewKeys:           readNewKeys(o),
		NewUsers:          readNewUsers(o),
		NewTeams:          readNewTeams(o),
		Router:            readRouting(o),
		Raw:               o.raw(),
	}
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
