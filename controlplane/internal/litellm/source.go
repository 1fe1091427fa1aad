package litellm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tables of LiteLLM's start with this. Its views and Prisma's own tables do not.
const tablePrefix = "LiteLLM_"

const keyTable = "LiteLLM_VerificationToken"

// source is LiteLLM's database, read as it was at one moment.
type source struct {
	conn   *pgx.Conn
	tx     pgx.Tx
	schema string
	// columns of each table there is.
	columns map[string][]string
}

// prismaOptions are parameters of Prisma's URLs that Postgres does not know:
// https://www.prisma.io/docs/orm/overview/databases/postgresql
func prismaOptions() []string {
	return []string{
		"schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "statement_cache_size",
		"sslaccept", "sslidentity", "sslpassword", "single_use_connections", "max_idle_connection_lifetime", "max_connection_lifetime",
	}
}

// configOf reads a URL as LiteLLM has it. Its errors do not repeat the URL, which
// holds a password.
func configOf(address string) (cfg *pgx.ConnConfig, schema string, err error) {
	wrong := errors.New("the URL of LiteLLM's database can not be read: want postgres://user:password@host:port/database, with special characters of the password escaped")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, "", wrong
	}
	q := u.Query()
	schema = q.Get("schema")
	pooled := q.Get("pgbouncer") == "true"
	for _, name := range prismaOptions() {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	cfg, err = pgx.ParseConfig(u.String())
	if err != nil {
		return nil, "", wrong
	}
	if pooled { // no prepared statements
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	cfg.ConnectTimeout = 10 * time.Second
	cfg.RuntimeParams["application_name"] = "tianji import-litellm"
	return cfg, schema, nil
}

// openSource begins to read. The caller closes it.
func openSource(ctx context.Context, address string) (*source, error) {
	cfg, schema, err := configOf(address)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to LiteLLM's database: %w", err)
	}
	s := &source{conn: conn, schema: schema}
	if err := s.begin(ctx); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *source) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // nothing was written
}

func (s *source) begin(ctx context.Context) error {
	var err error
	// One snapshot, so that what refers to each other fits together.
	s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("read LiteLLM's database: %w", err)
	}
	rows, err := s.tx.Query(ctx, //nolint:rowserrcheck // ForEachRow does
		`SELECT c.table_schema::text, c.table_name::text, c.column_name::text
		FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE t.table_type = 'BASE TABLE' AND starts_with(c.table_name, $1) ORDER BY 1, 2, c.ordinal_position`, tablePrefix)
	if err != nil {
		return fmt.Errorf("read LiteLLM's database: %w", err)
	}
	schemas := map[string]map[string][]string{}
	var schema, table, column string
	_, err = pgx.ForEachRow(rows, []any{&schema, &table, &column}, func() error {
		if schemas[schema] == nil {
			schemas[schema] = map[string][]string{}
		}
		schemas[schema][table] = append(schemas[schema][table], column)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read LiteLLM's database: %w", err)
	}
	return s.choose(schemas)
}

// choose finds the schema that LiteLLM's tables are in.
func (s *source) choose(schemas map[string]map[string][]string) error {
	var found []string
	for name, tables := range schemas {
		if len(tables[keyTable]) > 0 && (s.schema == "" || s.schema == name) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	switch {
	case len(found) == 0 && s.schema != "":
		return fmt.Errorf("there is no table %q in schema %q of that database: is it LiteLLM's?", keyTable, s.schema)
	case len(found) == 0:
		return fmt.Errorf("there is no table %q in that database: is it LiteLLM's?", keyTable)
	case len(found) > 1 && slices.Contains(found, "public"):
		found = []string{"public"}
	case len(found) > 1:
		return fmt.Errorf("there are several installations of LiteLLM in that database: add ?schema= to the URL, one of %s", strings.Join(found, ", "))
	}
	s.schema, s.columns = found[0], schemas[found[0]]
	return nil
}

// has reports whether there is a table, and each of these columns in it.
func (s *source) has(table string, columns ...string) bool {
	there, ok := s.columns[table]
	for _, c := range columns {
		ok = ok && slices.Contains(there, c)
	}
	return ok
}

func (s *source) name(table string) string { return pgx.Identifier{s.schema, table}.Sanitize() }

// count counts the rows of a query.
func (s *source) count(ctx context.Context, query string) (int64, error) {
	var n int64
	if err := s.tx.QueryRow(ctx, "SELECT count(*) FROM ("+query+") q").Scan(&n); err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return n, nil
}

// each reads the rows of a query, which are JSON objects, one after the other.
func (s *source) each(ctx context.Context, query string, f func(object) error) error {
	rows, err := s.tx.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	defer rows.Close()
	var raw []byte
	for rows.Next() {
		if err := rows.Scan(&raw); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		if err := f(o); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}

// RefuseTheirs returns an error for a database that is LiteLLM's and not ours:
// both are called DATABASE_URL, and nothing is written into LiteLLM's.
func RefuseTheirs(ctx context.Context, address string) error {
	cfg, _, err := configOf(address)
	if err != nil {
		return nil // whoever opens it says so
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to our database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing was written
	var theirs, ours bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM information_schema.tables WHERE table_name = $1), to_regclass('verification_token') IS NOT NULL`, keyTable).Scan(&theirs, &ours)
	if err != nil {
		return fmt.Errorf("read our database: %w", err)
	}
	if theirs && !ours {
		return errors.New("the database to move to is LiteLLM's own: name another one of TianjiLLM's, or start a control plane on it once if both are to share it")
	}
	return nil
}
