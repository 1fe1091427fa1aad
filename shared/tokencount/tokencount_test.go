package tokencount_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/tokencount"
)

// The counts are those of OpenAI's tiktoken.
func TestText(t *testing.T) {
	t.Parallel()
	c := tokencount.New()
	for _, test := range []struct {
		model, text string
		want        int
	}{
		{"gpt-4", "", 0},
		{"gpt-4", "tiktoken is great!", 6},
		{"gpt-4o", "tiktoken is great!", 6},
		{"gpt-4", "antidisestablishmentarianism", 6},
		{"gpt-4o", "antidisestablishmentarianism", 6},
		{"gpt-4", "お誕生日おめでとう", 9},
		{"gpt-4o", "お誕生日おめでとう", 8},
		{"openai/gpt-5-mini", "お誕生日おめでとう", 8},
		{"o3", "お誕生日おめでとう", 8},
		{"ft:gpt-4o-mini-2024-07-18:org::id", "お誕生日おめでとう", 8},
		{"claude-sonnet-4-5", "お誕生日おめでとう", 9},
		{"gpt-3.5-turbo", "お誕生日おめでとう", 9},
		{"", "2 + 2 = 4", 7},
	} {
		require.Equal(t, test.want, c.Text(test.model, test.text), "%s %q", test.model, test.text)
	}
	require.Positive(t, c.Text("gpt-4", "\xff\xfe broken"))
	require.Equal(t, tokencount.MaxExact/4+1, c.Text("gpt-4", strings.Repeat("x", tokencount.MaxExact+1)))
}

// Texts that are all one word, or all white space, must not take longer than
// others: a client chooses them.
func TestText_takes_no_time_for_hostile_texts(t *testing.T) {
	t.Parallel()
	c := tokencount.New()
	for name, pattern := range map[string]string{
		"one word": "a", "lines": "\n", "spaces and lines": " \n ", "spaced lines": "\t \r", "wide spaces": "\u2003\n",
		"bytes": "\xff", "letters of both cases": "ʰ",
	} {
		text := strings.Repeat(pattern, 64<<10/len(pattern)) + "x"
		begin := time.Now()
		for _, model := range []string{"gpt-4", "gpt-4o"} {
			require.Positive(t, c.Text(model, text), name)
		}
		require.Less(t, time.Since(begin), 8*time.Second, name) // with the race detector, on a loaded machine; it was several times that
	}
}

func text(role, content string) tokencount.Message {
	return tokencount.Message{Role: role, Parts: []tokencount.Part{{Text: content}}}
}

// The examples are those of OpenAI's cookbook, with the counts that its API
// reported.
func TestChat_counts_messages_as_OpenAI_does(t *testing.T) {
	t.Parallel()
	c := tokencount.New()
	example := &tokencount.Chat{Messages: []tokencount.Message{
		text("system", "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."),
		named("example_user", "New synergies will help drive top-line growth."),
		named("example_assistant", "Things working well together will increase revenue."),
		named("example_user", "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."),
		named("example_assistant", "Let's talk later when we're less busy about how to do better."),
		text("user", "This late pivot means we don't have time to boil the ocean for the client deliverable."),
	}}
	require.Equal(t, 129, c.Chat("gpt-4", example))
	require.Equal(t, 124, c.Chat("gpt-4o", example))
	require.Equal(t, 3, c.Chat("gpt-4o", &tokencount.Chat{}))
}

func named(name, content string) tokencount.Message {
	m := text("system", content)
	m.Name = name
	return m
}

func TestChat_counts_tools_and_images(t *testing.T) {
	t.Parallel()
	c := tokencount.New()
	weather := tokencount.Tool{
		Name: "get_current_weather", Description: "Get the current weather in a given location",
		Parameters: []byte(`{"type":"object","properties":{"location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},
			"unit":{"type":"string","enum":["celsius","fahrenheit"]},"days":{"type":"array","items":{"type":"integer"}},
			"at":{"type":"object","properties":{"hour":{"anyOf":[{"type":"integer"},{"type":"null"}]}}}},"required":["location"]}`),
	}
	plain := c.Chat("gpt-4o", &tokencount.Chat{Messages: []tokencount.Message{text("user", "hello")}})
	require.Equal(t, 3+1+1+3, plain)
	shown := `namespace functions {

// Get the current weather in a given location
type get_current_weather = (_: {
// The city and state, e.g. San Francisco, CA
location: string,
unit?: "celsius" | "fahrenheit",
days?: number[],
at?: {
hour?: number | null,
},
}) => any;

} // namespace functions`
	with := func(change func(*tokencount.Chat)) int {
		chat := &tokencount.Chat{Messages: []tokencount.Message{text("user", "hello")}, Tools: []tokencount.Tool{weather}}
		change(chat)
		return c.Chat("gpt-4o", chat)
	}
	tools := plain + c.Text("gpt-4o", shown) + 9
	require.Equal(t, tools, with(func(*tokencount.Chat) {}))
	require.Equal(t, tools+1, with(func(c *tokencount.Chat) { c.ToolChoice = "none" }))
	require.Equal(t, tools, with(func(c *tokencount.Chat) { c.ToolChoice = "auto" }))
	require.Equal(t, tools+4+c.Text("gpt-4o", "get_current_weather"), with(func(c *tokencount.Chat) { c.ToolName = "get_current_weather" }))
	require.Equal(t, tools-4+3+2, with(func(c *tokencount.Chat) { c.Messages = append(c.Messages, text("system", "x")) }))
	require.Equal(t, plain+c.Text("gpt-4o", "namespace functions {\n\ntype f = () => any;\n\n} // namespace functions")+9,
		with(func(c *tokencount.Chat) {
			c.Tools = []tokencount.Tool{{Name: "f", Parameters: []byte(`{"type":"object"`)}}
		}))
	require.Equal(t, tools+85, with(func(c *tokencount.Chat) {
		c.Messages[0].Parts = append(c.Messages[0].Parts, tokencount.Part{Image: &tokencount.Image{Detail: "auto"}})
	}))
	require.Equal(t, tools+c.Text("gpt-4o", "f")+c.Text("gpt-4o", `{"a":1}`), with(func(c *tokencount.Chat) {
		c.Messages[0].ToolCalls = []tokencount.ToolCall{{Name: "f", Arguments: `{"a":1}`}}
	}))
}

