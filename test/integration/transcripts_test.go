package integration_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

const transcriptModels = `
model_list:
- {model_name: mock, litellm_params: {model: mock/echo}}
- {model_name: quiet, litellm_params: {model: mock/echo}}
`

const transcriptConfig = transcriptModels + "general_settings: {store_prompts_in_spend_logs: true, maximum_stored_prompts_retention_period: 7d}\n"

const (
	chatAsked      = `{"model":"mock","messages":[{"role":"user","content":"What is said here"}],"stream":STREAM}`
	anthropicAsked = `{"model":"mock","max_tokens":50,"messages":[{"role":"user","content":"What is said here"}],"stream":STREAM}`
)

// textsOf returns what is kept of the only request of a key.
func textsOf(t *testing.T, s *stack.Stack, as *stack.Client, key string) (texts map[string]any, id string) {
	t.Helper()
	id = s.WaitBooked(t, key, 1)[0].RequestID
	stack.Await(t, "the text of "+id+" is stored", func() bool {
		return s.Scalar(t, "SELECT count(*) FROM spend_transcripts WHERE request_id = $1", id) == 1
	})
	return as.Get(t, "/spend/logs/ui/"+id).OK(t), id
}

func TestTranscripts_of_all_dialects(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: transcriptConfig})
	for name, tc := range map[string]struct{ path, body string }{
		"openai": {"/v1/chat/completions", chatAsked}, "anthropic": {"/v1/messages", anthropicAsked},
	} {
		for _, stream := range []string{"false", "true"} {
			key := s.NewKey(t, map[string]any{"user_id": name + stream})
			body := strings.ReplaceAll(tc.body, "STREAM", stream)
			r := s.Client(key).Post(t, tc.path, body)
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			texts, id := textsOf(t, s, s.Master(), key)
			require.Len(t, texts, 3)
			require.Equal(t, []any{map[string]any{"role": "user", "content": "What is said here"}}, texts["messages"])
			request, err := json.Marshal(texts["proxy_server_request"])
			require.NoError(t, err)
			require.JSONEq(t, body, string(request))
			response, _ := texts["response"].(map[string]any)
			require.Contains(t, []any{"mock"}, response["model"], "%v", response)
			var answer any
			if name == "openai" {
				answer = response["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"]
			} else {
				answer = response["content"].([]any)[0].(map[string]any)["text"]
			}
			require.Contains(t, answer, "What is said here", "%s %s", name, stream)

			// Whoever's it is may see it, in the row as well, and nobody else.
			require.Equal(t, texts, s.Client(key).Get(t, "/spend/logs/ui/"+id).OK(t))
			var rows []map[string]any
			require.NoError(t, json.Unmarshal(s.Client(key).Get(t, "/spend/logs?request_id="+id).Body, &rows))
			require.Len(t, rows, 1)
			require.Equal(t, texts["messages"], rows[0]["messages"])
			other := s.NewKey(t, map[string]any{"user_id": "other"})
			require.Equal(t, "null", strings.TrimSpace(string(s.Client(other).Get(t, "/spend/logs/ui/"+id).Body)))
			spender := s.NewKey(t, map[string]any{"user_id": "accountant", "permissions": map[string]any{"get_spend_routes": true}})
			require.Equal(t, "null", strings.TrimSpace(string(s.Client(spender).Get(t, "/spend/logs/ui/"+id).Body)), "what is spent is not what is said")
		}
	}
	require.NotContains(t, string(s.Master().Get(t, "/spend/logs/v2?start_date=2020-01-01&end_date=2100-01-01").Body), "What is said here", "lists show no texts")
}

