package batch_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/batch"
)

// byBytes takes four bytes of a body for a token, and ten tokens for an answer.
func byBytes(r *batch.Request) (in, out int64) { return int64(len(r.Body)+3) / 4, 10 }

func small() batch.Bounds { return batch.Bounds{Requests: 4, Bytes: 1 << 10, Line: 256} }

func line(model string) string {
	return fmt.Sprintf(`{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[]}}`, model)
}

func TestFile_counts_by_model(t *testing.T) {
	t.Parallel()
	var seen []batch.Request
	file := "\xef\xbb\xbf" + line("a") + "\r\n\n  \n" + line("b") + "\n" + line("a") + "\n" + `{"body":{"model":"é","input":"x"},"url":"/v1/embeddings"}`
	tally, err := small().File(iotest.OneByteReader(strings.NewReader(file)), func(r *batch.Request) (in, out int64) {
		seen = append(seen, batch.Request{URL: r.URL, Model: r.Model})
		require.NotEmpty(t, r.Members)
		return byBytes(r)
	})
	require.NoError(t, err)
	require.Equal(t, &batch.Tally{
		Count: batch.Count{Requests: 4, Input: 4 * 7, Output: 40},
		Models: []batch.Model{
			{Count: batch.Count{Requests: 2, Input: 14, Output: 20}, Name: "a"}, {Count: batch.Count{Requests: 1, Input: 7, Output: 10}, Name: "b"}, {Count: batch.Count{Requests: 1, Input: 7, Output: 10}, Name: "é"},
		},
	}, tally)
	require.Equal(t, batch.Request{URL: "/v1/embeddings", Model: "é"}, seen[3])
}

func TestFile_is_bounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want string
	}{
		"requests": {strings.Repeat(line("m")+"\n", 5), "it has more than 4 requests"},
		"a line":   {line(strings.Repeat("m", 300)), "a line has more than"},
		"bytes":    {line("m") + "\n" + strings.Repeat(strings.Repeat(" ", 99)+"\n", 20), "it has more than"},
		"no end":   {strings.Repeat("\n", 2000), "it has more than"},
	} {
		_, err := small().File(strings.NewReader(c.file), byBytes)
		bad, ok := errors.AsType[*batch.Error](err)
		require.True(t, ok, name)
		require.True(t, bad.TooLarge, name)
		require.ErrorContains(t, err, c.want, name)
	}
	exact := line("m") + "\n"
	exact += strings.Repeat(" ", int(small().Bytes)/2-len(exact)) // lines of blanks are within a line's bound
	_, err := batch.Bounds{Requests: 1, Bytes: int64(len(exact)), Line: 1 << 10}.File(strings.NewReader(exact), byBytes)
	require.NoError(t, err)
	_, err = batch.Bounds{Requests: 1, Bytes: int64(len(exact)) - 1, Line: 1 << 10}.File(strings.NewReader(exact), byBytes)
	require.Error(t, err)
}