func TestChat_estimates_what_is_long(t *testing.T) {
	t.Parallel()
	half := strings.Repeat("word ", tokencount.MaxExact/10+1)
	n := tokencount.New().Chat("gpt-4o", &tokencount.Chat{Messages: []tokencount.Message{text("user", half), text("user", half)}})
	require.InDelta(t, tokencount.MaxExact/4, n, 20)
}

// The sizes and costs are OpenAI's examples.
func TestImage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		image tokencount.Image
		want  int
	}{
		{tokencount.Image{Width: 4096, Height: 8192, Detail: "low"}, 85},
		{tokencount.Image{Width: 1024, Height: 1024}, 85},
		{tokencount.Image{Width: 1024, Height: 1024, Detail: "high"}, 765},
		{tokencount.Image{Width: 2048, Height: 4096, Detail: "high"}, 1105},
		{tokencount.Image{Width: 300, Height: 300, Detail: "high"}, 255},
		{tokencount.Image{Width: 1, Height: 1 << 40, Detail: "high"}, 85 + 4*170},
		{tokencount.Image{Detail: "high"}, 250},
	} {
		require.Equal(t, test.want, test.image.Tokens(), "%+v", test.image)
	}
}

func images(tb testing.TB) map[string][]byte {
	tb.Helper()
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		require.NoError(tb, err)
		return b
	}
	return map[string][]byte{
		"png":          decode("iVBORw0KGgoAAAANSUhEUgAAAAMAAAAFCAIAAAAPE8H1"),
		"gif":          []byte("GIF89a\x03\x00\x05\x00\x00"),
		"jpeg":         []byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc4\x00\x02\xff\xc0\x00\x0b\x08\x00\x05\x00\x03\x01"),
		"webp":         []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x04\x00\x00"),
		"webp lossy":   []byte("RIFF\x00\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x03\x00\x05\x00"),
		"webp perfect": []byte("RIFF\x00\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\x02\x00\x01\x00\x00\x00\x00\x00\x00"),
	}
}

func TestDimensions(t *testing.T) {
	t.Parallel()
	for name, b := range images(t) {
		w, h, ok := tokencount.Dimensions(b)
		require.True(t, ok, name)
		require.Equal(t, [2]int{3, 5}, [2]int{w, h}, name)
		for i := range len(b) - 8 {
			tokencount.Dimensions(b[:i])
		}
	}
	for _, b := range []string{"", "text", "\xff\xd8\xff\xe0\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xd8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "GIF89a\x00\x00\x00\x00"} {
		_, _, ok := tokencount.Dimensions([]byte(b))
		require.False(t, ok, "%q", b)
	}
}

func FuzzDimensions(f *testing.F) {
	for _, b := range images(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, h, ok := tokencount.Dimensions(b)
		if ok != (w > 0 && h > 0) {
			t.Fatal(w, h, ok)
		}
	})
}

func FuzzTools(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{"enum":[1,"x"]}}}}},"required":["a"]}`), "f")
	c := tokencount.New()
	f.Fuzz(func(t *testing.T, schema []byte, name string) {
		if c.Chat("gpt-4o", &tokencount.Chat{Tools: []tokencount.Tool{{Name: name, Description: name, Parameters: schema}}}) <= 0 {
			t.Fatal("no tokens")
		}
	})
}

func BenchmarkText(b *testing.B) {
	c := tokencount.New()
	prose := strings.Repeat("The quick brown fox, having had enough of it all, jumped over 13 lazy dogs; nobody minded. ", 1+1<<20/90)
	for name, size := range map[string]int{"1KB": 1 << 10, "90KB": 90 << 10, "1MB": 1 << 20} {
		for _, model := range []string{"gpt-4", "gpt-4o"} {
			b.Run(model+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					c.Text(model, prose[:size])
				}
			})
		}
	}
}
