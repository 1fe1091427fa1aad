package cache_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const plainChat = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi \"there\""}],"temperature":0.7}`

func TestKey_is_the_same(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	want := r.Key(chatCall(t, plainChat), cache.Controls{})
	for name, body := range map[string]string{
		"order":         `{"temperature":0.7,"messages":[{"role":"user","content":"hi \"there\""}],"model":"gpt-4o"}`,
		"white space":   "{ \"model\" : \"gpt-4o\",\n\t\"messages\": [ { \"role\":\"user\", \"content\" : \"hi \\\"there\\\"\" } ] , \"temperature\": 0.7 }",
		"model":         strings.Replace(plainChat, `"gpt-4o"`, `"openai/gpt-4o"`, 1),
		"user":          strings.Replace(plainChat, `{"model"`, `{"user":"u","metadata":{"a":1},"safety_identifier":"s","model"`, 1),
		"controls":      strings.Replace(plainChat, `{"model"`, `{"cache":{"ttl":5},"caching":true,"num_retries":3,"tags":["a"],"model"`, 1),
		"null":          strings.Replace(plainChat, `{"model"`, `{"stop":null,"model"`, 1),
		"not streamed":  strings.Replace(plainChat, `{"model"`, `{"stream":false,"stream_options":null,"model"`, 1),
		"other options": strings.Replace(plainChat, `{"model"`, `{"stream_options":{"include_usage":false},"model"`, 1),
	} {
		require.Equal(t, want, r.Key(chatCall(t, body), cache.Controls{}), name)
	}
}

func TestKey_differs(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	base := chatCall(t, plainChat)
	seen := map[cache.Key]string{r.Key(base, cache.Controls{}): "the call itself"}
	different := func(name string, c *cache.Call, ctl cache.Controls) {
		t.Helper()
		k := r.Key(c, ctl)
		require.NotContains(t, seen, k, "%s is the same as %s", name, seen[k])
		seen[k] = name
	}
	different("temperature", chatCall(t, strings.Replace(plainChat, "0.7", "0.8", 1)), cache.Controls{})
	different("text", chatCall(t, strings.Replace(plainChat, "hi ", "hi  ", 1)), cache.Controls{})
	different("stream", chatCall(t, strings.Replace(plainChat, `{"model"`, `{"stream":true,"model"`, 1)), cache.Controls{})
	different("usage", chatCall(t, strings.Replace(plainChat, `{"model"`, `{"stream":true,"stream_options":{"include_usage":true},"model"`, 1)), cache.Controls{})
	different("unknown member", chatCall(t, strings.Replace(plainChat, `{"model"`, `{"vendor_option":1,"model"`, 1)), cache.Controls{})
	different("mock", chatCall(t, strings.Replace(plainChat, `{"model"`, `{"mock_response":"x","model"`, 1)), cache.Controls{})
	different("stored at the vendor", chatCall(t, strings.Replace(plainChat, `{"model"`, `{"store":true,"model"`, 1)), cache.Controls{})
	different("stored for a user", chatCall(t, strings.Replace(plainChat, `{"model"`, `{"store":true,"user":"u","model"`, 1)), cache.Controls{})
	different("type", call(t, "atext_completion", "gpt-4o", plainChat), cache.Controls{})
	different("group", call(t, "acompletion", "gpt-4", plainChat), cache.Controls{})
	different("namespace", base, controls(t, `{"namespace":"n"}`))
	different("stream by route", &cache.Call{Type: base.Type, Group: base.Group, Body: base.Body, Members: base.Members, Stream: true}, cache.Controls{})
	different("vary", &cache.Call{Type: base.Type, Group: base.Group, Body: base.Body, Members: base.Members, Vary: "x"}, cache.Controls{})
	different("group and vary run together", &cache.Call{Type: base.Type, Group: base.Group + "x", Body: base.Body, Members: base.Members}, cache.Controls{})
	different("a responses call", call(t, "aresponses", "gpt-4o", `{"input":"hi"}`), cache.Controls{})
	different("a responses call repeats its user", call(t, "aresponses", "gpt-4o", `{"input":"hi","user":"u"}`), cache.Controls{})
}

func TestKey_of_a_form(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	key := func(file string, fields ...cache.Field) cache.Key {
		return r.Key(&cache.Call{Type: "atranscription", Group: "whisper", File: []byte(file), Fields: fields}, cache.Controls{})
	}
	want := key("audio", cache.Field{"language", "en"}, cache.Field{"response_format", "json"})
	require.Equal(t, want, key("audio", cache.Field{"response_format", "json"}, cache.Field{"model", "m"}, cache.Field{"stream", "false"}, cache.Field{"language", "en"}))
	require.NotEqual(t, want, key("audio", cache.Field{"response_format", "text"}, cache.Field{"language", "en"}))
	require.NotEqual(t, want, key("audi0", cache.Field{"language", "en"}, cache.Field{"response_format", "json"}))
	require.NotEqual(t, key("", cache.Field{"a", "bc"}), key("", cache.Field{"ab", "c"}))
}

func TestKey_of_a_caching_group(t *testing.T) {
	t.Parallel()
	s := on()
	s.Groups = [][]string{{"gpt-4o", "gpt-4o-eu"}, {"x"}}
	s.Namespace = "default"
	r := newReplica(t, s, cache.Options{})
	key := func(group string, ctl cache.Controls) cache.Key {
		return r.Key(call(t, "acompletion", group, plainChat), ctl)
	}
	require.Equal(t, key("gpt-4o", cache.Controls{}), key("gpt-4o-eu", cache.Controls{}))
	require.NotEqual(t, key("gpt-4o", cache.Controls{}), key("x", cache.Controls{}))
	require.Equal(t, key("x", cache.Controls{}), key("x", controls(t, `{"namespace":"default"}`)))
	require.NotEqual(t, key("x", cache.Controls{}), key("x", controls(t, `{"namespace":"other"}`)))
}

func TestKey_of_very_many_members(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	body := func(last string) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range 1500 {
			b.Write(jsonx.AppendQuote(nil, "m"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26)))
			b.WriteString(":1,")
		}
		return b.String() + `"last":` + last + "}"
	}
	require.NotEqual(t, r.Key(chatCall(t, body("1")), cache.Controls{}), r.Key(chatCall(t, body("2")), cache.Controls{}))
}

// FuzzKey writes a body in another way and expects the same key, and another
// one when a member is added.
func FuzzKey(f *testing.F) {
	f.Add([]byte(plainChat))
	f.Add([]byte(`{"a":[1, {"b":"\\\" ,"}], "stream":false, "x" : "\\"}`))
	f.Add([]byte(`{"input":["a","b"],"stream_options":{"include_usage":true}}`))
	r := newReplica(f, on(), cache.Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := jsonx.Members(nil, body)
		if err != nil || !utf8.Valid(body) {
			return
		}
		seen := map[string]bool{}
		for _, m := range members {
			if seen[string(m.Name)] {
				return // the pipeline refuses those
			}
			seen[string(m.Name)] = true
		}
		want := r.Key(&cache.Call{Type: "t", Group: "g", Body: body, Members: members}, cache.Controls{})
		slices.Reverse(members)
		require.Equal(t, want, r.Key(&cache.Call{Type: "t", Group: "g", Body: body, Members: members}, cache.Controls{}))
		var spaced bytes.Buffer
		if json.Indent(&spaced, body, " ", "\t") != nil {
			return
		}
		again, err := jsonx.Members(nil, spaced.Bytes())
		require.NoError(t, err)
		require.Equal(t, want, r.Key(&cache.Call{Type: "t", Group: "g", Body: spaced.Bytes(), Members: again}, cache.Controls{}))
		if more := bytes.Replace(body, []byte("{"), []byte(`{"one more":1,`), 1); !seen["one more"] && len(members) > 0 {
			again, err = jsonx.Members(nil, more)
			require.NoError(t, err)
			require.NotEqual(t, want, r.Key(&cache.Call{Type: "t", Group: "g", Body: more, Members: again}, cache.Controls{}))
		}
	})
}

// FuzzCompact holds the compact form and the elements of arrays against
// encoding/json.
func FuzzCompact(f *testing.F) {
	for _, s := range []string{`[1, "a\\\" ,]", {"b" : [ ]} ]`, `[]`, `[ ]`, `{"a":1}`, `["\\"]`, `[[[]],"x"]`, `null`, `"`, `[,]`, `["`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		got := cache.AppendCompact(nil, doc)
		parts, ok := cache.Elements(doc, 100)
		var list []json.RawMessage
		if !json.Valid(doc) {
			return // no panic is all we ask
		}
		var want bytes.Buffer
		require.NoError(t, json.Compact(&want, doc))
		require.Equal(t, want.String(), string(got))
		if json.Unmarshal(doc, &list) != nil || list == nil {
			require.False(t, ok)
			return
		}
		require.Equal(t, len(list) <= 100, ok)
		if ok {
			require.Len(t, parts, len(list))
		}
		for i := range parts {
			require.Equal(t, string(list[i]), string(parts[i]))
		}
	})
}

func BenchmarkKey(b *testing.B) {
	r := newReplica(b, &contract.CacheSettings{Enabled: true}, cache.Options{})
	for name, n := range map[string]int{"1KB": 60, "100KB": 8300} {
		c := chatCall(b, `{"model":"gpt-4o","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"`+strings.Repeat("lorem ipsum ", n)+
			`"}],"stream":true,"temperature":0.7,"max_tokens":256,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"user":"u"}`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.Body)))
			b.ReportAllocs()
			for b.Loop() {
				_ = r.Key(c, cache.Controls{})
			}
		})
	}
}
