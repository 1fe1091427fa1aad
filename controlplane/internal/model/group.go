package model

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Group is all deployments behind one name, as /model_group/info shows them:
// of each limit and price the largest, of each ability what any of them has.
type Group struct {
	Name              string   `json:"model_group"`
	Providers         []string `json:"providers"`
	MaxInputTokens    *float64 `json:"max_input_tokens"`
	MaxOutputTokens   *float64 `json:"max_output_tokens"`
	InputCost         *float64 `json:"input_cost_per_token"`
	OutputCost        *float64 `json:"output_cost_per_token"`
	Mode              *string  `json:"mode"`
	TPM               *float64 `json:"tpm"`
	RPM               *float64 `json:"rpm"`
	ParallelFunctions bool     `json:"supports_parallel_function_calling"`
	Vision            bool     `json:"supports_vision"`
	WebSearch         bool     `json:"supports_web_search"`
	Reasoning         bool     `json:"supports_reasoning"`
	Functions         bool     `json:"supports_function_calling"`
	// SupportedParams is empty: parameters that a vendor lacks are translated.
	SupportedParams []string `json:"supported_openai_params"`
	ClientSideAuth  any      `json:"configurable_clientside_auth_params"`
	Public          bool     `json:"is_public_model_group"`
}

// GroupInfo returns the model groups that are seen; with a name, that one alone.
func (s *Service) GroupInfo(ctx context.Context, eyes *Eyes, name string) ([]Group, error) {
	all, err := s.List(ctx, eyes, "")
	if err != nil {
		return nil, err
	}
	groups := map[string]*Group{}
	for i := range all {
		one := &all[i]
		if blocked, _ := one.ModelInfo["blocked"].(bool); blocked || name != "" && one.ModelName != name {
			continue
		}
		g := groups[one.ModelName]
		if g == nil {
			g = &Group{Name: one.ModelName, Providers: []string{}, SupportedParams: []string{}}
			groups[one.ModelName] = g
		}
		g.add(one)
	}
	if name != "" && len(groups) == 0 {
		return nil, &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, NoneText: true, Message: fmt.Sprintf("Model group %s not found", name)}
	}
	out := make([]Group, 0, len(groups))
	for _, n := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, *groups[n])
	}
	return out, nil
}

func (g *Group) add(one *Info) {
	about := one.ModelInfo
	if provider, ok := about["litellm_provider"].(string); ok && !slices.Contains(g.Providers, provider) {
		g.Providers = append(g.Providers, provider)
	}
	if mode, ok := about["mode"].(string); ok && g.Mode == nil {
		g.Mode = &mode
	}
	g.measure(one)
	for name, dst := range map[string]*bool{
		"supports_parallel_function_calling": &g.ParallelFunctions, "supports_vision": &g.Vision, "supports_function_calling": &g.Functions,
		"supports_web_search": &g.WebSearch, "supports_reasoning": &g.Reasoning,
	} {
		*dst = *dst || truth(about[name])
	}
	if params, ok := one.LitellmParams["configurable_clientside_auth_params"]; ok && g.ClientSideAuth == nil {
		g.ClientSideAuth = params
	}
}

// measure takes the largest of what each deployment bears or costs, and the sum
// of what they do in a minute.
func (g *Group) measure(one *Info) {
	about := one.ModelInfo
	for name, dst := range map[string]**float64{
		"max_input_tokens": &g.MaxInputTokens, "max_output_tokens": &g.MaxOutputTokens,
		"input_cost_per_token": &g.InputCost, "output_cost_per_token": &g.OutputCost,
	} {
		if n, ok := number(about[name]); ok && (*dst == nil || n > **dst) {
			*dst = &n
		}
	}
	for name, dst := range map[string]**float64{"tpm": &g.TPM, "rpm": &g.RPM} {
		n, ok := number(one.LitellmParams[name])
		if !ok {
			n, ok = number(about[name])
		}
		if ok && *dst != nil {
			n += **dst
		}
		if ok {
			*dst = &n
		}
	}
}

// number reads what stands in an Info, which may still be JSON.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case json.RawMessage:
		var n *float64
		if json.Unmarshal(v, &n) == nil && n != nil {
			return *n, true
		}
	}
	return 0, false
}

func truth(v any) bool {
	raw, ok := v.(json.RawMessage)
	return v == true || ok && string(raw) == "true"
}
