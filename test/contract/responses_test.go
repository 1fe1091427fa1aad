package contract_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/stack"
)

// responseKinds are the ways in which a response is made: by a vendor that
// keeps it, and out of a chat by the gateway, which keeps it then.
type responseKind struct {
	name, model string
	native      bool
}

func responseKinds() []responseKind {
	return []responseKind{{"native", "gpt", true}, {"bridged", "together", false}, {"bridged to another wire", "claude", false}}
}

func startResponses(t *testing.T) (*fakevendor.Vendor, *stack.Stack) {
	t.Helper()
	v, anthropic := fakevendor.Start(t), fakeanthropic.Start(t)
	config := "model_list:\n" + v.Deployment("gpt", "gpt-4o") + anthropic.Deployment("claude", claude) +
		strings.Replace(v.Deployment("together", "llama"), "openai/llama", "together_ai/llama", 1)
	return v, stack.Start(t, stack.Options{Config: config, DataPlanes: 2})
}

// said is the text of a response.
func said(t *testing.T, response map[string]any) string {
	t.Helper()
	var r struct {
		Output []struct {
			Type    string `json:"type"`
			Content []struct {
				Text string `json:"text"`
			} `json:"content"`
		} `json:"output"`
	}
	b, err := json.Marshal(response)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &r))
	text := ""
	for _, item := range r.Output {
		for _, part := range item.Content {
			text += part.Text
		}
	}
	return text
}

// TestResponses takes a response through its life, on two replicas.
func TestResponses(t *testing.T) {
	t.Parallel()
	v, s := startResponses(t)
	for _, k := range responseKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			key := s.NewKey(t, map[string]any{"user_id": "me", "models": []string{k.model}})
			here, there := s.Client(key), s.Client(key).At(s.DataPlane(1))
			made := here.Post(t, "/v1/responses", `{"model":"`+k.model+`","input":"Remember me","instructions":"Be brief."}`).OK(t)
			id := fmt.Sprint(made["id"])
			require.Regexp(t, "^resp_", id)
			require.NotContains(t, id, "vendor")
			require.Equal(t, k.model, made["model"])
			require.Equal(t, "completed", made["status"])
			require.Equal(t, fakevendor.Text(), said(t, made))

			got := there.Get(t, "/v1/responses/"+id).OK(t)
			require.Equal(t, k.model, got["model"])
			require.Equal(t, fakevendor.Text(), said(t, got))
			items, _ := there.Get(t, "/responses/"+id+"/input_items").OK(t)["data"].([]any)
			require.Len(t, items, 1)
			require.Contains(t, fmt.Sprint(items[0]), "Remember me")

			next := there.Post(t, "/responses", `{"model":"`+k.model+`","previous_response_id":"`+id+`","input":"`+fakevendor.ReportPrompt+`"}`).OK(t)
			require.Equal(t, id, next["previous_response_id"])
			if k.native {
				require.Contains(t, string(v.Last(t, "gpt-4o").Body), `"previous_response_id":"resp_vendor`)
			} else { // the vendor sees the whole conversation
				var asked fakevendor.Asked
				require.NoError(t, json.Unmarshal([]byte(said(t, next)), &asked))
				require.Len(t, asked.Turns, 3)
				require.Equal(t, "Remember me", asked.Turns[0].Text)
				require.Equal(t, fakevendor.Text(), asked.Turns[1].Text)
				require.Empty(t, asked.System, "instructions hold for one request")
			}
			cancelled := here.Post(t, "/v1/responses/"+id+"/cancel", nil)
			require.Equal(t, http.StatusBadRequest, cancelled.Status, "%s", cancelled.Body)
			require.Contains(t, string(cancelled.Body), "cancel")

			deleted := there.Do(t, http.MethodDelete, "/v1/responses/"+id, nil).OK(t)
			require.Equal(t, true, deleted["deleted"])
			require.NotContains(t, fmt.Sprint(deleted["id"]), "vendor")
			require.Equal(t, http.StatusNotFound, here.Get(t, "/v1/responses/"+id).Status)
			rows := s.WaitBooked(t, key, 2)
			require.Equal(t, "aresponses", rows[0].CallType)
			require.EqualValues(t, textSpend, rows[0].SpendNano)
		})
	}
}

