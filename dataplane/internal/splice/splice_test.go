package splice_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
)

func TestObject_edits_members_and_keeps_the_rest(t *testing.T) {
	t.Parallel()
	got := splice.Object([]byte(`{"a":1.50, "b":{"x":[1,2]},"c":"y","d":null}`), func(name string, _ []byte) splice.Edit {
		return map[string]splice.Edit{"a": {Name: "A"}, "b": {Cut: true}, "c": {Value: []byte(`7`)}}[name]
	}, splice.NewMember("e", []byte("true")))
	require.Equal(t, `{"A":1.50,"c":7,"d":null,"e":true}`, string(got))
}

func TestObject_returns_what_it_got_when_nothing_changes(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{`{"a":1}`, `{`, `[1]`, ``, `{"a":}`} {
		data := []byte(doc)
		got := splice.Object(data, func(_ string, value []byte) splice.Edit { return splice.Edit{Value: value} })
		require.Equal(t, doc, string(got))
	}
}

func TestList_cuts_and_replaces(t *testing.T) {
	t.Parallel()
	edit := func(e []byte) []byte {
		switch string(e) {
		case "1":
			return nil
		case "2":
			return []byte("22")
		}
		return e
	}
	require.Equal(t, `[22,3]`, string(splice.List([]byte(`[1,2,3]`), edit)))
	require.Equal(t, `[3, 4]`, string(splice.List([]byte(`[3, 4]`), edit)))
	require.Equal(t, `{"x":1}`, string(splice.List([]byte(`{"x":1}`), edit)))
	require.Equal(t, `[1`, string(splice.List([]byte(`[1`), edit)))
}

func TestRemove_follows_paths(t *testing.T) {
	t.Parallel()
	const doc = `{"tools":[{"function":{"name":"f","strict":true},"x":1},{"function":{"name":"g","strict":false}}],"a":{"b":{"c":1,"d":2}}}`
	for path, want := range map[string]string{
		"tools[*].function.strict":    `{"tools":[{"function":{"name":"f"},"x":1},{"function":{"name":"g"}}],"a":{"b":{"c":1,"d":2}}}`,
		"tools[1]":                    `{"tools":[{"function":{"name":"f","strict":true},"x":1}],"a":{"b":{"c":1,"d":2}}}`,
		"tools[0].x":                  `{"tools":[{"function":{"name":"f","strict":true}},{"function":{"name":"g","strict":false}}],"a":{"b":{"c":1,"d":2}}}`,
		"a.b.c":                       `{"tools":[{"function":{"name":"f","strict":true},"x":1},{"function":{"name":"g","strict":false}}],"a":{"b":{"d":2}}}`,
		"a['b']['*']":                 `{"tools":[{"function":{"name":"f","strict":true},"x":1},{"function":{"name":"g","strict":false}}],"a":{"b":{}}}`,
		"a":                           `{"tools":[{"function":{"name":"f","strict":true},"x":1},{"function":{"name":"g","strict":false}}]}`,
		"tools[9].x":                  doc,
		"nothing.here":                doc,
		"tools[*].function.name.deep": doc,
		"":                            doc,
	} {
		require.Equal(t, want, string(splice.Remove([]byte(doc), splice.ParsePath(path))), path)
	}
}

// FuzzRemove: whatever is cut, what was JSON stays JSON.
func FuzzRemove(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1},{"b":2}]}`), "a[*].b")
	f.Add([]byte(`[[1,2],{"x":{}}]`), "[0][1]")
	f.Add([]byte(`{"\u0061":1}`), "a[")
	f.Fuzz(func(t *testing.T, doc []byte, path string) {
		got := splice.Remove(doc, splice.ParsePath(path))
		if json.Valid(doc) {
			require.True(t, json.Valid(got), "%s became %s", doc, got)
		} else {
			require.Equal(t, doc, got)
		}
		_ = splice.Object(doc, func(name string, value []byte) splice.Edit { return splice.Edit{Value: value, Name: name} })
	})
}
