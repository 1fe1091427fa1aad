package integration_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// uploadBatch gives the vendor a file of n requests for a model.
func uploadBatch(t *testing.T, c *stack.Client, model string, n int) string {
	t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[]}}`+"\n", i, model)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("purpose", "batch"))
	part, err := form.CreateFormFile("file", "batch.jsonl")
	require.NoError(t, err)
	_, err = part.Write([]byte(lines.String()))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	made := c.With("Content-Type", form.FormDataContentType()).Do(t, http.MethodPost, "/v1/files", body.Bytes()).OK(t)
	return fmt.Sprint(made["id"])
}

func submit(t *testing.T, c *stack.Client, file string) stack.Reply {
	t.Helper()
	return c.Post(t, "/v1/batches", `{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
}

func TestLimits_of_batches(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	file := uploadBatch(t, s.Master(), "gpt", 1000)

	day := everywhere(s, s.NewKey(t, map[string]any{"rpd_limit": 1500}))
	submit(t, day[0], file).OK(t)
	tooLarge := regexp.MustCompile(`Batch contains 1000 requests but only \d+ requests remaining out of 1500 RPM limit`)
	for _, c := range day {
		stack.Await(t, "why it is refused", func() bool { // sooner: what the other one holds is not known yet
			r := submit(t, c, file)
			require.Equal(t, http.StatusTooManyRequests, r.Status)
			return tooLarge.Match(r.Body)
		})
	}
	admitted := 0
	stack.Await(t, "what the batch has left, and no more", func() bool {
		for i := range 40 {
			if day[i%2].Post(t, "/v1/chat/completions", hello).Status == http.StatusOK {
				admitted++
			}
		}
		return admitted >= 500
	})
	require.Equal(t, 500, admitted, "a batch that was refused has used nothing")

	small := s.Client(s.NewKey(t, map[string]any{"rpm_limit": 100}))
	r := submit(t, small, file)
	require.Equal(t, http.StatusTooManyRequests, r.Status)
	require.Contains(t, string(r.Body), "Batch contains 1000 requests but only 100 requests remaining out of 100 RPM limit")
	small.Post(t, "/v1/chat/completions", hello).OK(t)

	r = submit(t, small, "file-none")
	require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), "not found")

	other := s.Client(s.NewKey(t, map[string]any{"models": []string{"mock"}}))
	r = submit(t, other, file)
	require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), "model=gpt")
	submit(t, s.Client(s.NewKey(t, nil)), file).OK(t)
}

func TestLimits_of_batches_over_several_windows(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	config := strings.Replace(sdkConfig(v), "router_settings:", "general_settings: {split_batches: true}\nrouter_settings:", 1)
	s := stack.Start(t, stack.Options{Config: config})
	file := uploadBatch(t, s.Master(), "gpt", 300)
	c := s.Client(s.NewKey(t, map[string]any{"rpd_limit": 100}))
	submit(t, c, file).OK(t)
	r := submit(t, c, file)
	require.Equal(t, http.StatusOK, r.Status, "the other half of the day: %s", r.Body)
	require.Equal(t, http.StatusTooManyRequests, submit(t, c, file).Status)
	require.Equal(t, http.StatusTooManyRequests, c.Post(t, "/v1/chat/completions", hello).Status)
}
