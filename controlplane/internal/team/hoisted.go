package team

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

type raw = field.Of[json.RawMessage]

// hoistedFields are the members of a request that LiteLLM keeps inside metadata
// under the same name, beside those about limits (see limit.Fields).
type hoistedFields struct {
	Tags                  raw `json:"tags"`
	Guardrails            raw `json:"guardrails"`
	Policies              raw `json:"policies"`
	Prompts               raw `json:"prompts"`
	Logging               raw `json:"logging"`
	PassThroughRoutes     raw `json:"allowed_passthrough_routes"`
	VectorStoreIndexes    raw `json:"allowed_vector_store_indexes"`
	BatchOutputExpires    raw `json:"enforced_batch_output_expires_after"`
	FileExpires           raw `json:"enforced_file_expires_after"`
	MemberKeyDuration     raw `json:"team_member_key_duration"`
	SecretManagerSettings raw `json:"secret_manager_settings"`
}

// kind is the JSON type of a member.
type kind string

const (
	texts   kind = "array of strings"
	objects kind = "array of objects"
	object  kind = "object"
	text    kind = "string"
)

type hoisted struct {
	name string
	kind kind
	sent raw
}

func (f *hoistedFields) all() []hoisted {
	return []hoisted{
		{"tags", texts, f.Tags},
		{"guardrails", texts, f.Guardrails},
		{"policies", texts, f.Policies},
		{"prompts", texts, f.Prompts},
		{logging, objects, f.Logging},
		{"allowed_passthrough_routes", texts, f.PassThroughRoutes},
		{"allowed_vector_store_indexes", objects, f.VectorStoreIndexes},
		{"enforced_batch_output_expires_after", object, f.BatchOutputExpires},
		{"enforced_file_expires_after", object, f.FileExpires},
		{"team_member_key_duration", text, f.MemberKeyDuration},
		{"secret_manager_settings", object, f.SecretManagerSettings},
	}
}

func (f *hoistedFields) sends() bool {
	return slices.ContainsFunc(f.all(), func(h hoisted) bool { return h.sent.Sent })
}

// check refuses a value of another type.
func (h *hoisted) check() error {
	var into any
	typ, message := "list_type", "Input should be a valid list"
	switch h.kind {
	case texts:
		into = new([]string)
	case objects:
		into = new([]map[string]any)
	case text:
		into, typ, message = new(string), "string_type", "Input should be a valid string"
	case object:
		into, typ, message = new(map[string]any), "dict_type", "Input should be a valid dictionary"
	}
	if err := json.Unmarshal(h.sent.Value, into); err != nil {
		return apierr.Invalid(typ, h.name, message).Because(err)
	}
	return nil
}

// changeMetadata replaces the metadata, but for the budget of members: who does
// not know of it must not take it away. Then it sets what is kept inside it.
func (s *Service) changeMetadata(r *Request, row *db.TeamTable) error {
	former := row.Metadata
	if r.Metadata.Sent {
		meta, err := bounds.Encode("metadata", r.Metadata.Value)
		if err != nil {
			return err
		}
		kept := defaultBudget(*row)
		if _, given := r.Metadata.Value[memberBudget].(string); kept != nil && !given {
			if meta, err = withMember(meta, memberBudget, *kept); err != nil {
				return err
			}
		}
		row.Metadata = meta
	}
	if err := r.hoist(row); err != nil {
		return err
	}
	if !r.Metadata.Sent && !r.Logging.Sent {
		return nil
	}
	var err error
	row.Metadata, err = s.sealed(row.TeamID, row.Metadata, former)
	return err
}

func (r *Request) hoist(row *db.TeamTable) error {
	if !r.sends() {
		return nil
	}
	meta := map[string]any{}
	maps.Copy(meta, members(row.Metadata))
	for _, h := range r.all() {
		switch {
		case !h.sent.Sent:
		case h.sent.Null:
			delete(meta, h.name)
		default:
			if err := h.check(); err != nil {
				return err
			}
			meta[h.name] = h.sent.Value
		}
	}
	var err error
	row.Metadata, err = bounds.Encode("metadata", meta)
	return err
}

// members are those of an object; it is never nil.
func members(object json.RawMessage) map[string]any {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(object, &all) // it is an object, or was never written
	out := make(map[string]any, len(all))
	for name, value := range all {
		out[name] = value
	}
	return out
}

// SchemaField is a member of metadata that means something.
type SchemaField struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
}

// Schema is the reply of /team/metadata_schema.
type Schema struct {
	Fields []SchemaField `json:"fields"`
}

// MetadataSchema returns the members of a team's metadata that requests set by
// members of their own.
func MetadataSchema() Schema {
	out := Schema{Fields: []SchemaField{}}
	for _, h := range (&hoistedFields{}).all() {
		out.Fields = append(out.Fields, SchemaField{h.name, string(h.kind), "set by " + h.name + " of /team/new and /team/update"})
	}
	out.Fields = append(out.Fields, []SchemaField{
		{"model_rpm_limit", string(object), "requests in a minute, by the model"},
		{"model_tpm_limit", string(object), "tokens in a minute, by the model"},
		{"rpm_limit_type", string(text), "guaranteed_throughput or best_effort_throughput"},
		{"tpm_limit_type", string(text), "guaranteed_throughput or best_effort_throughput"},
		{memberBudget, string(text), "the budget of members without one; set by team_member_budget and its like"},
	}...)
	return out
}
