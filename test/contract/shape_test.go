package contract_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shape is the members of an object and their types: string, number, bool,
// array, object or time; "?" allows null besides.
type shape map[string]string

// with returns the shape with more members.
func (s shape) with(more shape) shape {
	all := maps.Clone(s)
	maps.Copy(all, more)
	return all
}

// check fails when a member is missing, is of another type, or is one that
// nobody asked for.
func (s shape) check(t *testing.T, object any) map[string]any {
	t.Helper()
	o, ok := object.(map[string]any)
	require.True(t, ok, "%T is no object: %v", object, object)
	for name, kind := range s {
		value, there := o[name]
		require.True(t, there, "%q is missing from %v", name, o)
		base, nullable := strings.CutSuffix(kind, "?")
		if value == nil {
			require.True(t, nullable, "%q is null", name)
			continue
		}
		require.Equal(t, base, kindOf(base, value), "%q is %v", name, value)
	}
	for name := range o {
		require.Contains(t, s, name, "a member that LiteLLM does not have")
	}
	return o
}

func kindOf(want string, value any) string {
	switch v := value.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339Nano, v); err == nil && want == "time" {
			return "time"
		}
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// keyInfo is a key without its hash.
func keyInfo() shape {
	return shape{
		"key_name": "string", "key_alias": "string?", "soft_budget_cooldown": "bool", "spend": "number", "expires": "time?", "models": "array",
		"aliases": "object", "config": "object", "user_id": "string?", "team_id": "string?", "organization_id": "string?", "agent_id": "string?",
		"project_id": "string?", "permissions": "object", "max_parallel_requests": "number?", "metadata": "object", "blocked": "bool?",
		"tpm_limit": "number?", "rpm_limit": "number?", "max_budget": "number?", "budget_duration": "string?", "budget_reset_at": "time?",
		"allowed_cache_controls": "array", "allowed_routes": "array", "model_spend": "object", "model_max_budget": "object", "budget_id": "string?",
		"object_permission_id": "string?", "litellm_budget_table": "object?", "created_at": "time", "created_by": "string?", "updated_at": "time",
		"updated_by": "string?", "last_active": "time?", "rotation_count": "number", "last_rotation_at": "time?",
		"auto_rotate": "bool", "rotation_interval": "string?", "key_rotation_at": "time?", "access_group_ids": "array", "router_settings": "object?",
		"object_permission": "object?",
		"soft_budget":       "number?", "budget_limits": "array?",
	}
}

func keyRow() shape { return keyInfo().with(shape{"token": "string"}) }

func generatedKey() shape {
	return keyRow().with(shape{
		"key": "string", "token_id": "string", "model_rpm_limit": "object?", "model_tpm_limit": "object?", "guardrails": "array?", "tags": "array?", "rpm_limit_type": "string?", "tpm_limit_type": "string?", "policies": "array?", "prompts": "array?", "enforced_params": "array?", "duration": "string?",
	})
}

func teamView() shape {
	return shape{
		"team_id": "string", "team_alias": "string?", "organization_id": "string?", "admins": "array", "members": "array",
		"members_with_roles": "array", "team_member_permissions": "array", "metadata": "object", "tpm_limit": "number?", "rpm_limit": "number?",
		"max_parallel_requests": "number?", "max_budget": "number?", "budget_duration": "string?", "budget_reset_at": "time?", "models": "array",
		"model_aliases": "object", "blocked": "bool", "spend": "number", "model_id": "number?", "litellm_model_table": "object?",
		"created_at": "time", "updated_at": "time", "soft_budget": "number?", "budget_limits": "array?", "model_max_budget": "object",
		"access_group_ids": "array",
	}
}

func userRow() shape {
	return shape{
		"user_id": "string", "user_alias": "string?", "user_email": "string?", "user_role": "string?", "sso_user_id": "string?", "teams": "array", "metadata": "object",
		"models": "array", "spend": "number", "max_budget": "number?", "budget_duration": "string?", "budget_reset_at": "time?",
		"max_parallel_requests": "number?", "tpm_limit": "number?", "rpm_limit": "number?", "created_at": "time", "updated_at": "time",
		"soft_budget": "number?", "budget_limits": "array?", "model_max_budget": "object",
	}
}

func modelRow() shape {
	return shape{
		"model_id": "string", "model_name": "string", "litellm_params": "object", "model_info": "object", "blocked": "bool",
		"created_at": "time", "created_by": "string", "updated_at": "time", "updated_by": "string",
	}
}
