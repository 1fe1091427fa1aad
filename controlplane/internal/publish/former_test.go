package publish_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// held is the record of a key's text.
func (s *shop) held(text string) contract.VirtualKey {
	s.t.Helper()
	var k contract.VirtualKey
	require.NoError(s.t, json.Unmarshal([]byte(s.record(s.t, s.names.PrincipalsBucket(), contract.VirtualKeyKey(ident.HashKey(text)))), &k))
	return k
}

// The bucket holds former texts for as long as they work, also when NATS has lost
// them, and nothing of them afterwards.
func TestFormer_texts_of_keys(t *testing.T) {
	t.Parallel()
	s, master := newShop(t), caller.Caller{Master: true}
	do(s, s.keys.Generate, `{"key":"sk-text-1","models":["m"]}`)
	renew := func(sent, body string) {
		t.Helper()
		r := decoded[key.Request](t, body)
		_, err := s.keys.Regenerate(t.Context(), master, sent, &r)
		require.NoError(t, err)
	}
	renew("sk-text-1", `{"new_key":"sk-text-2","grace_period":"1h"}`)
	renew("sk-text-2", `{"new_key":"sk-text-3","grace_period":"2h"}`)
	check := func() {
		t.Helper()
		for text, left := range map[string]time.Duration{"sk-text-1": time.Hour, "sk-text-2": 2 * time.Hour} {
			got := s.held(text)
			require.Equal(t, ident.HashKey("sk-text-3"), got.ReplacedBy, text)
			require.WithinDuration(t, time.Now().Add(left), got.Expires, time.Minute)
			require.True(t, got.Blocked, "who does not know what a former text is refuses it")
		}
		require.Equal(t, []string{"m"}, s.held("sk-text-3").Models)
	}
	check()
	require.NoError(t, s.js.DeleteKeyValue(t.Context(), s.names.PrincipalsBucket()))
	require.NoError(t, publish.Provision(t.Context(), s.js, s.names, 1))
	require.NoError(t, s.publisher.Reconcile(t.Context()))
	check()

	_, err := s.store.DB().Exec(t.Context(), "UPDATE deprecated_verification_token SET revoke_at = now() - interval '2 days' WHERE token = $1", ident.HashKey("sk-text-1"))
	require.NoError(t, err)
	rotator, err := key.NewRotator(s.keys, key.RotatorOptions{})
	require.NoError(t, err)
	require.NoError(t, rotator.Forget(t.Context()))
	require.True(t, s.held("sk-text-1").Deleted)
	require.False(t, s.held("sk-text-2").Deleted)
	_, err = s.keys.Delete(t.Context(), master, []string{"sk-text-3"}, nil)
	require.NoError(t, err)
	require.True(t, s.held("sk-text-2").Deleted)
	require.True(t, s.held("sk-text-3").Deleted)
}
