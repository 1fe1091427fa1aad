package integration_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// These are the acceptance scenarios of the management endpoints, over HTTP
// against two data planes.

// office is an installation with a team, a member of it, and what they spent.
type office struct {
	*stack.Stack

	key string // of ann in the team
	usd float64
}

const officeSettings = `litellm_settings:
  store_audit_logs: true
  default_internal_user_params: {available_teams: [core, open]}
`

func newOffice(t *testing.T) *office {
	t.Helper()
	v := fakevendor.Start(t)
	o := &office{Stack: stack.Start(t, stack.Options{Config: sdkConfig(v) + officeSettings, DataPlanes: 2})}
	for _, id := range []string{"ann", "bob"} {
		o.NewUser(t, map[string]any{"user_id": id, "user_role": "internal_user"})
	}
	o.NewTeam(t, map[string]any{"team_id": "core", "team_alias": "Core", "members_with_roles": []map[string]string{{"user_id": "ann", "role": "user"}}})
	o.key = o.NewKey(t, map[string]any{"user_id": "ann", "team_id": "core", "key_alias": "ann"})
	o.chat(t, o.key, 2)
	o.usd = money.Nano(2 * answerNano).USD()
	return o
}

// chat makes calls with a key, and waits until they are booked.
func (o *office) chat(t *testing.T, key string, n int) {
	t.Helper()
	before := len(o.SpendRows(t, key))
	for i := range n {
		o.Client(key).At(o.DataPlane(i%2)).Post(t, chatPath, hello).OK(t)
	}
	o.WaitBooked(t, key, before+n)
}

func (o *office) spend(t *testing.T, key string) float64 {
	t.Helper()
	info, _ := o.Master().Get(t, "/key/info?key="+key).OK(t)["info"].(map[string]any)
	return info["spend"].(float64)
}

func (o *office) today() string { return time.Now().UTC().Format(time.DateOnly) }

// Scenario 1: a service account belongs to its team alone.
func TestManagement_service_account(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	made := o.Master().Post(t, "/key/service-account/generate", `{"team_id":"core","user_id":"ann"}`).OK(t)
	require.Nil(t, made["user_id"])
	require.Equal(t, "core", made["team_id"])
	key, _ := made["key"].(string)
	o.chat(t, key, 1)
	row := o.SpendRows(t, key)[0]
	require.Equal(t, "core", *row.TeamID)
	require.True(t, row.UserID == nil || *row.UserID == "")
	require.Equal(t, http.StatusOK, o.Master().Post(t, "/user/delete", `{"user_ids":["ann"]}`).Status)
	o.chat(t, key, 1) // it outlives whoever made it
	require.Equal(t, http.StatusBadRequest, o.Master().Post(t, "/key/service-account/generate", `{}`).Status)
}

// Scenario 2: what a key spent is set to nothing, and every data plane lets it
// spend again.
func TestManagement_reset_of_a_key(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	budget := money.Nano(3 * answerNano).USD()
	key := o.NewKey(t, map[string]any{"max_budget": budget, "budget_duration": "30d"})
	spendAll := func() {
		for _, c := range everywhere(o.Stack, key) {
			stack.Await(t, "the end of the budget", func() bool {
				r := c.Post(t, chatPath, hello)
				return r.Status == http.StatusTooManyRequests
			})
		}
		o.Settle(t)
	}
	spendAll()
	spent := o.spend(t, key)
	require.GreaterOrEqual(t, spent, budget)
	reset := o.Master().Post(t, "/key/"+ident.HashKey(key)+"/reset_spend", `{"reset_to":0}`).OK(t)
	require.InDelta(t, spent, reset["previous_spend"], 1e-12)
	require.Zero(t, reset["spend"])
	require.Zero(t, o.spend(t, key))
	for _, c := range everywhere(o.Stack, key) {
		stack.Await(t, "room in the budget", func() bool { return c.Post(t, chatPath, hello).Status == http.StatusOK })
	}
	spendAll()
	require.InDelta(t, spent, o.spend(t, key), budget, "as much again, and no more")
	require.EqualValues(t, 1, o.Scalar(t, "SELECT count(*) FROM audit_log WHERE action = 'updated' AND object_id = $1", ident.HashKey(key)))
}

// Scenario 3: all aliases, in their order.
func TestManagement_aliases(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, alias := range []string{"zoe", "carl", "bert"} {
		o.NewKey(t, map[string]any{"key_alias": alias})
	}
	o.NewKey(t, nil)
	require.Equal(t, []any{"ann", "bert", "carl", "zoe"}, o.Master().Get(t, "/key/aliases").OK(t)["aliases"])
	infos := o.Master().Post(t, "/v2/key/info", map[string]any{"keys": []string{o.key}}).OK(t)["info"].([]any)
	require.Len(t, infos, 1)
	require.InDelta(t, o.usd, infos[0].(map[string]any)["spend"], 1e-12)
}

// Scenario 4: a member's role and budget.
func TestManagement_member_update(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Master().Post(t, "/team/member_update", map[string]any{"team_id": "core", "user_id": "ann", "role": "admin", "max_budget_in_team": o.usd}).OK(t)
	info, _ := o.Master().Get(t, "/team/info?team_id=core").OK(t)["team_info"].(map[string]any)
	members, _ := info["members_with_roles"].([]any)
	require.True(t, slices.ContainsFunc(members, func(m any) bool {
		member, _ := m.(map[string]any)
		return member["user_id"] == "ann" && member["role"] == "admin"
	}))
	for _, c := range everywhere(o.Stack, o.key) { // all of it is spent already
		stack.Await(t, "the end of the member's budget", func() bool { return c.Post(t, chatPath, hello).Status == http.StatusTooManyRequests })
	}
	require.Equal(t, "new", o.Client(o.key).Post(t, "/team/update", `{"team_id":"core","team_alias":"new"}`).OK(t)["data"].(map[string]any)["team_alias"], "an admin of it now")
}

