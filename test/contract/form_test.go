package contract_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

// upload is a file of a form.
type upload struct{ field, name, content string }

// postForm sends a form: fields are names and values in turn.
func postForm(t *testing.T, c *stack.Client, path string, files []upload, fields ...string) stack.Reply {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(t, w.WriteField(fields[i], fields[i+1]))
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.field, f.name)
		require.NoError(t, err)
		_, err = part.Write([]byte(f.content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return c.With("Content-Type", w.FormDataContentType()).Do(t, http.MethodPost, path, body.Bytes())
}

// slug makes a model's name of the name of a case.
func slug(name string) string { return strings.ReplaceAll(name, " ", "-") }
