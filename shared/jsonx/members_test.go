package jsonx_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func TestRewrite(t *testing.T) {
	t.Parallel()
	const doc = ` { "model" : "a" , "b":[1], "c":"x","d":null } `
	members, err := jsonx.Members(nil, []byte(doc))
	require.NoError(t, err)
	require.Len(t, members, 4)
	for _, tc := range []struct {
		name    string
		changes []jsonx.Change
		extra   []string
		want    string
	}{
		{"nothing", nil, nil, `{"model":"a","b":[1],"c":"x","d":null}`},
		{"value", []jsonx.Change{{Index: 0, Value: []byte(`"gpt"`)}}, nil, `{"model":"gpt","b":[1],"c":"x","d":null}`},
		{"name", []jsonx.Change{{Index: 1, Name: []byte(`"z"`)}}, nil, `{"model":"a","z":[1],"c":"x","d":null}`},
		{"both and extra", []jsonx.Change{{Index: 3, Name: []byte(`"z"`), Value: []byte(`2`)}}, []string{`"y":1`}, `{"model":"a","b":[1],"c":"x","z":2,"y":1}`},
		{"drop first", []jsonx.Change{{Index: 0, Drop: true}}, nil, `{"b":[1],"c":"x","d":null}`},
		{"drop middle", []jsonx.Change{{Index: 1, Drop: true}, {Index: 2, Drop: true}}, nil, `{"model":"a","d":null}`},
		{"drop last", []jsonx.Change{{Index: 3, Drop: true}}, []string{`"y":1`, `"x":2`}, `{"model":"a","b":[1],"c":"x","y":1,"x":2}`},
		{"drop all", []jsonx.Change{{Index: 0, Drop: true}, {Index: 1, Drop: true}, {Index: 2, Drop: true}, {Index: 3, Drop: true}}, nil, `{}`},
		{"drop all, extra", []jsonx.Change{{Index: 0, Drop: true}, {Index: 1, Drop: true}, {Index: 2, Drop: true}, {Index: 3, Drop: true}}, []string{`"y":1`}, `{"y":1}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var extra [][]byte
			for _, e := range tc.extra {
				extra = append(extra, []byte(e))
			}
			got := bytes.Join(jsonx.Rewrite(nil, []byte(doc), members, tc.changes, extra...), nil)
			var compact bytes.Buffer
			require.NoError(t, json.Compact(&compact, got), "%s", got)
			require.Equal(t, tc.want, compact.String())
		})
	}
	require.Equal(t, `{"y":1}`, string(bytes.Join(jsonx.Rewrite(nil, []byte("{}"), nil, nil, []byte(`"y":1`)), nil)))
}

// FuzzRewrite drops, renames and replaces members at will and expects the
// result to be what decoding, changing and encoding would give.
func FuzzRewrite(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":2},"d":[]}`), uint64(0b100111))
	f.Add([]byte(` {"a" : 1 , "b":2}`), uint64(0b010001))
	f.Fuzz(func(t *testing.T, doc []byte, ops uint64) {
		members, err := jsonx.Members(nil, doc)
		if err != nil || len(members) > 32 || !json.Valid(doc) {
			return
		}
		var changes []jsonx.Change
		var want []string
		for i, m := range members {
			name, value := string(doc[m.All.Start:m.NameEnd]), string(m.Value.Of(doc))
			switch ops >> (2 * i) & 3 {
			case 1:
				changes = append(changes, jsonx.Change{Index: i, Drop: true})
				continue
			case 2:
				changes = append(changes, jsonx.Change{Index: i, Value: []byte("7")})
				value = "7"
			case 3:
				changes = append(changes, jsonx.Change{Index: i, Name: []byte(`"n"`)})
				name = `"n"`
			}
			want = append(want, name, value)
		}
		got := bytes.Join(jsonx.Rewrite(nil, doc, members, changes), nil)
		again, err := jsonx.Members(nil, got)
		require.NoError(t, err, "%s", got)
		var have []string
		for _, m := range again {
			have = append(have, string(got[m.All.Start:m.NameEnd]), string(m.Value.Of(got)))
		}
		require.Equal(t, want, have)
	})
}
