package pgtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// Conn is what sqlc's queries run on.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Plan returns how Postgres would run the first query that query sends. It is not
// run, and query must hand on the error that it gets instead.
func Plan(tb testing.TB, conn Conn, query func(Conn) error) string {
	tb.Helper()
	e := &explainer{Conn: conn}
	require.ErrorIs(tb, query(e), errExplained)
	return e.plan
}

var errExplained = errors.New("explained, not run")

type explainer struct {
	Conn

	plan string
}

func (e *explainer) explain(ctx context.Context, sql string, args []any) error {
	rows, err := e.Conn.Query(ctx, "EXPLAIN "+sql, args...)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	e.plan = strings.Join(lines, "\n")
	return errExplained
}

func (e *explainer) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, e.explain(ctx, sql, args)
}

func (e *explainer) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) { //nolint:ireturn // as sqlc has it
	return nil, e.explain(ctx, sql, args)
}

func (e *explainer) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row { //nolint:ireturn // as sqlc has it
	return failed{e.explain(ctx, sql, args)}
}

type failed struct{ error }

func (f failed) Scan(...any) error { return f.error }
