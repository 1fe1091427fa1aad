package transcript_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/transcript"
)

// most is what a part is bounded to.
const most = 32 << 10

func TestShorten_leaves_short_JSON_as_it_is(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a": [1, -2.5e3, true, null, "x\"\\é"], "b": {}, "c": []}`: `{"a":[1,-2.5e3,true,null,"x\"\\é"],"b":{},"c":[]}`,
		`[{"role":"user"}]`: `[{"role":"user"}]`,
		``:                  ``, `"text"`: ``, `7`: ``, `nonsense`: ``,
		`{"a":1,"b":[2,{"c":"bro`:  `{"a":1,"b":[2,{"c":"bro"}]}`,
		`{"a":1,"b":"x\u00`:        `{"a":1,"b":"x"}`,
		`{"a":1,"b":"x\`:           `{"a":1,"b":"x"}`,
		`{"a":1,"b`:                `{"a":1}`,
		`{"a":1,"b":`:              `{"a":1}`,
		`{"a":1,"b":tru`:           `{"a":1}`,
		`{"a":1 "b":2}`:            `{"a":1}`,
		"{\"a\":\"\xff\"}":         "{\"a\":\"\uFFFD\"}",
		`{"max_tokens":5,"n":1.0}`: `{"max_tokens":5,"n":1.0}`,
	} {
		require.Equal(t, want, string(transcript.Shorten([]byte(in), true)), in)
	}
}

func TestShorten_cuts_texts_and_files(t *testing.T) {
	t.Parallel()
	text := func(in string) string {
		var o map[string]string
		require.NoError(t, json.Unmarshal(transcript.Shorten([]byte(`{"x":"`+in+`"}`), false), &o))
		return o["x"]
	}
	long := "begin " + strings.Repeat("words and more ", 1000) + "the question is here"
	short := text(long)
	require.True(t, strings.HasPrefix(short, "begin words"), short)
	require.True(t, strings.HasSuffix(short, "the question is here"), short)
	require.Contains(t, short, "bytes left out) ...")
	require.Less(t, len(short), 2048+64)
	for _, unit := range []string{`é`, `\u00e9`, `\n`, `\\`, `日本`, `\ud83d\ude00`} {
		short := text(strings.Repeat(unit, 5000))
		require.True(t, utf8.ValidString(short))
		require.Less(t, len(short), 3*2048, unit)
	}
	require.Equal(t, "data:image/png;base64,... (4096 bytes left out) ...", text("data:image/png;base64,"+strings.Repeat("QUJD", 1024)))
	require.Equal(t, strings.Repeat("QUJD", 4)+"... (99984 bytes left out) ...", text(strings.Repeat("QUJD", 25000)))
}

func TestShorten_is_bounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"messages":[` + strings.Repeat(`{"role":"user","content":"`+strings.Repeat("some words ", 100)+`"},`, 500) + `{}]}`,
		strings.Repeat(`[`, 100_000), strings.Repeat(`{"a":`, 50_000), `[` + strings.Repeat(`1,`, 1<<20) + `1]`, `{"` + strings.Repeat("n", 1<<20) + `":1}`,
		`[` + strings.Repeat("9", 1<<20) + `]`, `["` + strings.Repeat(`\u0041`, 1<<20),
	} {
		out := transcript.Shorten([]byte(in), true)
		require.True(t, json.Valid(out), "%.80s", in)
		require.LessOrEqual(t, len(out), most)
	}
}

// Credentials that a request brings are in its body, and stay there.
func TestShorten_hides_secrets(t *testing.T) {
	t.Parallel()
	in := `{"model":"m","api_key":"sk-very-secret","user_config":{"model_list":[{"litellm_params":{"aws_secret_access_key":"sk-very-secret"}}]},
		"extra_headers":{"Authorization":"Bearer sk-very-secret"},"metadata":{"session_token":"sk-very-secret"},"max_tokens":7,
		"messages":[{"role":"user","content":"the password is swordfish","token":"said"}]}`
	out := string(transcript.Shorten([]byte(in), true))
	require.NotContains(t, out, "very-secret")
	require.Contains(t, out, "swordfish")
	require.Contains(t, out, `"token":"said"`)
	require.Contains(t, out, `"max_tokens":7`)
	require.Contains(t, string(transcript.Shorten([]byte(`{"choices":[{"message":{"token":"said"}}]}`), false)), "said")
}

func FuzzShorten(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"role":"user","content":"Hi"}]}`, `[1,2,{"a":"\u00e9\\"}]`, `{"a":"` + strings.Repeat("é", 3000) + `"}`, `{"a":"\`, `[[[[`,
		`{"api_key":"x","x":{"token":1}}`, "{\"\xff\":\"\xfe\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := string(in)
		out := transcript.Shorten(in, true)
		require.Equal(t, before, string(in))
		require.LessOrEqual(t, len(out), most)
		if out != nil {
			require.True(t, json.Valid(out), "%s", out)
			require.True(t, utf8.Valid(out))
		} else if len(in) > 0 && (in[0] == '{' || in[0] == '[') && json.Valid(in) {
			t.Fatal("JSON came to nothing")
		}
	})
}

func BenchmarkShorten(b *testing.B) {
	in := []byte(`{"model":"gpt-4o","messages":[` + strings.Repeat(`{"role":"user","content":"`+strings.Repeat("some words ", 80)+`"},`, 10) + `{"role":"user"}]}`)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		transcript.Shorten(in, true)
	}
}
