package claude_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/claude"
)

func FuzzStrictSchema(f *testing.F) {
	f.Add([]byte(`{"type":"object","properties":{"a":{"type":["object","null"],"minLength":1,"description":"d"},"b":{"items":{"properties":{}}}},"anyOf":[{"minimum":0},true]}`))
	f.Add([]byte(`{"$defs":{"x":{"type":"object","additionalProperties":{"type":"string"}}},"$ref":"#/$defs/x"}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		if json.Valid(schema) {
			require.True(t, json.Valid(claude.StrictSchema(schema)))
		}
	})
}
