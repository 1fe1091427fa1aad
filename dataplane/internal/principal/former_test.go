package principal_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// key puts a key, and former a text that leads to another.
func (o *office) key(text, team string) {
	o.put(contract.VirtualKeyKey(ident.HashKey(text)), contract.VirtualKey{Hash: ident.HashKey(text), TeamID: team, Limits: one()})
}

func (o *office) former(text, next string, until time.Time) {
	o.put(contract.VirtualKeyKey(ident.HashKey(text)), contract.VirtualKey{
		Hash: ident.HashKey(text), Blocked: true, Expires: until, ReplacedBy: ident.HashKey(next),
	})
}

func (o *office) resolved(text string) principal.Identity {
	o.tb.Helper()
	id, err := o.Resolve(o.tb.Context(), sha256.Sum256([]byte(text)))
	require.NoError(o.tb, err)
	return id
}

// A former text of a key is the key, with all that it is held to, until its time
// is over.
func TestResolve_follows_former_texts(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 0)
	later := time.Now().Add(time.Hour)
	o.put(contract.TeamKey("t"), contract.Team{ID: "t"})
	o.key("sk-c", "t")
	o.former("sk-b", "sk-c", later)
	o.former("sk-a", "sk-b", later) // the record of the last change is not there yet
	now := o.resolved("sk-c")
	for _, text := range []string{"sk-a", "sk-b"} {
		id := o.resolved(text)
		require.Same(t, now.Key, id.Key)
		require.Equal(t, "t", id.Team.ID)
	}
	// What becomes of the key becomes of the text.
	o.put(contract.VirtualKeyKey(ident.HashKey("sk-c")), contract.VirtualKey{Hash: ident.HashKey("sk-c"), Blocked: true})
	require.True(t, o.resolved("sk-b").Key.Blocked)
	o.put(contract.VirtualKeyKey(ident.HashKey("sk-c")), contract.VirtualKey{Head: contract.Head{Deleted: true, At: time.Now()}})
	require.Nil(t, o.resolved("sk-b").Key)

	o.key("sk-c", "")
	o.former("sk-b", "sk-c", time.Now())
	require.Nil(t, o.resolved("sk-b").Key, "its time is over")
	require.NotNil(t, o.resolved("sk-c").Key)
	o.former("sk-b", "sk-b", later)
	require.Nil(t, o.resolved("sk-b").Key, "it leads nowhere")
}

// Nobody has to tell a data plane that the time of a former text is over.
func TestResolve_ends_former_texts_by_itself(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 0)
	o.key("sk-b", "")
	o.former("sk-a", "sk-b", time.Now().Add(300*time.Millisecond))
	require.NotNil(t, o.resolved("sk-a").Key)
	o.server.Stop()
	require.Eventually(t, func() bool { return o.resolved("sk-a").Key == nil }, 10*time.Second, 10*time.Millisecond)
	require.NotNil(t, o.resolved("sk-b").Key)
}

func BenchmarkResolve_former(b *testing.B) {
	o := newOffice(b, 0)
	o.key("sk-b", "")
	o.former("sk-a", "sk-b", time.Now().Add(time.Hour))
	sum := sha256.Sum256([]byte("sk-a"))
	o.resolved("sk-a")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Resolve(b.Context(), sum); err != nil {
			b.Fatal(err)
		}
	}
}
