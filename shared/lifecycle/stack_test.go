package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

func TestStack_stops_in_reverse_and_once(t *testing.T) {
	t.Parallel()
	s := lifecycle.NewStack(slog.New(slog.DiscardHandler))
	var order []string
	broken := errors.New("broken")
	s.PushFunc("first", func() { order = append(order, "first") })
	s.Push("second", func(context.Context) error { order = append(order, "second"); return broken })
	s.PushFunc("third", func() { order = append(order, "third") })

	err := s.Stop(t.Context())
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "stop second")
	require.Equal(t, []string{"third", "second", "first"}, order)
	require.NoError(t, s.Stop(t.Context()))
	require.Len(t, order, 3)
}

func TestLoop_waits_for_its_goroutine(t *testing.T) {
	t.Parallel()
	ended := false
	stop := lifecycle.Loop(func(ctx context.Context) {
		<-ctx.Done()
		ended = true
	})
	stop()
	require.True(t, ended)
}
