package jsonx_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func members(t *testing.T, doc string) (map[string]string, error) {
	t.Helper()
	var s jsonx.Scanner
	s.Reset([]byte(doc))
	got := map[string]string{}
	for s.Next() {
		got[string(s.Key())] = string(s.Value().Of([]byte(doc)))
	}
	return got, s.Err()
}

func TestScanner_walks_members(t *testing.T) {
	t.Parallel()
	got, err := members(t, ` {"model":"gpt-4o", "n" : 1.5e-3,"tools":[{"a":[]},{},[1,"]"]],"mod\u0065l2":null,"s":"a\"b\\","t":true} `)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"model": `"gpt-4o"`, "n": "1.5e-3", "tools": `[{"a":[]},{},[1,"]"]]`, "model2": "null", "s": `"a\"b\\"`, "t": "true",
	}, got)
}

func TestScanner_refuses(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		"", " ", "null", "[]", `"x"`, "{", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":01}`, `{"a":1.}`, `{"a":1e}`,
		`{"a":-}`, `{"a":tru}`, `{"a":nulll}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\n\"}", `{"a":[1,]}`, `{"a":[}`, `{"a":{]}`,
		`{"a":{"b" 1}}`, `{"a":1}x`, `{"a":1}{}`, `{'a':1}`, `{"a":"unterminated`, `{"a":"x\`,
		`{"a":` + strings.Repeat("[", jsonx.MaxDepth+1) + strings.Repeat("]", jsonx.MaxDepth+1) + `}`,
	} {
		_, err := members(t, doc)
		require.ErrorIs(t, err, jsonx.ErrSyntax, "%.60s", doc)
	}
}

func TestLookup_takes_the_last_of_two(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"a":1,"b":2,"a":3}`)
	require.Equal(t, "3", string(jsonx.Lookup(doc, "a").Of(doc)))
	require.True(t, jsonx.Lookup(doc, "c").Empty())
	require.True(t, jsonx.Lookup([]byte(`{"a":1`), "a").Empty())
}

func TestCut_replaces_and_inserts(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"model":"a","x":1}`)
	model := jsonx.Lookup(doc, "model")
	end := len(doc) - 1
	got := bytes.Join(jsonx.Cut(nil, doc,
		jsonx.Edit{At: model, New: []byte(`"gpt"`)},
		jsonx.Edit{At: jsonx.Span{Start: end, End: end}, New: []byte(`,"y":2`)},
	), nil)
	require.JSONEq(t, `{"model":"gpt","x":1,"y":2}`, string(got))
}

func TestInt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"12": 12, "12.0": 12, "-3": 0, "1e3": 1000, `"7"`: 0, "null": 0, "1e300": 0, "9223372036854775807": 9223372036854775807} {
		require.Equal(t, want, jsonx.Int([]byte(in)), in)
	}
}

// FuzzScanner holds the scanner against encoding/json: what one accepts as an
// object the other must accept, with the same members.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}`, `{}`, `{"a":{"b":[1,2,{"c":null}]}}`,
		`{"\u0061":"\ud83d\ude00"}`, `{"a":1,"a":2}`, `{"a":-0.5E+7}`, "{\"a\":\"\x7f\"}", `{"a":"` + strings.Repeat("x", 20) + `\n"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var s jsonx.Scanner
		s.Reset(doc)
		got := map[string]json.RawMessage{}
		for s.Next() {
			got[string(s.Key())] = json.RawMessage(s.Value().Of(doc))
		}
		if !utf8.Valid(doc) {
			return // replacement characters make names differ; no panic is all we ask
		}
		dec := json.NewDecoder(bytes.NewReader(doc))
		var want map[string]json.RawMessage
		err := dec.Decode(&want)
		if err == nil && len(bytes.TrimLeft(doc[dec.InputOffset():], " \t\r\n")) > 0 {
			err = jsonx.ErrSyntax
		}
		if err != nil || want == nil {
			// Deep nesting is the only thing we refuse that the other accepts.
			require.Error(t, s.Err(), "accepted what encoding/json refuses: %q", doc)
			return
		}
		if s.Err() != nil {
			require.Greater(t, bytes.Count(doc, []byte("["))+bytes.Count(doc, []byte("{")), jsonx.MaxDepth, "%q: %v", doc, s.Err())
			return
		}
		for k, v := range want {
			require.Contains(t, got, k)
			require.Equal(t, strings.TrimSpace(string(v)), string(got[k]))
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	for name, text := range map[string]string{"1KB": strings.Repeat("lorem ipsum ", 80), "100KB": strings.Repeat("lorem ipsum ", 8500)} {
		doc := []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"` + text + `"}],"stream":false,"temperature":0.7}`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			var s jsonx.Scanner
			for b.Loop() {
				s.Reset(doc)
				for s.Next() {
					_ = s.Key()
				}
				if s.Err() != nil {
					b.Fatal(s.Err())
				}
			}
		})
	}
}
