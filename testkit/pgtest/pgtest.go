package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// opTimeout bounds each step on the server, which may be busy with other tests.
const opTimeout = time.Minute

// MigrateFunc brings the database at url to the wanted schema.
type MigrateFunc func(ctx context.Context, url string) error

// New returns the URL of a fresh database, dropped when the test ends. It is a
// copy of a template that migrate has prepared: once for each name in a test
// process, so one name must always come with the same migrate. A nil migrate
// gives an empty database.
func New(tb testing.TB, template string, migrate MigrateFunc) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), opTimeout)
	defer cancel()
	s, err := process.running(ctx)
	require.NoError(tb, err, "start PostgreSQL for the tests")
	source, err := s.template(ctx, template, migrate)
	require.NoError(tb, err, "prepare the template database %q", template)

	name := s.nextName("db")
	require.NoError(tb, s.exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(source)))
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), opTimeout)
		defer cancel()
		require.NoError(tb, s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"))
	})
	return s.url(name)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// withDatabase changes the database a connection URL names.
func withDatabase(base *url.URL, database string) string {
	u := *base
	u.Path = "/" + database
	return u.String()
}

// parseURL refuses the keyword form, in which the database is not replaced as
// easily.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return nil, fmt.Errorf("%s must look like postgres://user:password@host:port/database", urlEnv) // its text holds a password
	}
	return u, nil
}
