package user_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/user"
)

func TestUpdateRequest_leaves_out_what_is_empty(t *testing.T) {
	t.Parallel()
	var r user.UpdateRequest
	require.NoError(t, json.Unmarshal([]byte(`{"user_id":"u","models":[ ],"metadata":{},"user_alias":null,"rpm_limit":null,"max_budget":null,"budget_limits":[]}`), &r))
	require.True(t, r.UserID.Sent)
	require.True(t, r.MaxBudget.Null)
	for _, sent := range []bool{r.Models.Sent, r.Metadata.Sent, r.UserAlias.Sent, r.RPM.Sent, r.BudgetLimits.Sent} {
		require.False(t, sent)
	}
	require.NoError(t, json.Unmarshal([]byte(`{"models":["m"],"metadata":{"a":1},"user_alias":""}`), &r))
	require.Equal(t, []string{"m"}, r.Models.Value)
	require.False(t, r.UserID.Sent, "nothing is left of what was there before")
	require.Error(t, json.Unmarshal([]byte(`{"user_id":7}`), &r))
	require.Error(t, json.Unmarshal([]byte(`[]`), &r))
}

func TestTeam(t *testing.T) {
	t.Parallel()
	var r user.Request
	require.NoError(t, json.Unmarshal([]byte(`{"teams":["a",{"team_id":"b","user_role":"admin","max_budget_in_team":2}]}`), &r))
	require.Equal(t, "a", r.Teams.Value[0].ID)
	require.Equal(t, "b", r.Teams.Value[1].ID)
	require.Equal(t, "admin", r.Teams.Value[1].Role)
	require.JSONEq(t, "2", string(r.Teams.Value[1].MaxBudget.Value))
	require.Error(t, json.Unmarshal([]byte(`{"teams":[7]}`), &r))
}

func FuzzUpdateRequest(f *testing.F) {
	for _, seed := range []string{`{}`, `{"user_id":"u","max_budget":null}`, `{"models":[],"metadata":{"a":[]}}`, `{"user_id":{}}`, `[`, `null`, `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r user.UpdateRequest
		if json.Unmarshal(body, &r) != nil {
			return
		}
		require.False(t, r.UserID.Null, "null stands for nothing")
		require.False(t, r.Models.Sent && len(r.Models.Value) == 0)
	})
}
