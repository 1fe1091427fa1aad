package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Column is a column as the catalog of Postgres has it.
type Column struct {
	Name string
	// Type is as format_type prints it, such as "text[]".
	Type string
	// Default is the expression that stands in for null where null is refused;
	// "" where null is taken.
	Default string
}

// Columns returns the columns of one of our tables, or none when there is no
// such table.
func (s *Store) Columns(ctx context.Context, table string) ([]Column, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT a.attname, format_type(a.atttypid, NULL), CASE WHEN a.attnotnull THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, table)
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", table, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Column])
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", table, err)
	}
	return all, nil
}

// Merge says how rows that come from elsewhere get into one of our tables. Its
// statements are not sqlc's: they hold whatever columns both sides have.
type Merge struct {
	Table string
	// Key are the columns by which a row is found again.
	Key     []string
	Columns []Column
	// Replace changes rows that are there and say something else.
	Replace bool
}

// keyText parts the values of a key in what Merge returns. It is in no id.
const keyText = "\x1f"

// RowKey is how Tx.Merge and Tx.Present name a row.
func RowKey(values ...string) string { return strings.Join(values, keyText) }

func names(columns []string, prefix string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = prefix + pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}

// keyed selects the key of a row as one text.
func (m *Merge) keyed(prefix string) string {
	parts := make([]string, len(m.Key))
	for i, c := range m.Key {
		parts[i] = prefix + pgx.Identifier{c}.Sanitize() + "::text"
	}
	return strings.Join(parts, ` || E'\x1f' || `)
}

// from reads rows out of the parameter, an array of JSON objects by columns.
func (m *Merge) from() string {
	return "jsonb_populate_recordset(NULL::" + pgx.Identifier{m.Table}.Sanitize() + ", $1::jsonb) r"
}

// Present returns the keys of those rows that are in the table.
func (t *Tx) Present(ctx context.Context, m *Merge, rows json.RawMessage) (map[string]bool, error) {
	return t.keys(ctx, m, rows, "SELECT "+m.keyed("t.")+" FROM "+m.from()+" JOIN "+pgx.Identifier{m.Table}.Sanitize()+" t USING ("+names(m.Key, "")+")")
}

// Stored returns those rows as they are in the table, by their keys.
func (t *Tx) Stored(ctx context.Context, m *Merge, rows json.RawMessage) (map[string]json.RawMessage, error) {
	found, err := t.Query(ctx, "SELECT "+m.keyed("t.")+", to_jsonb(t) FROM "+m.from()+" JOIN "+pgx.Identifier{m.Table}.Sanitize()+" t USING ("+names(m.Key, "")+")", rows) //nolint:rowserrcheck // ForEachRow does
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.Table, err)
	}
	all := map[string]json.RawMessage{}
	var key string
	var row []byte
	_, err = pgx.ForEachRow(found, []any{&key, &row}, func() error {
		all[key] = slices.Clone(row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.Table, err)
	}
	return all, nil
}

// Merge writes rows that are not there, and returns the keys of what it wrote.
func (t *Tx) Merge(ctx context.Context, m *Merge, rows json.RawMessage) (map[string]bool, error) {
	var columns, changed []string
	selected := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		columns = append(columns, c.Name)
		selected[i] = "r." + pgx.Identifier{c.Name}.Sanitize()
		if c.Default != "" {
			selected[i] = "coalesce(" + selected[i] + ", " + c.Default + ")"
		}
		if !slices.Contains(m.Key, c.Name) && c.Name != "created_at" && c.Name != "created_by" {
			changed = append(changed, c.Name)
		}
	}
	table := pgx.Identifier{m.Table}.Sanitize()
	conflict := "NOTHING"
	if m.Replace && len(changed) > 0 {
		conflict = "UPDATE SET (" + names(changed, "") + ") = ROW(" + names(changed, "excluded.") + ") WHERE (" + names(changed, table+".") + ") IS DISTINCT FROM (" + names(changed, "excluded.") + ")"
	}
	return t.keys(ctx, m, rows, "INSERT INTO "+table+" ("+names(columns, "")+") SELECT "+strings.Join(selected, ", ")+" FROM "+m.from()+
		" ON CONFLICT ("+names(m.Key, "")+") DO "+conflict+" RETURNING "+m.keyed(table+"."))
}

func (t *Tx) keys(ctx context.Context, m *Merge, rows json.RawMessage, query string) (map[string]bool, error) {
	found, err := t.Query(ctx, query, rows)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", m.Table, err)
	}
	all, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", m.Table, err)
	}
	keys := make(map[string]bool, len(all))
	for _, k := range all {
		keys[k] = true
	}
	return keys, nil
}

// Holders returns who has values of a column that must be unique, in whatever
// case where anyCase says so: the key of the row by the value.
func (t *Tx) Holders(ctx context.Context, m *Merge, column string, anyCase bool, values []string) (map[string]string, error) {
	one, other := "t."+pgx.Identifier{column}.Sanitize(), "v"
	if anyCase {
		one, other = "lower("+one+")", "lower(v)"
	}
	rows, err := t.Query(ctx, "SELECT v, "+m.keyed("t.")+" FROM unnest($1::text[]) v JOIN "+pgx.Identifier{m.Table}.Sanitize()+" t ON "+one+" = "+other, values) //nolint:rowserrcheck // ForEachRow does
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.Table, err)
	}
	holders := map[string]string{}
	var value, key string
	_, err = pgx.ForEachRow(rows, []any{&value, &key}, func() error {
		holders[value] = key
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.Table, err)
	}
	return holders, nil
}

// Analyze counts the rows of tables anew. Statements that were planned when there
// were few are planned again.
func (s *Store) Analyze(ctx context.Context, tables ...string) error {
	for _, table := range tables {
		if _, err := s.pool.Exec(ctx, "ANALYZE "+pgx.Identifier{table}.Sanitize()); err != nil {
			return fmt.Errorf("count rows of %s: %w", table, err)
		}
	}
	return nil
}

// Refused reports whether Postgres refused a statement for what its rows hold.
func Refused(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	// 22 data exception, 23 integrity constraint violation.
	return ok && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23"))
}

// Refusal is what Postgres says of a statement that it refused, without values.
func Refusal(err error) string {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return "unknown error"
	case pg.ConstraintName != "":
		return "constraint " + pg.ConstraintName
	default:
		return "error " + pg.Code
	}
}
