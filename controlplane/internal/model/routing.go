package model

import (
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// routing is what data planes need to choose a deployment. What
// litellm_params say comes before model_info.
func routing(m proxyconfig.Model) contract.Routing {
	p, i := m.Params, m.Info
	return contract.Routing{
		Weight: value(p.Weight), RPM: int64(value(earlier(p.RPM, i.RPM))), TPM: int64(value(earlier(p.TPM, i.TPM))),
		MaxParallel: int64(value(p.MaxParallel)), Budget: budget(p.Budget), KeyRPM: p.KeyRPM, KeyTPM: p.KeyTPM, Order: wide(earlier(p.Order, i.Order)), Tags: p.Tags, TagRegex: p.TagRegex, Region: p.RegionName,
		AccessGroups: i.AccessGroups, BaseModel: firstText(i.BaseModel, p.BaseModel), MaxInputTokens: int64(value(i.MaxInputTokens)),
		TeamID: i.TeamID, TeamPublicName: i.TeamPublicName,
		// The SDK's retries and the router's are one thing here.
		NumRetries: earlier(p.NumRetries, p.MaxRetries), CooldownMS: millis(earlier(p.CooldownTime, i.CooldownTime)),
		AllowedFails: wide(i.AllowedFails), AllowedFailsPolicy: wideMap(i.AllowedFailsPolicy), StreamIdleTimeoutMS: milliseconds(p.StreamIdleTimeout),
	}
}

func budget(b *proxyconfig.Budget) *contract.Budget {
	if b == nil {
		return nil
	}
	return &contract.Budget{MaxNano: int64(b.Max), Duration: b.Duration}
}

// earlier returns the first that is set.
func earlier[T any](values ...*T) *T {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	return new(int64(*n))
}

func wideMap(m map[string]int) map[string]int64 {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]int64, len(m))
	for k, n := range m {
		out[k] = int64(n)
	}
	return out
}

func millis(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(d.Milliseconds())
}

func firstText(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// shownRouting is the same as /model/info shows it: as it was written.
func shownRouting(p proxyconfig.Params) map[string]any {
	out := map[string]any{}
	for name, n := range map[string]*int{
		"rpm": p.RPM, "tpm": p.TPM, "order": p.Order, "max_retries": p.MaxRetries, "num_retries": p.NumRetries, "max_parallel_requests": p.MaxParallel,
	} {
		if n != nil {
			out[name] = *n
		}
	}
	for name, d := range map[string]*time.Duration{
		"timeout": p.Timeout, "stream_timeout": p.StreamTimeout, "stream_idle_timeout": p.StreamIdleTimeout, "cooldown_time": p.CooldownTime,
	} {
		if d != nil {
			out[name] = d.Seconds()
		}
	}
	for name, list := range map[string][]string{"tags": p.Tags, "tag_regex": p.TagRegex} {
		if len(list) > 0 {
			out[name] = list
		}
	}
	for name, n := range map[string]*int64{"default_api_key_rpm_limit": p.KeyRPM, "default_api_key_tpm_limit": p.KeyTPM} {
		if n != nil {
			out[name] = *n
		}
	}
	if p.Budget != nil {
		out["max_budget"] = p.Budget.Max.USD()
		if p.Budget.Duration != "" {
			out["budget_duration"] = p.Budget.Duration
		}
	}
	if p.Weight != nil {
		out["weight"] = *p.Weight
	}
	if p.BaseModel != "" {
		out["base_model"] = p.BaseModel
	}
	return out
}
