//nolint:tagliatelle // the names are the vendor's
package fakegemini

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// schema is the part of OpenAPI's that the API has.
// https://ai.google.dev/api/caching#Schema
type schema struct {
	Type       any                        `json:"type"`
	Format     string                     `json:"format"`
	Enum       []any                      `json:"enum"`
	Items      json.RawMessage            `json:"items"`
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
	AnyOf      []json.RawMessage          `json:"anyOf"`
}

func schemaMembers() []string {
	return strings.Fields(`type format title description nullable enum maxItems minItems properties required minProperties maxProperties
		minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum`)
}

// checkSchema refuses what is not a schema of the API's.
func checkSchema(raw json.RawMessage, where string) *fakevendor.Failure {
	if f := unknown(raw, where, schemaMembers()); f != nil {
		return f
	}
	var s schema
	if json.Unmarshal(raw, &s) != nil {
		return fakevendor.Refuse("Invalid value at '" + where + "'")
	}
	if f := s.check(where); f != nil {
		return f
	}
	for name, p := range s.Properties {
		if f := checkSchema(p, where+".properties["+name+"]"); f != nil {
			return f
		}
	}
	if len(s.Items) > 0 {
		if f := checkSchema(s.Items, where+".items"); f != nil {
			return f
		}
	}
	for i, p := range s.AnyOf {
		if f := checkSchema(p, fmt.Sprintf("%s.any_of[%d]", where, i)); f != nil {
			return f
		}
	}
	return nil
}

func (s *schema) check(where string) *fakevendor.Failure {
	if _, ok := s.Type.([]any); ok {
		return fakevendor.Refuse("Invalid value at '" + where + ".type': Proto field is not repeating, cannot start list.")
	}
	word, _ := s.Type.(string)
	kind := strings.ToUpper(word)
	if !slices.Contains([]string{"", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}, kind) {
		return fakevendor.Refuse("Invalid value at '" + where + ".type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), \"" + word + "\"")
	}
	const prefix = "* GenerateContentRequest."
	switch {
	case kind == "" && len(s.AnyOf) == 0:
		return fakevendor.Refuse(prefix + where + ".type: must be specified.")
	case kind == "OBJECT" && s.Properties != nil && len(s.Properties) == 0:
		return fakevendor.Refuse(prefix + where + ".properties: should be non-empty for OBJECT type")
	case kind == "ARRAY" && len(s.Items) == 0:
		return fakevendor.Refuse(prefix + where + ".items: missing field.")
	case len(s.Enum) > 0 && kind != "STRING":
		return fakevendor.Refuse(prefix + where + ".enum: only allowed for STRING type")
	case kind == "STRING" && !slices.Contains([]string{"", "enum", "date-time"}, s.Format):
		return fakevendor.Refuse(prefix + where + ".format: only 'enum' and 'date-time' are supported for STRING type")
	}
	for i, name := range s.Required {
		if _, ok := s.Properties[name]; !ok {
			return fakevendor.Refuse(fmt.Sprintf("%s%s.required[%d]: property is not defined", prefix, where, i))
		}
	}
	return nil
}
