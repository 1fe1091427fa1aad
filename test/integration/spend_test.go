package integration_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// The price of every deployment here: 1,000 nano-dollars a token in, 2,000 out.
const answerNano = fakevendor.PromptTokens*1000 + fakevendor.CompletionTokens*2000

// TestSpend_of_each_outcome: one row for each request, however it ends, and
// nothing for requests that reached no vendor.
func TestSpend_of_each_outcome(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	v.Script("gpt-busy", fakevendor.Fail(http.StatusServiceUnavailable, "Busy."))
	for name, c := range map[string]struct {
		request func(t *testing.T, c *stack.Client)
		row     stack.SpendRow
	}{
		"JSON": {
			func(t *testing.T, c *stack.Client) {
				t.Helper()
				c.Post(t, chatPath, `{"model":"gpt","messages":[],"user":"end-1"}`).OK(t)
			},
			stack.SpendRow{CallType: "acompletion", ModelGroup: "gpt", Model: "gpt-4o", ModelID: "gpt-deployment", Status: "success", HTTPStatus: 200, EndUser: new("end-1")},
		},
		"stream": {
			func(t *testing.T, c *stack.Client) {
				t.Helper()
				e := c.Stream(t, chatPath, `{"model":"gpt","stream":true,"messages":[]}`)
				defer e.Close()
				_, err := e.Rest()
				require.NoError(t, err)
			},
			stack.SpendRow{CallType: "acompletion", ModelGroup: "gpt", Model: "gpt-4o", ModelID: "gpt-deployment", Status: "success", HTTPStatus: 200, Stream: true},
		},
		"completion": {
			func(t *testing.T, c *stack.Client) {
				t.Helper()
				c.Post(t, "/v1/completions", `{"model":"instruct","prompt":"x"}`).OK(t)
			},
			stack.SpendRow{CallType: "atext_completion", ModelGroup: "instruct", Model: "gpt-3.5-turbo-instruct", ModelID: "instruct-deployment", Status: "success", HTTPStatus: 200},
		},
		"failure": {
			func(t *testing.T, c *stack.Client) {
				t.Helper()
				require.Equal(t, http.StatusServiceUnavailable, c.Post(t, chatPath, `{"model":"busy","messages":[]}`).Status)
			},
			stack.SpendRow{CallType: "acompletion", ModelGroup: "busy", Model: "gpt-busy", ModelID: "busy-deployment", Status: "failure", HTTPStatus: 503},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			team, user := s.NewTeam(t, map[string]any{}), s.NewUser(t, nil)
			key := s.NewKey(t, map[string]any{"team_id": team, "user_id": user})
			client := s.Client(key)
			client.Post(t, chatPath, `{"model":"nothing"}`)
			client.Post(t, chatPath, `no JSON`)
			c.request(t, client)
			got := s.WaitBooked(t, key, 1)[0]
			require.Regexp(t, `^[0-9a-f-]{36}$`, got.RequestID)
			c.row.RequestID, c.row.UserID, c.row.TeamID = got.RequestID, &user, &team
			if c.row.Status == "success" {
				c.row.PromptTokens, c.row.CompletionTokens, c.row.SpendNano = fakevendor.PromptTokens, fakevendor.CompletionTokens, answerNano
			}
			got.ErrorType = nil // null, or a word that the contract tests hold
			require.Equal(t, c.row, got)
			sameEverywhere(t, s, key, team, user, c.row.SpendNano)
		})
	}
}

// sameEverywhere holds that a key, its team, its user and the sum of its rows
// agree, in the database and in what the API shows.
func sameEverywhere(t *testing.T, s *stack.Stack, key, team, user string, nano int64) {
	t.Helper()
	require.Equal(t, nano, s.Scalar(t, "SELECT coalesce(sum(spend_nano), 0)::bigint FROM spend_logs WHERE api_key = $1", ident.HashKey(key)))
	require.Equal(t, nano, s.Scalar(t, "SELECT spend_nano FROM verification_token WHERE token = $1", ident.HashKey(key)))
	require.Equal(t, nano, s.Scalar(t, "SELECT spend_nano FROM team_table WHERE team_id = $1", team))
	require.Equal(t, nano, s.Scalar(t, "SELECT spend_nano FROM user_table WHERE user_id = $1", user))
	for table, where := range map[string]string{"daily_user_spend": "user_id = $1", "daily_team_spend": "team_id = $1"} {
		id := map[string]string{"daily_user_spend": user, "daily_team_spend": team}[table]
		require.Equal(t, nano, s.Scalar(t, "SELECT coalesce(sum(spend_nano), 0)::bigint FROM "+table+" WHERE "+where, id), table)
	}
	usd := money.Nano(nano).USD()
	for path, member := range map[string]string{"/key/info?key=" + key: "info", "/team/info?team_id=" + team: "team_info", "/user/info?user_id=" + user: "user_info"} {
		shown, _ := s.Master().Get(t, path).OK(t)[member].(map[string]any)
		require.InDelta(t, usd, shown["spend"], 1e-12, path)
	}
}

