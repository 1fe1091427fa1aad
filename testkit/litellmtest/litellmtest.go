// Package litellmtest gives tests a database that looks like LiteLLM's: its
// tables as Prisma makes them, keys by their hashes, credentials sealed in all
// formats, and the odd rows that years of releases leave behind. It is for tests
// only; the database ends with the test.
package litellmtest

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

//go:embed schema.sql
var schema string

//go:embed rows.sql
var rows string

//go:embed old.sql
var old string

// What the fixture is sealed and reached with.
const (
	// SaltKey and MasterKey are those that LiteLLM ran with.
	SaltKey   = "sk-salt-of-litellm"
	MasterKey = "sk-master-of-litellm"
	// Vendor is the credential that its models have.
	Vendor = "sk-vendor-credential"
)

// The keys that LiteLLM's clients have.
const (
	KeyAnn     = "sk-ann-0123456789abcdefghij" // of ann in team-1, with a budget
	KeyTwin    = "sk-twin-0123456789abcdefghi" // with the alias of KeyAnn
	KeyBlocked = "sk-blocked-0123456789abcdef"
	KeyExpired = "sk-expired-0123456789abcdef"
	KeyTier    = "sk-tier-0123456789abcdefghi" // has the numbers of tier-gold
	KeyOdd     = "sk-odd-0123456789abcdefghij" // with values that nobody meant
	KeySession = "sk-session-0123456789abcdef" // of LiteLLM's web pages
	KeySpent   = "sk-spent-0123456789abcdefgh" // has spent more than its budget
	KeyFormer  = "sk-former-0123456789abcdefg" // what KeyAnn was called before
)

// Options say how the database is filled.
type Options struct {
	// APIBase is where its models call; "" is some place that nobody calls.
	APIBase string
	// Credential is what they call it with; "" is Vendor.
	Credential string
	// Old takes away what an older release did not have.
	Old bool
	// Schema puts the tables into another schema than public.
	Schema string
}

// New returns the URL of a database of LiteLLM's.
func New(tb testing.TB, o Options) string {
	tb.Helper()
	address := pgtest.New(tb, "empty", nil)
	conn, err := pgx.Connect(tb.Context(), address)
	require.NoError(tb, err)
	f := &filler{tb: tb, conn: conn}
	defer func() { require.NoError(tb, conn.Close(tb.Context())) }()
	if o.Schema != "" {
		f.exec("CREATE SCHEMA " + o.Schema)
		f.exec("SET search_path = " + o.Schema)
	}
	f.exec(schema)
	f.exec(rows)
	f.keys()
	f.models(o.APIBase, cmp.Or(o.Credential, Vendor))
	if o.Old {
		f.exec(old)
	}
	return address
}

// Hash is how LiteLLM stores a key.
func Hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

type filler struct {
	tb   testing.TB
	conn *pgx.Conn
}

func (f *filler) exec(query string, args ...any) {
	f.tb.Helper()
	_, err := f.conn.Exec(f.tb.Context(), query, args...)
	require.NoError(f.tb, err)
}

// set changes a column of a key.
func (f *filler) set(key, assignment string) {
	f.tb.Helper()
	f.exec(`UPDATE "LiteLLM_VerificationToken" SET `+assignment+` WHERE "token" = $1`, Hash(key))
}

func (f *filler) keys() {
	for _, key := range []string{KeyAnn, KeyTwin, KeyBlocked, KeyExpired, KeyTier, KeyOdd, KeySession, KeySpent} {
		f.exec(`INSERT INTO "LiteLLM_VerificationToken" ("token", "key_name", "models") VALUES ($1, $2, '{}')`, Hash(key), "sk-..."+key[len(key)-4:])
	}
	f.set(KeyAnn, `"key_alias" = 'prod', "user_id" = 'ann', "team_id" = 'team-1', "organization_id" = 'org-1', "spend" = 3.3000000000000003, "max_budget" = 50,
		"budget_duration" = '30d', "budget_reset_at" = '2099-01-01 00:00:00.123', "models" = '{gpt-a,gpt-b,gpt-c}', "metadata" = '"{\"tags\": [\"batch\"], \"model_rpm_limit\": {\"gpt-a\": 7}}"',
		"aliases" = '{"mini": "gpt-a"}', "tpm_limit" = 400, "created_by" = 'admin', "created_at" = '2025-02-03 04:05:06.789', "rotation_count" = 2,
		"budget_limits" = '[{"budget_duration": "1d", "max_budget": 5, "reset_at": "x"}, {"budget_duration": "soon", "max_budget": 1}]',
		"model_max_budget" = '{"gpt-b": {"budget_limit": 0.5, "time_period": "1d"}}', "object_permission_id" = NULL`)
	f.set(KeyTwin, `"key_alias" = 'prod', "auto_rotate" = true, "rotation_interval" = '30d', "brand_new_column" = 'x', "object_permission_id" = 'perm-1'`)
	f.set(KeyBlocked, `"blocked" = true`)
	f.set(KeyExpired, `"expires" = '2024-01-01'`)
	f.set(KeyTier, `"budget_id" = 'tier-gold', "user_id" = '', "key_alias" = ''`)
	f.set(KeyOdd, `"max_budget" = 'NaN', "spend" = 'NaN', "tpm_limit" = -1, "budget_duration" = 'x', "metadata" = '[]', "expires" = 'infinity', "aliases" = '"{}"'`)
	f.set(KeySession, `"team_id" = 'litellm-dashboard'`)
	f.set(KeySpent, `"key_alias" = 'spent', "spend" = 5.25, "max_budget" = 5`)
	f.exec(`INSERT INTO "LiteLLM_DeprecatedVerificationToken" ("id", "token", "active_token_id", "revoke_at") VALUES ('1', $1, $2, '2099-01-01'), ('2', $3, $2, '2025-01-01')`,
		Hash(KeyFormer), Hash(KeyAnn), Hash("sk-long-gone"))
	f.exec(`INSERT INTO "LiteLLM_VerificationToken" ("token") VALUES ('sk-stored-as-it-is')`)
}

