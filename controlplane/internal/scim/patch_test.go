package scim_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		active  bool
		members string
	}{
		`[{"op":"replace","path":"active","value":"False"}]`:                                                                   {false, "ann bob"},
		`[{"OP":"Replace","value":{"active":false}}]`:                                                                          {false, "ann bob"},
		`[{"op":"remove","path":"active"}]`:                                                                                    {true, "ann bob"},
		`[{"op":"add","path":"members","value":{"value":"eve"}}]`:                                                              {true, "ann bob eve"},
		`[{"op":"add","value":{"members":[{"value":"eve"},{"value":"ann"}]}}]`:                                                 {true, "ann bob eve"},
		`[{"op":"remove","path":"members[value eq \"ann\"]"}]`:                                                                 {true, "bob"},
		`[{"op":"Remove","path":"members","value":[{"value":"bob"},{"value":"nobody"}]}]`:                                      {true, "ann"},
		`[{"op":"remove","path":"members"}]`:                                                                                   {true, ""},
		`[{"op":"replace","path":"members","value":[{"value":"eve"}]}]`:                                                        {true, "eve"},
		`[{"op":"replace","path":"members[value eq \"ann\"]","value":{"value":"eve"}}]`:                                        {true, "bob eve"},
		`[{"op":"replace","path":"members","value":[]},{"op":"add","path":"members","value":"eve"}]`:                           {true, "eve"},
		`[{"op":"remove","path":"members[display eq \"ann\"]"}]`:                                                               {true, "ann bob"},
		`[{"op":"add","path":"members[value eq \"bob\"].display","value":"Bob"}]`:                                              {true, "ann bob"},
		`[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":"false"}]`:                            {false, "ann bob"},
		`[{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"active":false},"urn:x:y":{"active":true}}}]`: {false, "ann bob"},
	} {
		_, active, members, err := scim.TryPatch([]byte(`{"Operations":` + in + `}`))
		require.NoError(t, err, in)
		require.Equal(t, want.active, active, in)
		require.Equal(t, want.members, strings.Join(members, " "), in)
	}
}

// A change is made or refused in SCIM's shape.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"Operations":[{"op":"Replace","path":"active","value":"True"}]}`, `{"operations":[{"op":"add","value":{"emails":[{"type":"work","value":"x"}]}}]}`,
		`{"Operations":[{"op":"remove","path":"members[value eq \"x\"]"}]}`, `{"Operations":[{"op":"add","path":"emails[type eq \"work\"].value","value":"x"}]}`,
		`{"Operations":[{"op":"replace","path":"name","value":{"givenName":null}}]}`, `{"Operations":[null]}`, `[]`, `{"Operations":[{"op":"add","path":"members","value":[[{}]]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		name, _, members, err := scim.TryPatch(body)
		require.Equal(t, before, string(body), "what was sent is not written over")
		if err != nil {
			refused, ok := errors.AsType[*scim.Error](err)
			require.True(t, ok, "%v", err)
			require.True(t, json.Valid(refused.JSON()))
			require.GreaterOrEqual(t, refused.Status, 400)
			return
		}
		require.LessOrEqual(t, len(name), 512)
		for _, id := range members {
			require.NotEmpty(t, id)
		}
	})
}
