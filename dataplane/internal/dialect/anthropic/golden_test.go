package anthropic_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/anthropic"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/sse"
)

var _ dialect.Dialect = anthropic.Dialect{}

var update = flag.Bool("update", false, "write the golden sections anew")

// TestGolden holds the dialect against what OpenAI's wire says of the same. A
// case is a file in txtar format with sections of these pairs:
//
//	request.json   what the client asks          internal.json  the same in OpenAI's wire
//	openai.json    OpenAI's answer               answer.json    what the client gets
//	openai.sse     OpenAI's stream               answer.sse     what the client gets
//
// With -update the second ones are written anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			for _, in := range slices.Clone(a.Files) {
				switch in.Name {
				case "request.json":
					hold(t, a, "internal.json", internal(t, in.Data))
				case "openai.json":
					hold(t, a, "answer.json", whole(t, in.Data))
				case "openai.sse":
					hold(t, a, "answer.sse", stream(t, in.Data))
				}
			}
			if *update {
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o600))
			}
		})
	}
}

func hold(t *testing.T, a *txtar.Archive, name string, got []byte) {
	t.Helper()
	got = append(bytes.TrimRight(got, "\n"), '\n')
	if strings.HasSuffix(name, ".sse") {
		got = append(got, '\n')
	}
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	switch {
	case *update && i < 0:
		a.Files = append(a.Files, txtar.File{Name: name, Data: got})
	case *update:
		a.Files[i].Data = got
	default:
		require.GreaterOrEqual(t, i, 0, "no section %s: it would be\n%s", name, got)
		require.Equal(t, string(a.Files[i].Data), string(got))
	}
}

func decode(tb testing.TB, body []byte) (*chat.Request, error) {
	tb.Helper()
	members, err := jsonx.Members(nil, body)
	require.NoError(tb, err)
	return anthropic.Dialect{}.Decode(body, members)
}

func internal(t *testing.T, body []byte) []byte {
	t.Helper()
	req, err := decode(t, bytes.TrimSpace(body))
	if err != nil {
		return []byte(err.Error())
	}
	b, err := req.Plain().Encode()
	require.NoError(t, err)
	return indented(t, b)
}

func indented(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, json.Indent(&out, b, "", "  "), "%s", b)
	return regexp.MustCompile(`toolu_[0-9a-f]{32}`).ReplaceAll(out.Bytes(), []byte("toolu_1"))
}

func whole(t *testing.T, body []byte) []byte {
	t.Helper()
	r, err := chat.DecodeResponse(bytes.TrimSpace(body))
	require.NoError(t, err)
	b, err := anthropic.Dialect{}.Whole(&chat.Request{}, r)
	require.NoError(t, err)
	return indented(t, b)
}

func stream(t *testing.T, events []byte) []byte {
	t.Helper()
	e := anthropic.Dialect{}.Stream(&chat.Request{}, chat.Stamp{ID: "chatcmpl-1", Model: "my-model"})
	var out []byte
	var usage chat.Usage
	for {
		end := sse.End(events, 0)
		if end == 0 {
			break
		}
		data, _ := sse.Data(events[:end])
		events = events[end:]
		if string(data) == "[DONE]" {
			break
		}
		var c chat.Chunk
		require.NoError(t, chat.DecodeChunk(data, &c))
		if c.HasUsage {
			usage = c.Usage
		}
		out = e.Chunk(out, &c)
	}
	return regexp.MustCompile(`toolu_[0-9a-f]{32}`).ReplaceAll(e.End(out, &usage), []byte("toolu_1"))
}