// What a vendor might understand otherwise than it was checked is refused.
func TestFile_refuses_what_is_ambiguous(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`: "line 1: want one JSON object", `{"body":{}} {"body":{}}`: "line 1: want one JSON object", `{"body":{}`: "line 1: want one JSON object",
		line("m") + "\n" + `{"custom_id":"x"}`:                        "line 2: it has no body",
		`{"body":[1]}`:                                                "line 1: body: want one JSON object",
		`{"body":{"model":"a"},"body":{"model":"b"}}`:                 "line 1: member 'body' stands twice",
		`{"body":{"model":"a"},"\u0062ody":{"model":"b"}}`:            "line 1: member 'body' stands twice",
		`{"body":{"model":"a","\u006dodel":"b"}}`:                     "line 1: member 'model' stands twice",
		`{"body":{"model":["a"]}}`:                                    "line 1: invalid value for 'model'",
		`{"url":"/v1/a","url":"/v1/b","body":{}}`:                     "line 1: member 'url' stands twice",
		`{"body":{"model":"` + strings.Repeat("m", 150) + `"}}` + "x": "line 1: want one JSON object",
	} {
		_, err := small().File(strings.NewReader(text), byBytes)
		require.EqualError(t, err, want, text)
	}
	var many strings.Builder
	for i := range 101 {
		many.WriteString(line(fmt.Sprint("m", i)) + "\n")
	}
	_, err := batch.FileBounds().File(strings.NewReader(many.String()), byBytes)
	require.EqualError(t, err, "line 101: it names too many models")
	_, err = small().File(io.MultiReader(strings.NewReader(line("m")+"\n"), iotest.ErrReader(io.ErrUnexpectedEOF)), byBytes)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, isBatch := errors.AsType[*batch.Error](err)
	require.False(t, isBatch, "a connection that breaks is not the batch's fault")
}

func TestFile_does_not_overflow(t *testing.T) {
	t.Parallel()
	huge := func(*batch.Request) (in, out int64) { return -5, 1<<63 - 1 }
	tally, err := small().File(strings.NewReader(strings.Repeat(line("m")+"\n", 4)), huge)
	require.NoError(t, err)
	require.Equal(t, batch.Count{Requests: 4, Output: 4 << 40}, tally.Count)
}

func TestInline_counts_what_the_body_holds(t *testing.T) {
	t.Parallel()
	tally, err := batch.InlineBounds().Inline([]byte(`[{"custom_id":"1","params":{"model":"claude","max_tokens":5}}, {"params":{"model":"claude"}}]`), byBytes)
	require.NoError(t, err)
	require.Equal(t, batch.Count{Requests: 2, Input: 9 + 5, Output: 20}, tally.Count)
	require.Len(t, tally.Models, 1)
	for text, want := range map[string]string{
		`{}`: "requests: want a list", ``: "requests: want a list", `[1]`: "line 1: want one JSON object", `[{"params":{}},{"params":`: "line 2: want one JSON object",
		`[{"params":{"model":"a"},"params":{}}]`: "line 1: member 'params' stands twice",
	} {
		_, err := small().Inline([]byte(text), byBytes)
		require.EqualError(t, err, want, text)
	}
	_, err = small().Inline([]byte(`[{"params":{}},{"params":{}},{"params":{}},{"params":{}},{"params":{}}]`), byBytes)
	require.ErrorContains(t, err, "more than 4 requests")
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		line("m"), line("a") + "\n" + line("b") + "\r\n", "\xef\xbb\xbf" + line("m"), `{"body":{"model":"a"},"body":{"model":"b"}}`, `{"body":{"\u006dodel":"a"}}`, "\n\n", "{", `[{"params":{}}]`,
		strings.Repeat(line("m")+"\n", 6), strings.Repeat(" ", 300),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		b := small()
		weighed := int64(0)
		tally, err := b.File(strings.NewReader(file), func(r *batch.Request) (in, out int64) {
			weighed++
			require.LessOrEqual(t, len(r.Body), int(b.Line))
			return byBytes(r)
		})
		again, errAgain := b.File(iotest.OneByteReader(strings.NewReader(file)), byBytes)
		require.Equal(t, tally, again, "it does not matter how it comes")
		if err != nil {
			require.EqualError(t, errAgain, err.Error())
			return
		}
		require.LessOrEqual(t, int64(len(file)), b.Bytes)
		require.Equal(t, weighed, tally.Requests)
		require.LessOrEqual(t, tally.Requests, b.Requests)
		var sum batch.Count
		for _, m := range tally.Models {
			sum.Requests += m.Requests
			sum.Input += m.Input
			sum.Output += m.Output
		}
		require.Equal(t, tally.Count, sum)
	})
}

func FuzzInline(f *testing.F) {
	for _, seed := range []string{`[{"params":{"model":"m"}}]`, `[]`, `[{"params":{}},]`, `[[[[`, `{"a":1}`, `[{"params":{"model":"a"},"params":{}}] x`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		tally, err := small().Inline([]byte(list), byBytes)
		if err == nil {
			require.LessOrEqual(t, tally.Requests, small().Requests)
		}
	})
}

// lines is a file of n requests without an end of its own memory.
type lines struct {
	one  []byte
	n    int
	rest []byte
}

func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		if l.n == 0 {
			return 0, io.EOF
		}
		l.n--
		l.rest = l.one
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func BenchmarkFile(b *testing.B) {
	one := []byte(strings.Replace(line("gpt-4o-mini"), "[]", `[{"role":"user","content":"`+strings.Repeat("lorem ipsum ", 80)+`"}]`, 1) + "\n")
	const n = 1000
	b.SetBytes(int64(n * len(one)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := batch.FileBounds().File(&lines{one: one, n: n}, byBytes); err != nil {
			b.Fatal(err)
		}
	}
}