// Nothing is kept of requests whose owners do not want it, nor where nobody asked
// for it.
func TestTranscripts_are_not_kept_for_those_who_say_no(t *testing.T) {
	t.Parallel()
	body := strings.ReplaceAll(chatAsked, "STREAM", "false")
	s := stack.Start(t, stack.Options{Config: transcriptConfig})
	team := s.NewTeam(t, map[string]any{"metadata": map[string]any{"turn_off_message_logging": true}})
	loud := s.NewKey(t, nil)
	quiet := []string{
		s.NewKey(t, map[string]any{"metadata": map[string]any{"turn_off_message_logging": true}}), s.NewKey(t, map[string]any{"team_id": team}), s.NewKey(t, nil), s.NewKey(t, nil),
	}
	for i, key := range quiet {
		client, body := s.Client(key), body
		switch i {
		case 2:
			client = client.With("x-litellm-enable-message-redaction", "true")
		case 3:
			body = strings.Replace(body, `{`, `{"no-log":true,`, 1)
		}
		client.Post(t, "/v1/chat/completions", body).OK(t)
		s.WaitBooked(t, key, 1)
	}
	s.Client(loud).Post(t, "/v1/chat/completions", body).OK(t)
	textsOf(t, s, s.Master(), loud)
	require.EqualValues(t, 1, s.Scalar(t, "SELECT count(*) FROM spend_transcripts"))
	id := s.WaitBooked(t, quiet[0], 1)[0].RequestID
	require.Equal(t, "null", strings.TrimSpace(string(s.Master().Get(t, "/spend/logs/ui/"+id).Body)))
	require.Positive(t, s.Scalar(t, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'spend_transcripts'::regclass"))
}

func TestTranscripts_are_off_unless_asked_for(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"off": "", "redacted": "general_settings: {store_prompts_in_spend_logs: true}\nlitellm_settings: {turn_off_message_logging: true}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stack.Start(t, stack.Options{Config: transcriptModels + settings})
			key := s.NewKey(t, nil)
			s.Client(key).Post(t, "/v1/chat/completions", strings.ReplaceAll(chatAsked, "STREAM", "false")).OK(t)
			s.WaitBooked(t, key, 1)
			require.Zero(t, s.Metric(t, s.DataPlane(0), "tianji_dataplane_transcripts_total"))
			s.StopDataPlane(0) // what waited would be stored by then
			require.Zero(t, s.Scalar(t, "SELECT count(*) FROM spend_transcripts"))
		})
	}
}

// Bytes that pass through are heard as well: of vendors, of other surfaces, of
// pass-through routes and of files.
func TestTranscripts_of_what_passes_through(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v) + "general_settings: {store_prompts_in_spend_logs: true}\n"})
	image := "data:image/png;base64," + strings.Repeat("QUJD", 50_000)
	for name, tc := range map[string]struct {
		path, body string
		holds      []string // of the response
		asked      string   // of the messages
	}{
		"chat":                {chatPath, `{"model":"gpt","messages":[{"role":"user","content":"Hello"}]}`, []string{`"choices"`, `"message"`}, `"Hello"`},
		"chat stream":         {chatPath, `{"model":"gpt","stream":true,"messages":[{"role":"user","content":"Hello"}]}`, []string{`"chat.completion"`, fakevendor.Text()}, `"Hello"`},
		"image":               {chatPath, `{"model":"gpt","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + image + `"}}]}]}`, []string{`"choices"`}, "bytes left out"},
		"embedding":           {"/v1/embeddings", `{"model":"embed","input":"Hello"}`, []string{`"embedding"`}, `"Hello"`},
		"completion stream":   {"/v1/completions", `{"model":"instruct","stream":true,"prompt":"Hello"}`, []string{`"text_completion"`}, `"Hello"`},
		"pass-through":        {"/openai/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}`, []string{`"choices"`}, `"Hello"`},
		"pass-through stream": {"/openai/v1/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}`, []string{fakevendor.Text()}, `"Hello"`},
		"response stream":     {"/v1/responses", `{"model":"gpt","stream":true,"input":"Hello"}`, []string{`"completed"`}, `"Hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := s.NewKey(t, nil)
			r := s.Client(key).Post(t, tc.path, tc.body)
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			texts, _ := textsOf(t, s, s.Master(), key)
			response, err := json.Marshal(texts["response"])
			require.NoError(t, err)
			for _, part := range tc.holds {
				require.Contains(t, string(response), part)
			}
			messages, err := json.Marshal(texts["messages"])
			require.NoError(t, err)
			require.Contains(t, string(messages), tc.asked)
			require.Less(t, len(messages)+len(response), 70_000)
		})
	}
}