// models stores one model for each form of sealing, and some that can not be
// moved.
func (f *filler) models(base, credential string) {
	f.tb.Helper()
	if base == "" {
		base = "https://vendor.example.com/v1"
	}
	params := func(model string) map[string]any {
		return map[string]any{"model": model, "api_key": credential, "api_base": base, "rpm": 1000, "input_cost_per_token": 1e-6}
	}
	f.model("m-a", "gpt-a", Boxed, SaltKey, params("openai/gpt-4o"))
	f.model("m-early", "gpt-a", BoxedEarly, MasterKey, params("openai/gpt-4o"))
	f.model("m-b", "gpt-b", GCM, SaltKey, params("openai/gpt-4o-mini"))
	f.model("m-c", "gpt-c", Derived, SaltKey, params("openai/gpt-4.1"))
	f.exec(`UPDATE "LiteLLM_ProxyModelTable" SET "litellm_params" = to_jsonb("litellm_params"::text), "model_info" = to_jsonb("model_info"::text) WHERE "model_id" = 'm-c'`)
	f.model("m-plain", "gpt-plain", nil, "", params("openai/gpt-4o"))
	f.model("m-other", "gpt-other", Boxed, "another key", params("openai/gpt-4o"))
	f.model("m-strange", "gpt-strange", Boxed, SaltKey, map[string]any{"model": "nobody-knows-this-vendor/x", "api_key": credential})
	f.model("m-blocked", "gpt-blocked", Boxed, SaltKey, params("openai/gpt-4o"))
	f.exec(`UPDATE "LiteLLM_ProxyModelTable" SET "blocked" = true WHERE "model_id" = 'm-blocked'`)
	f.model("m-shared", "gpt-shared", Boxed, SaltKey, map[string]any{"model": "openai/gpt-4o", "api_base": base, "litellm_credential_name": "vendor"})
	f.model("m-lost", "gpt-lost", Boxed, SaltKey, map[string]any{"model": "openai/gpt-4o", "api_base": base, "litellm_credential_name": "lost"})
	f.exec(`INSERT INTO "LiteLLM_CredentialsTable" ("credential_id", "credential_name", "credential_values") VALUES ('c-1', 'vendor', $1), ('c-2', 'lost', $2)`,
		f.sealed(Derived, SaltKey, map[string]any{"api_key": credential}), f.sealed(Boxed, "another key", map[string]any{"api_key": credential}))
}

func (f *filler) model(id, name string, seal Seal, key string, params map[string]any) {
	f.tb.Helper()
	info, err := json.Marshal(map[string]any{"id": id, "db_model": true, "mode": "chat"})
	require.NoError(f.tb, err)
	f.exec(`INSERT INTO "LiteLLM_ProxyModelTable" ("model_id", "model_name", "litellm_params", "model_info") VALUES ($1, $2, $3, $4)`,
		id, name, f.sealed(seal, key, params), string(info))
}

// sealed is an object with each text in it sealed.
func (f *filler) sealed(seal Seal, key string, values map[string]any) string {
	f.tb.Helper()
	all := map[string]any{}
	for name, v := range values {
		if s, ok := v.(string); ok && seal != nil {
			v = seal(f.tb, key, s)
		}
		all[name] = v
	}
	b, err := json.Marshal(all)
	require.NoError(f.tb, err)
	return string(b)
}
