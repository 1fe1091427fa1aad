package form_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/form"
)

// written makes a form as clients do: pairs of names and texts, and one file.
func written(tb testing.TB, file []byte, pairs ...string) (contentType string, body []byte) {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		require.NoError(tb, w.WriteField(pairs[i], pairs[i+1]))
	}
	part, err := w.CreateFormFile("file", `a "b".wav`)
	require.NoError(tb, err)
	_, err = part.Write(file)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

// read takes a form apart with the standard library.
func read(tb testing.TB, contentType string, body []byte) map[string][]string {
	tb.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	require.NoError(tb, err)
	fields := map[string][]string{}
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return fields
		}
		require.NoError(tb, err)
		b, err := io.ReadAll(p)
		require.NoError(tb, err)
		fields[p.FormName()] = append(fields[p.FormName()], string(b))
	}
}

func TestForm_reads_and_replaces_fields_around_files(t *testing.T) {
	t.Parallel()
	file := []byte("RIFF\r\n--not the boundary\r\n\x00\xff\r\n")
	contentType, body := written(t, file, "model", "whisper-1", "prompt", "", "language", "de", "api_key", "sk")
	f, err := form.Parse(contentType, body)
	require.NoError(t, err)
	model, ok := f.Text("model")
	require.True(t, ok)
	require.Equal(t, "whisper-1", model)
	prompt, ok := f.Text("prompt")
	require.True(t, ok)
	require.Empty(t, prompt)
	_, ok = f.Text("file")
	require.False(t, ok, "a file is no text")
	_, ok = f.Text("stream")
	require.False(t, ok)
	require.Equal(t, 1, f.Count("file"))

	got := bytes.Join(f.Rewrite(nil, func(p *form.Part) form.Edit {
		switch p.Name {
		case "model":
			return form.Edit{Text: []byte("whisper-large-v3")}
		case "api_key":
			return form.Edit{Cut: true}
		}
		return form.Edit{}
	}), nil)
	require.Equal(t, map[string][]string{"model": {"whisper-large-v3"}, "prompt": {""}, "language": {"de"}, "file": {string(file)}}, read(t, contentType, got))

	same := bytes.Join(f.Rewrite(nil, func(*form.Part) form.Edit { return form.Edit{} }), nil)
	require.Equal(t, body, same)
	added := bytes.Join(f.Add(nil, `x"y`, []byte("z")), nil)
	require.Equal(t, []string{"z"}, read(t, contentType, added)[`x"y`])
}

func TestParse_refuses_what_could_be_read_in_two_ways(t *testing.T) {
	t.Parallel()
	const contentType = "multipart/form-data; boundary=B"
	part := "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
	for name, c := range map[string][2]string{
		"not a form":        {"application/json", "{}"},
		"no boundary":       {"multipart/form-data", part + "--B--"},
		"preamble":          {contentType, "x\r\n" + part + "--B--"},
		"not ended":         {contentType, part},
		"epilogue":          {contentType, part + "--B--\r\n" + part},
		"no name":           {contentType, "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--"},
		"no disposition":    {contentType, "--B\r\nX: y\r\n\r\n1\r\n--B--"},
		"two dispositions":  {contentType, "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--B--"},
		"no head":           {contentType, "--B\r\n1\r\n--B--"},
		"line feeds only":   {contentType, strings.ReplaceAll(part, "\r\n", "\n") + "--B--"},
		"boundary in text":  {contentType, "--Bad\r\n\r\n1\r\n--B--"},
		"empty":             {contentType, ""},
		"too many":          {contentType, strings.Repeat(part, 1001) + "--B--"},
		"no colon":          {contentType, "--B\r\nContent-Disposition\r\n\r\n1\r\n--B--"},
		"break in the head": {contentType, "--B\r\n\r\n--B--"},
	} {
		_, err := form.Parse(c[0], []byte(c[1]))
		require.ErrorIs(t, err, form.ErrForm, name)
	}
	f, err := form.Parse(contentType, []byte(part+"--B--\r\n"))
	require.NoError(t, err)
	require.Len(t, f.Parts, 1)
}

// FuzzParse: what is accepted is still a form after edits, with the edits made
// and nothing else lost.
func FuzzParse(f *testing.F) {
	_, body := written(f, []byte("x\r\n--"), "model", "m", "a", "b")
	boundary := string(body[2:bytes.Index(body, []byte("\r\n"))])
	f.Add(bytes.ReplaceAll(body, []byte(boundary), []byte("B")))
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=a; filename=\"\"\r\n\r\n\r\n--B--"))
	f.Add([]byte("--B  \r\nA: b\r\ncontent-disposition: form-data; name*=utf-8''%41\r\n\r\n1\r\n--B--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		const contentType = "multipart/form-data; boundary=B"
		p, err := form.Parse(contentType, body)
		if err != nil {
			return
		}
		edited := bytes.Join(p.Rewrite(nil, func(p *form.Part) form.Edit {
			if p.Name == "model" {
				return form.Edit{Text: []byte("other")}
			}
			return form.Edit{Cut: p.Name == "cut"}
		}), nil)
		again, err := form.Parse(contentType, edited)
		if err != nil {
			t.Fatalf("%q became %q: %v", body, edited, err)
		}
		if text, ok := again.Text("model"); ok {
			require.Equal(t, "other", text)
		}
		require.Zero(t, again.Count("cut"))
		require.Equal(t, p.Count("model"), again.Count("model"))
	})
}
