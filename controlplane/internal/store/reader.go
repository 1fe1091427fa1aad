package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// reader plans each query with the values of its parameters.
type reader struct{ db.DBTX }

// Reader is the pool for reports, whose filters may be absent: Postgres plans
// each of their queries anew, and takes the index that fits the filters that are
// there. What is asked for a thousand times a second goes to DB, which keeps
// plans.
func (s *Store) Reader() db.DBTX { return reader{s.pool} } //nolint:ireturn // what queries take

func (r reader) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return r.DBTX.Exec(ctx, sql, unnamed(args)...) //nolint:wrapcheck // it is the pool
}

func (r reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) { //nolint:ireturn // as DBTX has it
	return r.DBTX.Query(ctx, sql, unnamed(args)...) //nolint:wrapcheck,rowserrcheck // it is the pool; the caller reads them
}

func (r reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row { //nolint:ireturn // as DBTX has it
	return r.DBTX.QueryRow(ctx, sql, unnamed(args)...)
}

// unnamed asks for the unnamed statement, whose plan Postgres does not keep.
func unnamed(args []any) []any {
	return append([]any{pgx.QueryExecModeCacheDescribe}, args...)
}
