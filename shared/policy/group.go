package policy

import (
	"slices"
	"strings"
	"sync"

	"github.com/tianjillm/tianjillm/shared/route"
)

// llmRoutes is the group of all that calls a model or a vendor.
const llmRoutes = "llm_api_routes"

// group returns the routes that a name in a list of allowed routes stands for,
// or nil. Names and members are LiteLLM's (LiteLLMRoutes in
// litellm/proxy/_types.py), but that what is below a member belongs to it, that
// management is all below its four nouns, and that who may call models may ask
// which ones (LiteLLM's issue 37810).
func group(name string) *paths { return groups()[name] }

// Groups returns the names of the groups.
func Groups() []string {
	var names []string
	for name := range members() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// MemberPermissions returns the routes that a team may open to its members:
// LiteLLM's KeyManagementRoutes.
func MemberPermissions() []string {
	return fields(`
		/key/generate /key/update /key/delete /key/info /key/health /key/regenerate /key/service-account/generate /key/{key_id}/regenerate /key/list
		/key/block /key/unblock /key/bulk_update /team/daily/activity /spend/logs /key/{key_id}/reset_spend /key/aliases`)
}

//nolint:gochecknoglobals // a read-only table, made once: keys share it
var groups = sync.OnceValue(func() map[string]*paths {
	all := map[string]*paths{}
	for name, items := range members() {
		all[name] = &paths{}
		for _, item := range items {
			all[name].add(item)
		}
	}
	return all
})

func members() map[string][]string {
	keys := []string{"/key/*", "/team/daily/activity", "/spend/logs"}
	spend := fields(`/spend/keys /spend/users /spend/tags /spend/calculate /spend/logs /cost/estimate`)
	globalSpend := fields(`/global/spend /global/predict/spend/logs`)
	info := fields(`
		/key/info /key/health /key/list /v2/key/info /team/info /team/list /v2/team/list /team/available /organization/list /user/info /v2/user/info
		/user/filter/ui /model/info /v1/model/info /v2/model/info /model_group/info /models /v1/models /health /sso/get/ui_settings`)
	management := append(fields(`/team/* /user/* /model/* /jwt/key/mapping/*`), keys...)
	selfManaged := fields(`
		/team/member_add /team/member_delete /team/member_update /team/permissions_list /team/permissions_update /team/daily/activity
		/model/new /model/update /model/delete /model/{model_id}/update /user/daily/activity /user/available_roles /user/list
		/prompt/list /prompt/info /invitation/new /invitation/delete /guardrails/register /guardrails/submissions`)
	viewer := append(fields(`
		/user/list /user/available_users /user/available_roles /user/daily/activity /team/daily/activity /tag/daily/activity /tag/list /audit
		/global/activity`), info...)
	orgAdmin := fields(`/organization/info /organization/delete /organization/member_add /organization/member_update`)
	passThrough := slices.Concat(route.PassThroughPrefixes(), fields(`/cursor /langfuse /assemblyai /eu.assemblyai /milvus`))
	all := map[string][]string{
		"openai_routes":                  openAI(),
		"anthropic_routes":               fields(`/v1/messages /v1/skills`),
		"google_routes":                  versions("/v1beta", "/models /interactions"),
		"mapped_pass_through_routes":     passThrough,
		"passthrough_routes_wildcard":    passThrough,
		"litellm_native_routes":          versions("/v1", "/rag"),
		"mcp_routes":                     fields(`/mcp /mcp-rest /v1/mcp`),
		"agent_routes":                   fields(`/v1/agents /agents /a2a`),
		"apply_guardrail_routes":         fields(`/guardrails/apply_guardrail`),
		"info_routes":                    info,
		"master_key_only_routes":         fields(`/global/spend/reset /memory-usage-in-mem-cache /memory-usage-in-mem-cache-items`),
		"key_management_routes":          keys,
		"management_routes":              management,
		"spend_tracking_routes":          spend,
		"global_spend_tracking_routes":   globalSpend,
		"public_routes":                  public(),
		"internal_user_routes":           slices.Concat(fields(`/global/activity /models /v1/models /guardrails/list /v2/guardrails/list`), spend, globalSpend, keys),
		"internal_user_view_only_routes": slices.Concat(spend, globalSpend),
		"self_managed_routes":            selfManaged,
		"org_admin_only_routes":          orgAdmin,
		"admin_viewer_routes":            viewer,
		"org_admin_allowed_routes":       slices.Concat(orgAdmin, management, selfManaged, viewer),
		llmRoutes:                        fields(`/model/info /v1/model/info /v2/model/info /model_group/info`),
	}
	for _, part := range []string{
		"openai_routes", "anthropic_routes", "google_routes", "mapped_pass_through_routes", "litellm_native_routes", "mcp_routes", "agent_routes", "apply_guardrail_routes",
	} {
		all[llmRoutes] = append(all[llmRoutes], all[part]...)
	}
	return all
}

func openAI() []string {
	return append(versions("/v1", `
		/chat/completions /completions /embeddings /responses /images /videos /audio /moderations /rerank /realtime /models /files /uploads /batches
		/fine_tuning /vector_stores /vector_store/list /assistants /threads /evals /search /ocr /containers`),
		fields(`/openai/deployments /engines /v2/rerank /cursor/chat/completions /utils/token_counter /utils/transform_request`)...)
}

func public() []string {
	var all []string
	for _, r := range route.Table() {
		if r.Access == route.Public {
			all = append(all, r.Path)
		}
	}
	return all
}

// versions are paths with and without a version in front.
func versions(version, list string) []string {
	all := fields(list)
	for _, path := range fields(list) {
		all = append(all, version+path)
	}
	return all
}

func fields(list string) []string { return strings.Fields(list) }