// Scenario 5: the teams that somebody has not joined, of those that are open.
func TestManagement_teams_to_join(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.NewTeam(t, map[string]any{"team_id": "open", "team_alias": "Open"})
	o.NewTeam(t, map[string]any{"team_id": "closed"})
	available := func(user string) []string {
		t.Helper()
		r := o.Client(o.NewKey(t, map[string]any{"user_id": user})).Get(t, "/team/available")
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		var teams []struct {
			ID string `json:"team_id"`
		}
		require.NoError(t, json.Unmarshal(r.Body, &teams))
		ids := make([]string, len(teams))
		for i, team := range teams {
			ids[i] = team.ID
		}
		return ids
	}
	require.Equal(t, []string{"open"}, available("ann"), "she is in the other one")
	require.ElementsMatch(t, []string{"core", "open"}, available("bob"))
}

// Scenarios 6 and 7: what was called and spent, by days.
func TestManagement_activity_and_report(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	days := "start_date=" + o.today() + "&end_date=" + o.today()
	activity := o.Master().Get(t, "/global/activity?"+days).OK(t)
	require.InDelta(t, 2, activity["sum_api_requests"], 0)
	require.InDelta(t, 2*(fakevendor.PromptTokens+fakevendor.CompletionTokens), activity["sum_total_tokens"], 0)
	require.Len(t, activity["daily_data"], 1)
	r := o.Master().Get(t, "/global/spend/report?group_by=team&"+days)
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), `"team_name":"Core"`)
	require.Contains(t, string(r.Body), o.today())
}

// Scenario 8: the spend of all keys and teams.
func TestManagement_reset_of_all(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	require.InDelta(t, o.usd, o.spend(t, o.key), 1e-12)
	require.Equal(t, "success", o.Master().Post(t, "/global/spend/reset", `{}`).OK(t)["status"])
	require.Zero(t, o.spend(t, o.key))
	require.Zero(t, o.Scalar(t, "SELECT count(*) FROM verification_token WHERE spend_nano <> 0"))
	require.Zero(t, o.Scalar(t, "SELECT count(*) FROM team_table WHERE spend_nano <> 0"))
	require.InDelta(t, o.usd, o.Master().Get(t, "/global/spend").OK(t)["spend"], 1e-9, "what was booked stays")
}

// The texts of a key are one key: what either spends is of one budget.
func TestManagement_grace_shares_the_budget(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	old := o.NewKey(t, map[string]any{"max_budget": money.Nano(4 * answerNano).USD(), "rpm_limit": 1000})
	o.chat(t, old, 1)
	made := o.Master().Post(t, "/key/regenerate", map[string]any{"key": old, "grace_period": "1h"}).OK(t)
	key, _ := made["key"].(string)
	for _, c := range append(everywhere(o.Stack, old), everywhere(o.Stack, key)...) {
		stack.Await(t, "the end of the budget", func() bool { return c.Post(t, chatPath, hello).Status == http.StatusTooManyRequests })
	}
	o.Settle(t)
	require.InDelta(t, money.Nano(4*answerNano).USD(), o.spend(t, key), money.Nano(answerNano).USD())
	rows := o.SpendRows(t, key)
	require.Len(t, o.SpendRows(t, old), 1, "what was called before is of the former text")
	require.GreaterOrEqual(t, len(rows), 3)
}

// A call that began before its key got another text is the key's, too.
func TestManagement_call_across_a_new_text(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	gate := make(chan struct{})
	v.Script("gpt-4o", fakevendor.Answer(fakevendor.Options{Gate: gate}))
	old := s.NewKey(t, map[string]any{"max_budget": 1})
	call := begin(t, s.Client(old), `{"model":"gpt","stream":true,"messages":[]}`)
	key, _ := s.Master().Post(t, "/key/regenerate", map[string]any{"key": old}).OK(t)["key"].(string)
	close(gate)
	_, err := io.Copy(io.Discard, call.Body)
	require.NoError(t, err)
	row := s.WaitBooked(t, old, 1)[0]
	require.Positive(t, row.SpendNano)
	require.Equal(t, row.SpendNano, s.Scalar(t, "SELECT spend_nano FROM verification_token WHERE token = $1", ident.HashKey(key)))
}

// However often a key gets another text with grace, the first one is let in all
// the while.
func TestManagement_grace_never_refuses(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2, ControlPlanes: 2})
	first := s.NewKey(t, map[string]any{"rpm_limit": 1_000_000})
	var wg sync.WaitGroup
	var calls, refused atomic.Int64
	done := make(chan struct{})
	for _, c := range everywhere(s, first) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				calls.Add(1)
				if c.Post(t, chatPath, `{"model":"mock","messages":[]}`).Status != http.StatusOK {
					refused.Add(1)
				}
			}
		})
	}
	key := first
	for i := range 20 {
		r := s.Master().At(s.ControlPlane(i%2)).Post(t, "/key/regenerate", map[string]any{"key": key, "grace_period": "1h"})
		key, _ = r.OK(t)["key"].(string)
		s.Client(key).At(s.DataPlane(i%2)).Post(t, chatPath, `{"model":"mock","messages":[]}`).OK(t)
	}
	close(done)
	wg.Wait()
	require.Zero(t, refused.Load(), "of %d calls", calls.Load())
	require.Greater(t, calls.Load(), int64(20))
	require.EqualValues(t, 20, s.Scalar(t, "SELECT count(*) FROM deprecated_verification_token WHERE active_token_id = $1", ident.HashKey(key)))
}
