package conversation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/conversation"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	ids, err := conversation.NewIDs("secret")
	require.NoError(t, err)
	k := conversation.Kept{Owner: conversation.Owner{KeyHash: "k", UserID: "u"}, Deployment: "d", VendorID: "resp_1"}
	id := ids.Seal(&k)
	require.Regexp(t, `^resp_[A-Za-z0-9_-]+$`, id)
	got, ok := ids.Open(id)
	require.True(t, ok)
	require.Equal(t, k, got)

	other, err := conversation.NewIDs("another")
	require.NoError(t, err)
	for _, forged := range []string{
		"", "resp_", "resp_1", id[5:], id[:len(id)-1], id + "A", other.Seal(&k), conversation.Native("openai", "d", "resp_1"),
	} {
		_, ok := ids.Open(forged)
		require.False(t, ok, forged)
	}
	_, err = conversation.NewIDs("")
	require.Error(t, err)
}

func TestNative(t *testing.T) {
	t.Parallel()
	deployment, vendorID, ok := conversation.ParseNative(conversation.Native("openai", "d", "resp_1"))
	require.True(t, ok)
	require.Equal(t, []string{"d", "resp_1"}, []string{deployment, vendorID})
	for _, id := range []string{"", "resp_1", "video_x", "resp_" + "bGl0ZWxsbTo="} {
		_, _, ok := conversation.ParseNative(id)
		require.False(t, ok, id)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	users := conversation.Owner{KeyHash: "k", UserID: "u"}
	teams := conversation.Owner{KeyHash: "k", TeamID: "t"}
	both := conversation.Owner{KeyHash: "k", UserID: "u", TeamID: "t"}
	for _, tc := range []struct {
		mine, other conversation.Owner
		why         string
	}{
		{both, conversation.Owner{KeyHash: "k"}, ""},
		{both, conversation.Owner{KeyHash: "x", UserID: "u", TeamID: "t"}, ""},
		{both, conversation.Owner{KeyHash: "x", UserID: "y", TeamID: "t"}, "user"},
		{both, conversation.Owner{KeyHash: "x", TeamID: "t"}, "user"},
		{both, conversation.Owner{KeyHash: "x", UserID: "u"}, "team"},
		{users, conversation.Owner{KeyHash: "x", UserID: "u", TeamID: "t"}, ""},
		{users, conversation.Owner{KeyHash: "x"}, "user"},
		{teams, conversation.Owner{KeyHash: "x", UserID: "y", TeamID: "t"}, ""},
		{teams, conversation.Owner{KeyHash: "x", TeamID: "z"}, "team"},
		{conversation.Owner{KeyHash: "k"}, conversation.Owner{KeyHash: "x"}, "user"},
	} {
		require.Equal(t, tc.why, tc.mine.Refuses(tc.other), "%v for %v", tc.mine, tc.other)
	}
}