// TestSpend_of_a_client_that_hangs_up: what was streamed until then is booked,
// once, and the vendor is hung up on too.
func TestSpend_of_a_client_that_hangs_up(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	v.Script("gpt-4o", fakevendor.Answer(fakevendor.Options{Gate: make(chan struct{})})) // stops after its first chunk
	key := s.NewKey(t, nil)
	e := s.Client(key).Stream(t, chatPath, `{"model":"gpt","stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
	for range 2 {
		_, ok := e.Next()
		require.True(t, ok)
	}
	e.Close()
	<-v.Last(t, "gpt-4o").Ended
	row := s.WaitBooked(t, key, 1)[0]
	require.Equal(t, 499, row.HTTPStatus)
	require.Equal(t, "failure", row.Status)
	require.Equal(t, "client_disconnected", *row.ErrorType)
	require.True(t, row.UsageEstimated)
	require.Positive(t, row.SpendNano)
	require.Equal(t, row.SpendNano, s.Scalar(t, "SELECT spend_nano FROM verification_token WHERE token = $1", ident.HashKey(key)))

	// A client that does not wait for the head of an answer costs a row as well.
	v.Script("gpt-busy", fakevendor.Hang())
	impatient := s.NewKey(t, nil)
	s.Client(impatient).HangUp(t, chatPath, `{"model":"busy","messages":[]}`, func() bool { return len(v.Calls("gpt-busy")) > 0 })
	<-v.Last(t, "gpt-busy").Ended
	require.Equal(t, 499, s.WaitBooked(t, impatient, 1)[0].HTTPStatus)
}

// TestSpend_adds_up under load on two data planes: rows, keys, teams and users
// agree to the nano-dollar, and no request is booked twice.
func TestSpend_adds_up(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2, ControlPlanes: 2})
	v.Script("gpt-busy", fakevendor.Fail(http.StatusBadGateway, "Busy."))
	v.Script("gpt-local", fakevendor.Answer(fakevendor.Options{CutAfter: 2}))
	team, user := s.NewTeam(t, map[string]any{}), s.NewUser(t, nil)
	key := s.NewKey(t, map[string]any{"team_id": team, "user_id": user})
	const workers, rounds = 8, 15
	var wg sync.WaitGroup
	for w := range workers {
		client := s.Client(key).At(s.DataPlane(w % 2))
		wg.Go(func() {
			for range rounds {
				client.Post(t, chatPath, `{"model":"gpt","messages":[]}`)
				client.Post(t, chatPath, `{"model":"gpt","stream":true,"messages":[]}`)
				client.Post(t, chatPath, `{"model":"busy","messages":[]}`)
				client.Post(t, chatPath, `{"model":"house/local-model","stream":true,"messages":[]}`)
			}
		})
	}
	wg.Wait()
	s.Settle(t)
	rows := s.SpendRows(t, key)
	require.Len(t, rows, 4*workers*rounds)
	var sum int64
	ids, good := map[string]bool{}, 0
	for _, r := range rows {
		require.False(t, ids[r.RequestID], "booked twice")
		ids[r.RequestID] = true
		sum += r.SpendNano
		if r.ModelGroup == "gpt" {
			good++
			require.Equal(t, int64(answerNano), r.SpendNano)
		}
	}
	require.Equal(t, 2*workers*rounds, good)
	sameEverywhere(t, s, key, team, user, sum)
	require.Equal(t, sum, s.Scalar(t, "SELECT sum(spend_nano)::bigint FROM daily_model_spend"))
	require.EqualValues(t, len(rows), s.Scalar(t, "SELECT sum(api_requests)::bigint FROM daily_model_spend"))
	require.Zero(t, s.Scalar(t, "SELECT count(*) FROM usage_dead"))
	for _, url := range s.DataPlanes() {
		require.Zero(t, s.Metric(t, url, "tianji_dataplane_usage_lost_total"))
	}

	r := s.Client(key).Get(t, "/spend/logs")
	require.Equal(t, http.StatusOK, r.Status)
	require.Equal(t, len(rows), strings.Count(string(r.Body), `"request_id"`))
}
