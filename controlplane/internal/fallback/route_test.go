package fallback_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/fallback"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type models []string

func (m models) Groups(context.Context) ([]string, error) { return m, nil }

func to(names ...string) []contract.FallbackTarget {
	var list []contract.FallbackTarget
	for _, n := range names {
		list = append(list, contract.FallbackTarget{Model: n})
	}
	return list
}

func text(s string) field.Of[string] { return field.Of[string]{Sent: true, Value: s} }

// What is stored comes before the file for the same group, and leaves the file's
// settings as they are.
func TestRoute(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	file := contract.RouterSettings{Fallbacks: []contract.Fallback{{Model: "a", To: to("b")}, {Model: "c", To: to("b")}}}
	s := fallback.New(st, models{"a", "b", "c"}, file)
	who := caller.Caller{Master: true}
	put := func(model, kind string, names ...string) {
		t.Helper()
		_, err := s.Put(t.Context(), who, &fallback.Request{Model: text(model), Models: field.Of[[]string]{Sent: true, Value: names}, Type: text(kind)})
		require.NoError(t, err)
	}
	put("a", "general", "c", "b")
	put("a", "content_policy", "b")
	settings := file
	require.NoError(t, s.Route(t.Context(), &settings))
	require.Equal(t, []contract.Fallback{{Model: "c", To: to("b")}, {Model: "a", To: to("c", "b")}}, settings.Fallbacks)
	require.Equal(t, []contract.Fallback{{Model: "a", To: to("b")}}, settings.ContentPolicyFallbacks)
	require.Empty(t, settings.ContextWindowFallbacks)
	require.Equal(t, to("b"), file.Fallbacks[0].To)

	view, err := s.Get(t.Context(), who, "a", "")
	require.NoError(t, err)
	require.Equal(t, []string{"c", "b"}, view.Models)
	_, err = s.Delete(t.Context(), who, "a", "general")
	require.NoError(t, err)
	settings = file
	require.NoError(t, s.Route(t.Context(), &settings))
	require.Equal(t, file.Fallbacks, settings.Fallbacks)
	_, err = s.Delete(t.Context(), who, "a", "general")
	require.ErrorContains(t, err, "stand in the config file")
}
