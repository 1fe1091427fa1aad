package budget

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// each calls f for all items, so many at a time, until one fails.
func each[T any](ctx context.Context, parallel int, items []T, f func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, item := range items {
		g.Go(func() error { return f(ctx, item) })
	}
	return g.Wait()
}
