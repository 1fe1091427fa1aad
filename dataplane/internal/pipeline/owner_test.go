package pipeline_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/responses"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// keeping is a vendor who keeps responses.
type keeping struct{ forwarding }

func (keeping) Offers(provider.Surface) bool { return true }

func TestResponses_are_their_users_also_within_a_team(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": keeping{forwarding{&scripted{
		header: map[string]string{"Content-Type": "application/json"}, pieces: []string{`{"id":"resp_1","object":"response","model":"v","status":"completed","usage":{"input_tokens":1,"output_tokens":1}}`},
	}}}}})
	l.put(contract.TeamKey("t"), contract.Team{ID: "t"})
	l.put(contract.TeamKey("z"), contract.Team{ID: "z"})
	mine := l.key("mine", contract.VirtualKey{UserID: "u", TeamID: "t"})
	endpoint := pipeline.Endpoint{Surface: provider.Responses, Name: "/responses", Dialect: responses.Dialect{}}
	create := func(key, more string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		l.Serve(w, request{key: key, body: `{"model":"m","input":"x"` + more + `}`}.to("/v1/responses"), endpoint, "")
		return w
	}
	var made struct{ ID string }
	require.NoError(t, json.Unmarshal(create(mine, "").Body.Bytes(), &made))
	require.NotEqual(t, "resp_1", made.ID)
	ask := func(key, method, action string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := request{key: key}.to("/v1/responses/" + made.ID + action)
		r.Method = method
		l.ServeResponse(w, r, made.ID, action)
		return w
	}
	for who, key := range map[string]string{
		"user": l.key("mate", contract.VirtualKey{UserID: "other", TeamID: "t"}),
		"team": l.key("away", contract.VirtualKey{UserID: "u", TeamID: "z"}),
	} {
		for _, w := range []*httptest.ResponseRecorder{
			ask(key, http.MethodGet, ""), ask(key, http.MethodDelete, ""), ask(key, http.MethodPost, "/cancel"), ask(key, http.MethodGet, "/input_items"),
			create(key, `,"previous_response_id":"`+made.ID+`"`),
		} {
			require.Equal(t, http.StatusForbidden, w.Code, w.Body)
			text, kind := said(t, w)
			require.Contains(t, text, "Forbidden. The response id is not associated with the "+who+", who this key belongs to. To disable this security feature, set ")
			require.Equal(t, "auth_error", kind)
		}
	}
	for _, key := range []string{mine, l.key("also", contract.VirtualKey{UserID: "u", TeamID: "t"}), master} {
		require.Equal(t, http.StatusOK, ask(key, http.MethodGet, "").Code)
		require.Equal(t, http.StatusOK, create(key, `,"previous_response_id":"`+made.ID+`"`).Code)
	}
}

func TestTags_are_booked_once_each(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{backends: byModel{"m": answering("1", "1")}})
	l.put(contract.TeamKey("t"), contract.Team{ID: "t", Metadata: []byte(`{"tags":["team","both"]}`)})
	body := `{"model":"m","messages":[],"tags":["body"],"metadata":{"tags":["inside","both"]}}`
	for name, tc := range map[string]struct {
		metadata string
		want     []string
	}{
		"closed": {`{"tags":["both","own","own"]}`, []string{"both", "own", "team"}},
		"open":   {`{"tags":["own"],"allow_client_tags":true}`, []string{"own", "team", "both", "header", "body", "inside"}},
	} {
		key := l.key(name, contract.VirtualKey{TeamID: "t", Metadata: []byte(tc.metadata)})
		require.Equal(t, http.StatusOK, l.serve(request{key: key, body: body, header: map[string]string{"X-Litellm-Tags": "header, ,own"}}).Code)
		require.Equal(t, tc.want, l.booked(key).Tags)
	}
}
