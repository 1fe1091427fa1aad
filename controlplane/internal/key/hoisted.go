package key

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// hoistedFields are the members of a request that LiteLLM keeps inside metadata
// under the same name, beside those about limits (see limit.Fields).
type hoistedFields struct {
	EnforcedParams         field.Of[json.RawMessage] `json:"enforced_params"`
	Guardrails             field.Of[json.RawMessage] `json:"guardrails"`
	Policies               field.Of[json.RawMessage] `json:"policies"`
	Tags                   field.Of[json.RawMessage] `json:"tags"`
	Prompts                field.Of[json.RawMessage] `json:"prompts"`
	Logging                field.Of[json.RawMessage] `json:"logging"`
	PassThroughRoutes      field.Of[json.RawMessage] `json:"allowed_passthrough_routes"`
	VectorStoreIndexes     field.Of[json.RawMessage] `json:"allowed_vector_store_indexes"`
	BatchOutputExpires     field.Of[json.RawMessage] `json:"enforced_batch_output_expires_after"`
	FileExpires            field.Of[json.RawMessage] `json:"enforced_file_expires_after"`
	TeamMemberKeyDuration  field.Of[json.RawMessage] `json:"team_member_key_duration"`
	SecretManagerSettings  field.Of[json.RawMessage] `json:"secret_manager_settings"`
	DisableGlobalGuardrail field.Of[json.RawMessage] `json:"disable_global_guardrails"`
}

func (r *hoistedFields) hoisted() map[string]field.Of[json.RawMessage] {
	return map[string]field.Of[json.RawMessage]{
		"enforced_params": r.EnforcedParams, "guardrails": r.Guardrails, "policies": r.Policies, "tags": r.Tags,
		"prompts": r.Prompts, "logging": r.Logging, "allowed_passthrough_routes": r.PassThroughRoutes,
		"allowed_vector_store_indexes": r.VectorStoreIndexes, "enforced_batch_output_expires_after": r.BatchOutputExpires,
		"enforced_file_expires_after": r.FileExpires, "team_member_key_duration": r.TeamMemberKeyDuration,
		"secret_manager_settings": r.SecretManagerSettings, "disable_global_guardrails": r.DisableGlobalGuardrail,
	}
}

// checkHoisted refuses a value that is not of its member's type.
func checkHoisted(name string, value json.RawMessage) error {
	var into any
	kind, message := "list_type", "Input should be a valid list"
	switch name {
	case "enforced_params", "guardrails", "policies", "tags", "prompts", "allowed_passthrough_routes":
		into = new([]string)
	case "logging":
		into = new([]map[string]any)
	case "allowed_vector_store_indexes":
		return checkIndexes(name, value)
	case "team_member_key_duration":
		into, kind, message = new(string), "string_type", "Input should be a valid string"
	case "disable_global_guardrails":
		into, kind, message = new(bool), "bool_type", "Input should be a valid boolean"
	default:
		into, kind, message = new(map[string]any), "dict_type", "Input should be a valid dictionary"
	}
	if err := json.Unmarshal(value, into); err != nil {
		return apierr.Invalid(kind, name, message).Because(err)
	}
	return nil
}

// checkIndexes refuses permissions on indexes of vector stores that are none.
func checkIndexes(name string, value json.RawMessage) error {
	var indexes []struct {
		Name        string   `json:"index_name"`
		Permissions []string `json:"index_permissions"`
	}
	if err := json.Unmarshal(value, &indexes); err != nil {
		return apierr.Invalid("list_type", name, "Input should be a valid list").Because(err)
	}
	for _, index := range indexes {
		if index.Name == "" {
			return apierr.Invalid("missing", name, "index_name: Field required")
		}
		for _, p := range index.Permissions {
			if p != "read" && p != "write" {
				return apierr.Invalid("literal_error", name, "index_permissions: Input should be 'read' or 'write'")
			}
		}
	}
	return nil
}

// applyMetadata replaces metadata where it was sent, and then sets the members
// that are sent beside it but kept inside it.
func (r *Request) applyMetadata(row *db.VerificationToken) error {
	if err := setObject(&row.Metadata, "metadata", r.Metadata); err != nil {
		return err
	}
	var present map[string]json.RawMessage
	_ = json.Unmarshal(row.Metadata, &present) // it is an object, or was never written
	meta := make(map[string]any, len(present))
	for name, value := range present {
		meta[name] = value
	}
	changed := false
	for name, f := range r.hoisted() {
		if !f.Sent {
			continue
		}
		changed = true
		if f.Null {
			delete(meta, name)
			continue
		}
		if err := checkHoisted(name, f.Value); err != nil {
			return err
		}
		meta[name] = f.Value
	}
	if !changed {
		return nil
	}
	b, err := bounds.Encode("metadata", meta)
	if err != nil {
		return err //nolint:wrapcheck // it is for the client
	}
	row.Metadata = b
	return nil
}
