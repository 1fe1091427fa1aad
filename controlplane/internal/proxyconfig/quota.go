package proxyconfig

import "slices"

// ProxyLimits are the limits of general_settings.
type ProxyLimits struct {
	FailClosed    bool   // limits_fail: closed; ours
	TokenRateType string // token_rate_limit_type: input, output or total
	// These are for the whole proxy. LiteLLM has the parallel one only.
	RPM, TPM, RPH, TPH, RPD, TPD *int64
	MaxParallel                  *int64 // global_max_parallel_requests
	// DefaultMaxParallel is max_parallel_requests, for each deployment without
	// one of its own.
	DefaultMaxParallel *int64
	SplitBatches       bool // ours
	FreeBatches        bool // disable_batch_input_file_rate_limiting
	Customers          CustomerLimits
}

// CustomerLimits are for each customer without a budget of its own.
type CustomerLimits struct {
	Budget   *Budget // max_end_user_budget
	BudgetID string  // max_end_user_budget_id: a row of budgets
}

// SpendLimits are the limits of litellm_settings.
type SpendLimits struct {
	Budget     *Budget // of the whole proxy
	Customers  CustomerLimits
	Tags       map[string]Budget // tag_budget_config
	Priorities *Priorities       // nil when nothing asks for them
}

// Priorities are priority_reservation and priority_reservation_settings.
type Priorities struct {
	Shares              map[string]Share
	Default, Saturation *float64
}

// Share is what a priority has of a model's capacity.
type Share struct {
	Type  string // percent, rpm or tpm
	Value float64
}

func readProxyLimits(o *object) ProxyLimits {
	return ProxyLimits{
		FailClosed:    o.oneOf("limits_fail", "open", "closed") == "closed",
		TokenRateType: o.oneOf("token_rate_limit_type", "input", "output", "total"),
		RPM:           o.limit("rpm_limit"), TPM: o.limit("tpm_limit"),
		RPH: o.limit("rph_limit"), TPH: o.limit("tph_limit"),
		RPD: o.limit("rpd_limit"), TPD: o.limit("tpd_limit"),
		MaxParallel:        o.limit("global_max_parallel_requests"),
		DefaultMaxParallel: o.limit("max_parallel_requests"),
		SplitBatches:       o.enabled("split_batches"),
		FreeBatches:        o.enabled("disable_batch_input_file_rate_limiting"),
		Customers:          readCustomerLimits(o),
	}
}

func readCustomerLimits(o *object) CustomerLimits {
	return CustomerLimits{
		Budget:   o.budget([]string{"max_end_user_budget"}, nil),
		BudgetID: o.label("max_end_user_budget_id"),
	}
}

func readSpendLimits(o *object, callbacks []string) SpendLimits {
	return SpendLimits{
		Budget:     o.budget([]string{"max_budget"}, []string{"budget_duration"}),
		Customers:  readCustomerLimits(o),
		Tags:       o.budgets("tag_budget_config"),
		Priorities: readPriorities(o, callbacks),
	}
}

// readPriorities follows LiteLLM in that a callback turns them on; here shares
// alone do as well.
func readPriorities(o *object, callbacks []string) *Priorities {
	settings := o.object("priority_reservation_settings")
	settings.warnUnknown(keysOf(`default_priority saturation_check_cache_ttl saturation_threshold`))
	p := &Priorities{
		Shares:     o.shares("priority_reservation"),
		Default:    settings.fraction("default_priority"),
		Saturation: settings.fraction("saturation_threshold"),
	}
	if p.Shares == nil && !slices.Contains(callbacks, "dynamic_rate_limiter_v3") && !slices.Contains(callbacks, "dynamic_rate_limiter") {
		return nil
	}
	return p
}

// shares reads a mapping of priorities to fractions or to {type, value}.
func (o *object) shares(key string) map[string]Share {
	all := o.object(key)
	if all.node == nil {
		return nil
	}
	out := map[string]Share{}
	sum := 0.0
	for _, f := range all.node.fields {
		share := Share{Type: "percent"}
		value := all.number
		name := f.key
		if f.value.kind == mapKind {
			one := all.object(f.key)
			one.warnUnknown(keysOf(`type value`))
			if t := one.oneOf("type", "percent", "rpm", "tpm"); t != "" {
				share.Type = t
			}
			if one.get("value") == nil {
				all.wrong(f.value, one.path, "{type: percent, rpm or tpm, value: a number}")
			}
			value, name = one.number, "value"
		}
		if n := value(name); n != nil {
			share.Value = *n
		}
		if share.Type == "percent" {
			sum += share.Value
		}
		out[f.key] = share
	}
	if sum > 1+1e-9 {
		o.problems.warnf(all.node.place(all.path), "the shares add up to more than 1; each is divided by their sum")
	}
	return out
}

// fraction is a number from 0 to 1.
func (o *object) fraction(key string) *float64 {
	n := o.number(key)
	if n != nil && *n > 1 {
		o.wrong(o.get(key), join(o.path, key), "a number from 0 to 1")
		return nil
	}
	return n
}
