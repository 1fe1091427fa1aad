// Package migrations holds the schema of the control plane's Postgres as
// ordered SQL files, each with a way forward and a way back.
package migrations

import "embed"

// FS holds the migration files.
//
//go:embed *.sql
var FS embed.FS