// TestResponses_streamed: one id from the first event to the last, good for
// what follows.
func TestResponses_streamed(t *testing.T) {
	t.Parallel()
	_, s := startResponses(t)
	for _, k := range responseKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			key := s.NewKey(t, nil)
			e := s.Client(key).Stream(t, "/v1/responses", `{"model":"`+k.model+`","input":"Hello","stream":true}`)
			defer e.Close()
			events, err := e.Rest()
			require.NoError(t, err)
			ids, text := map[string]bool{}, ""
			for i, data := range events {
				var event struct {
					Type     string  `json:"type"`
					Sequence float64 `json:"sequence_number"`
					Delta    string  `json:"delta"`
					Response *struct {
						ID    string `json:"id"`
						Model string `json:"model"`
					} `json:"response"`
				}
				require.NoError(t, json.Unmarshal([]byte(data), &event))
				require.InDelta(t, i, event.Sequence, 0)
				if event.Type == "response.output_text.delta" {
					text += event.Delta
				}
				if event.Response != nil {
					ids[event.Response.ID] = true
					require.Equal(t, k.model, event.Response.Model)
				}
			}
			require.Equal(t, fakevendor.Text(), text)
			require.Len(t, ids, 1)
			for id := range ids {
				got := s.Client(key).At(s.DataPlane(1)).Get(t, "/v1/responses/"+id).OK(t)
				require.Equal(t, id, got["id"])
				require.Equal(t, fakevendor.Text(), said(t, got))
			}
			row := s.WaitBooked(t, key, 1)[0]
			require.True(t, row.Stream)
			require.EqualValues(t, textSpend, row.SpendNano)
		})
	}
}

// TestResponses_belong_to_somebody: who did not make a response, and is of no
// team or user of who did, can neither see it nor go on from it.
func TestResponses_belong_to_somebody(t *testing.T) {
	t.Parallel()
	_, s := startResponses(t)
	mine := s.NewKey(t, map[string]any{"user_id": "me"})
	also := s.NewKey(t, map[string]any{"user_id": "me"})
	other := s.NewKey(t, map[string]any{"user_id": "other", "team_id": "others"})
	for _, k := range responseKinds() {
		made := s.Client(mine).Post(t, "/v1/responses", `{"model":"`+k.model+`","input":"Hello"}`).OK(t)
		id := fmt.Sprint(made["id"])
		follow := `{"model":"` + k.model + `","input":"On","previous_response_id":"` + id + `"}`
		denied := refusal{http.StatusForbidden, "auth_error", "None", "Forbidden. The response id is not associated with the user"}
		c := s.Client(other).At(s.DataPlane(1))
		denied.check(t, c.Get(t, "/v1/responses/"+id))
		denied.check(t, c.Get(t, "/v1/responses/"+id+"/input_items"))
		denied.check(t, c.Post(t, "/v1/responses/"+id+"/cancel", nil))
		denied.check(t, c.Do(t, http.MethodDelete, "/v1/responses/"+id, nil))
		denied.check(t, c.Post(t, "/v1/responses", follow))
		s.Client(also).Get(t, "/v1/responses/"+id).OK(t)
		s.Client(also).Post(t, "/v1/responses", follow).OK(t)
		s.Master().Get(t, "/v1/responses/"+id).OK(t)
	}
	// Nobody can make an id up: not that of the vendor, nor in LiteLLM's form.
	for _, id := range []string{"resp_vendor1", "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpncHQtZGVwbG95bWVudDtyZXNwb25zZV9pZDpyZXNwX3ZlbmRvcjE="} {
		require.Equal(t, http.StatusNotFound, s.Client(other).Get(t, "/v1/responses/"+id).Status)
		r := s.Client(other).Post(t, "/v1/responses", `{"model":"gpt","input":"On","previous_response_id":"`+id+`"}`)
		refusal{http.StatusForbidden, "auth_error", "None", "was not issued by this proxy"}.check(t, r)
	}
	// A key that lost its model lost its responses too.
	made := s.Client(mine).Post(t, "/v1/responses", `{"model":"gpt","input":"Hello"}`).OK(t)
	narrow := s.NewKey(t, map[string]any{"user_id": "me", "models": []string{"claude"}})
	r := s.Client(narrow).Get(t, "/v1/responses/"+fmt.Sprint(made["id"]))
	refusal{http.StatusForbidden, "key_model_access_denied", "gpt", "is not available"}.check(t, r)
}

// TestResponses_across: a conversation that the gateway keeps goes on at a
// vendor that has responses of its own; the other way it can not.
func TestResponses_across(t *testing.T) {
	t.Parallel()
	v, s := startResponses(t)
	c := s.Client(s.NewKey(t, nil))
	ask := func(model, previous string) stack.Reply {
		return c.Post(t, "/v1/responses", `{"model":"`+model+`","input":"`+fakevendor.ReportPrompt+`","previous_response_id":"`+previous+`"}`)
	}
	kept := fmt.Sprint(c.Post(t, "/v1/responses", `{"model":"claude","input":"Hello"}`).OK(t)["id"])
	var asked fakevendor.Asked
	require.NoError(t, json.Unmarshal([]byte(said(t, ask("gpt", kept).OK(t))), &asked))
	require.Len(t, asked.Turns, 3)
	require.Equal(t, "/v1/chat/completions", v.Last(t, "gpt-4o").Path)
	native := fmt.Sprint(c.Post(t, "/v1/responses", `{"model":"gpt","input":"Hello"}`).OK(t)["id"])
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "kept by another provider"}.check(t, ask("claude", native))

	unkept := fmt.Sprint(c.Post(t, "/v1/responses", `{"model":"claude","input":"Hello","store":false}`).OK(t)["id"])
	require.Equal(t, http.StatusNotFound, c.Get(t, "/v1/responses/"+unkept).Status)
}
