package litellm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/credential"
	"github.com/tianjillm/tianjillm/controlplane/internal/litellm"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/testkit/litellmtest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const salt = "salt of ours"

// target is a database of ours.
func target(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	return st
}

func options(t *testing.T, st *store.Store, from string) litellm.Options {
	t.Helper()
	opener, err := litellm.NewOpener(litellmtest.SaltKey, litellmtest.MasterKey)
	require.NoError(t, err)
	return litellm.Options{From: from, Store: st, Salt: salt, Opener: opener}
}

func run(t *testing.T, o litellm.Options) *litellm.Report {
	t.Helper()
	r, err := litellm.Import(t.Context(), o)
	require.NoError(t, err)
	return r
}

// of is the report of one table.
func of(t *testing.T, r *litellm.Report, name string) litellm.TableReport {
	t.Helper()
	i := slices.IndexFunc(r.Tables, func(x litellm.TableReport) bool { return x.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return r.Tables[i]
}

// row is a row as JSON.
func row(t *testing.T, st *store.Store, table, where string, args ...any) map[string]any {
	t.Helper()
	var raw []byte
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT to_jsonb(x) FROM "+table+" x WHERE "+where, args...).Scan(&raw))
	var m map[string]any
	require.NoError(t, json.Unmarshal(raw, &m))
	return m
}

// dump is everything in a database but for what changes by itself.
func dump(t *testing.T, st *store.Store) string {
	t.Helper()
	names, err := st.DB().Query(t.Context(), "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'goose%' ORDER BY 1")
	require.NoError(t, err)
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	var b strings.Builder
	for _, table := range tables {
		var content string
		require.NoError(t, st.DB().QueryRow(t.Context(), fmt.Sprintf("SELECT coalesce(string_agg(to_jsonb(x)::text, E'\\n' ORDER BY to_jsonb(x)::text), '') FROM %q x", table)).Scan(&content))
		fmt.Fprintf(&b, "== %s\n%s\n", table, content)
	}
	return b.String()
}

func TestImport_principals(t *testing.T) {
	t.Parallel()
	st := target(t)
	r := run(t, options(t, st, litellmtest.New(t, litellmtest.Options{})))

	k := row(t, st, "verification_token", "token = $1", litellmtest.Hash(litellmtest.KeyAnn))
	for column, want := range map[string]any{
		"key_alias": "prod", "user_id": "ann", "team_id": "team-1", "organization_id": "org-1", "spend_nano": 3.3e9, "max_budget_nano": 50e9,
		"budget_duration": "30d", "budget_reset_at": "2099-01-01T00:00:00.123+00:00", "models": []any{"gpt-a", "gpt-b", "gpt-c"}, "tpm_limit": 400.0,
		"metadata": map[string]any{"tags": []any{"batch"}, "model_rpm_limit": map[string]any{"gpt-a": 7.0}}, "aliases": map[string]any{"mini": "gpt-a"},
		"created_at": "2025-02-03T04:05:06.789+00:00", "created_by": "admin", "rotation_count": 2.0,
		"budget_limits":    []any{map[string]any{"budget_duration": "1d", "max_budget": 5.0}},
		"model_max_budget": map[string]any{"gpt-b": map[string]any{"budget_limit": 0.5, "time_period": "1d"}},
	} {
		require.Equal(t, want, k[column], column)
	}
	twin := row(t, st, "verification_token", "token = $1", litellmtest.Hash(litellmtest.KeyTwin))
	aliases := []any{k["key_alias"], twin["key_alias"]}
	require.True(t, slices.Contains(aliases, any("prod")), "one of two keeps its alias: %v", aliases)
	require.Equal(t, []any{"perm-1", false, "30d"}, []any{twin["object_permission_id"], twin["auto_rotate"], twin["rotation_interval"]})
	permission := row(t, st, "object_permission_table", "object_permission_id = 'perm-1'")
	require.Equal(t, []any{[]any{"store"}, map[string]any{"server": []any{"tool"}}, []any{}}, []any{permission["vector_stores"], permission["mcp_tool_permissions"], permission["agents"]})
	former := row(t, st, "deprecated_verification_token", "true")
	require.Equal(t, []any{litellmtest.Hash(litellmtest.KeyFormer), k["token"]}, []any{former["token"], former["active_token_id"]})
	require.Equal(t, true, row(t, st, "verification_token", "token = $1", litellmtest.Hash(litellmtest.KeyBlocked))["blocked"])
	tier := row(t, st, "verification_token", "token = $1", litellmtest.Hash(litellmtest.KeyTier))
	require.Equal(t, []any{"tier-gold", nil, nil}, []any{tier["budget_id"], tier["user_id"], tier["key_alias"]})
	odd := row(t, st, "verification_token", "token = $1", litellmtest.Hash(litellmtest.KeyOdd))
	require.Equal(t, []any{nil, 0.0, 0.0, nil, nil}, []any{odd["max_budget_nano"], odd["spend_nano"], odd["tpm_limit"], odd["budget_duration"], odd["expires"]})
	require.Equal(t, map[string]any{}, odd["metadata"])

	team := row(t, st, "team_table", "team_id = 'team-1'")
	require.Equal(t, []any{
		map[string]any{"user_id": "ann", "user_email": nil, "role": "admin"}, map[string]any{"user_id": "bob", "user_email": nil, "role": "user"},
	}, team["members_with_roles"])
	require.Equal(t, []any{12.34e9, 100e9, map[string]any{"fast": "gpt-a"}, "member-budget"},
		[]any{team["spend_nano"], team["max_budget_nano"], team["model_aliases"], team["metadata"].(map[string]any)["team_member_budget_id"]})
	require.Equal(t, []any{0.0, nil}, []any{row(t, st, "team_table", "team_id = 'team-2'")["spend_nano"], row(t, st, "team_table", "team_id = 'team-2'")["max_budget_nano"]})
	rich := row(t, st, "team_table", "team_id = 'team-3'")
	require.Equal(t, []any{4e18, 0.0, nil, map[string]any{}}, []any{rich["max_budget_nano"], rich["spend_nano"], rich["budget_reset_at"], rich["metadata"]})

	require.Equal(t, []any{"Good ones", []any{"gpt-a", "gpt-b"}, "import-litellm"}, func() []any {
		g := row(t, st, "access_group_table", "access_group_id = 'group-1'")
		return []any{g["access_group_name"], g["access_model_names"], g["created_by"]}
	}())
	require.Equal(t, []any{"group-1"}, row(t, st, "team_table", "team_id = 'team-2'")["access_group_ids"])

	ann := row(t, st, "team_membership", "team_id = 'team-1' AND user_id = 'ann'")
	require.Equal(t, []any{1.5e9, "member-budget"}, []any{ann["spend_nano"], ann["budget_id"]})
	require.InDelta(t, 0.0, row(t, st, "team_membership", "team_id = 'team-1' AND user_id = 'bob'")["spend_nano"], 0)
	require.InDelta(t, 0.0, row(t, st, "team_membership", "team_id = 'team-3' AND user_id = 'bob'")["spend_nano"], 0)
	require.InDelta(t, 0.3e9, row(t, st, "user_table", "user_id = 'ann'")["spend_nano"], 0)
	require.Equal(t, []any{"Ann@example.com", nil}, []any{row(t, st, "user_table", "user_id = 'ann'")["user_email"], row(t, st, "user_table", "user_id = 'bob'")["user_email"]})

	org := row(t, st, "organization_table", "organization_id = 'org-1'")
	require.Equal(t, []any{"Acme", 1.25e9, "2099-01-01T00:00:00+00:00"}, []any{org["organization_alias"], org["spend_nano"], org["budget_reset_at"]})
	require.Equal(t, []any{"org_admin", 0.5e9}, []any{row(t, st, "organization_membership", "user_id = 'ann'")["user_role"], row(t, st, "organization_membership", "user_id = 'ann'")["spend_nano"]})
	for id, managed := range map[string]bool{"cust-blocked": true, "cust-budget": true, "cust-seen": false} {
		require.Equal(t, managed, row(t, st, "end_user_table", "user_id = $1", id)["managed"], id)
	}
	require.Equal(t, map[string]any{"m-a": "gpt-a"}, row(t, st, "tag_table", "tag_name = 'batch'")["model_info"])
	none := row(t, st, "budget_table", "budget_id = 'odd'")
	require.Equal(t, []any{nil, 0.0, nil, nil}, []any{none["max_budget_nano"], none["tpm_limit"], none["budget_duration"], none["budget_reset_at"]})

	keys := of(t, r, "keys")
	require.Equal(t, []int64{9, 7, 0, 2}, []int64{keys.Read, keys.Written, keys.Unchanged, keys.Skipped})
	require.Equal(t, []litellm.LostColumn{{Name: "brand_new_column", Rows: 1}}, sorted(keys.Lost))
	for _, table := range r.Tables {
		require.Equal(t, table.Read, table.Written+table.Unchanged+table.Skipped, table.Name)
	}
}

func sorted(all []litellm.LostColumn) []litellm.LostColumn {
	slices.SortFunc(all, func(a, b litellm.LostColumn) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func TestImport_models(t *testing.T) {
	t.Parallel()
	st := target(t)
	r := run(t, options(t, st, litellmtest.New(t, litellmtest.Options{})))
	box, err := seal.New(salt)
	require.NoError(t, err)
	for id, model := range map[string]string{
		"m-a": "openai/gpt-4o", "m-early": "openai/gpt-4o", "m-b": "openai/gpt-4o-mini", "m-c": "openai/gpt-4.1", "m-plain": "openai/gpt-4o", "m-shared": "openai/gpt-4o",
	} {
		var sealed []byte
		require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT sealed_params FROM proxy_model_table WHERE model_id = $1", id).Scan(&sealed), id)
		plain, err := box.Open(sealed, "model/"+id)
		require.NoError(t, err)
		var params map[string]any
		require.NoError(t, json.Unmarshal([]byte(plain), &params))
		require.Equal(t, model, params["model"], id)
		if id == "m-shared" {
			require.Equal(t, "vendor", params["litellm_credential_name"])
			require.NotContains(t, params, "api_key")
			continue
		}
		require.Equal(t, litellmtest.Vendor, params["api_key"], id)
	}
	values, found, err := credential.NewVault(st, box, &proxyconfig.Config{}, func(string) (string, bool) { return "", false }).Values(t.Context(), st.DB(), "vendor")
	require.NoError(t, err)
	require.True(t, found)
	require.JSONEq(t, `"`+litellmtest.Vendor+`"`, string(values["api_key"]))
	require.Equal(t, true, row(t, st, "proxy_model_table", "model_id = 'm-blocked'")["blocked"])
	require.Equal(t, []int64{2, 1, 1}, []int64{of(t, r, "credentials").Read, of(t, r, "credentials").Written, of(t, r, "credentials").Skipped})
	models := of(t, r, "models")
	require.Equal(t, []int64{10, 8, 2}, []int64{models.Read, models.Written, models.Skipped})
	var skipped []string
	for _, reason := range models.Reasons {
		if reason.Skipped {
			skipped = append(skipped, strings.Join(reason.Examples, ",")+": "+reason.Text)
		}
	}
	slices.Sort(skipped)
	require.Len(t, skipped, 2)
	require.Contains(t, skipped[0], "m-other: api_base: it is sealed with another key")
	require.Contains(t, skipped[1], "m-strange: it can not be used here")
	require.Contains(t, models.Reasons, litellm.Reason{
		Text: `its credential "lost" was not moved: it is not called until one of this name is in credential_list of config.yaml or made with POST /credentials`, Rows: 1, Examples: []string{"m-lost"},
	})
}

func TestImport_days(t *testing.T) {
	t.Parallel()
	st := target(t)
	r := run(t, options(t, st, litellmtest.New(t, litellmtest.Options{})))
	d := row(t, st, "daily_user_spend", "user_id = 'ann'")
	for column, want := range map[string]any{
		"date": "2026-01-01", "model": "gpt-4o", "model_group": "gpt-a", "custom_llm_provider": "openai", "call_type": "/chat/completions",
		"prompt_tokens": 11.0, "completion_tokens": 7.0, "spend_nano": 0.3e9, "api_requests": 3.0, "successful_requests": 2.0, "failed_requests": 1.0,
	} {
		require.Equal(t, want, d[column], column)
	}
	require.Equal(t, []any{0.4e9, ""}, []any{row(t, st, "daily_user_spend", "user_id = ''")["spend_nano"], row(t, st, "daily_user_spend", "user_id = ''")["call_type"]})
	require.InDelta(t, 0.3e9, row(t, st, "daily_model_spend", "model = 'gpt-4o'")["spend_nano"], 0)
	require.InDelta(t, 0.3e9, row(t, st, "daily_team_spend", "true")["spend_nano"], 0, "what is of no team is in no row")
	require.InDelta(t, 0.3e9, row(t, st, "daily_tag_spend", "tag = 'batch'")["spend_nano"], 0)
	require.Equal(t, int64(1), of(t, r, "days of users").Skipped)

	var left []string
	for _, l := range r.Left {
		left = append(left, l.Name)
	}
	require.Equal(t, []string{"AuditLog", "BrandNewTable", "Config", "SpendLogs"}, left)
}

func TestImport_twice_changes_nothing(t *testing.T) {
	t.Parallel()
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{})
	run(t, options(t, st, from))
	before := dump(t, st)
	for _, overwrite := range []bool{false, true} {
		o := options(t, st, from)
		o.Overwrite = overwrite
		r := run(t, o)
		for _, table := range r.Tables {
			require.Zero(t, table.Written, table.Name)
			require.Equal(t, table.Read, table.Unchanged+table.Skipped, table.Name)
			require.Empty(t, table.Lost)
		}
		require.Equal(t, before, dump(t, st), "overwrite %v", overwrite)
	}
}

func TestImport_dry_run_changes_nothing(t *testing.T) {
	t.Parallel()
	st := target(t)
	before := dump(t, st)
	from := litellmtest.New(t, litellmtest.Options{})
	o := options(t, st, from)
	o.DryRun = true
	dry := run(t, o)
	require.Equal(t, before, dump(t, st))
	wet := run(t, options(t, st, from))
	for i := range dry.Tables {
		require.Equal(t, wet.Tables[i], dry.Tables[i], "a dry run says what a real one does")
	}
	require.NotEqual(t, before, dump(t, st))
}

func TestImport_keeps_changes_made_here(t *testing.T) {
	t.Parallel()
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{})
	run(t, options(t, st, from))
	ann, twin := litellmtest.Hash(litellmtest.KeyAnn), litellmtest.Hash(litellmtest.KeyTwin)
	for _, change := range []string{
		"UPDATE verification_token SET blocked = true, spend_nano = 99 WHERE token = '" + ann + "'",
		"DELETE FROM verification_token WHERE token = '" + twin + "'",
		"DELETE FROM user_table WHERE user_id = 'bob'",
		"DELETE FROM team_membership WHERE user_id = 'bob'",
		"DELETE FROM proxy_model_table WHERE model_id = 'm-b'",
		"TRUNCATE outbox",
	} {
		_, err := st.DB().Exec(t.Context(), change)
		require.NoError(t, err)
	}
	before := dump(t, st)
	r := run(t, options(t, st, from))
	require.Equal(t, before, dump(t, st))
	require.Equal(t, int64(3), of(t, r, "keys").Skipped)

	o := options(t, st, from)
	o.Overwrite = true
	r = run(t, o)
	require.Equal(t, int64(2), of(t, r, "keys").Written)
	require.Equal(t, int64(1), of(t, r, "models").Written)
	require.Nil(t, row(t, st, "verification_token", "token = $1", ann)["blocked"])
	var published int
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM outbox WHERE kind = 'key'").Scan(&published))
	require.Equal(t, 2, published)
}

func TestImport_a_deleted_key_stays_deleted_without_an_import_before(t *testing.T) {
	t.Parallel()
	st := target(t)
	_, err := st.DB().Exec(t.Context(), `WITH gone AS (INSERT INTO verification_token (token) VALUES ($1) RETURNING *)
		INSERT INTO deleted_verification_token SELECT gen_random_uuid(), now(), 'ann', NULL, 'ann', gone.* FROM gone`, litellmtest.Hash(litellmtest.KeyAnn))
	require.NoError(t, err)
	_, err = st.DB().Exec(t.Context(), "DELETE FROM verification_token")
	require.NoError(t, err)
	r := run(t, options(t, st, litellmtest.New(t, litellmtest.Options{})))
	require.Equal(t, int64(3), of(t, r, "keys").Skipped)
}

func TestImport_names_that_are_taken_here(t *testing.T) {
	t.Parallel()
	st := target(t)
	_, err := st.DB().Exec(t.Context(), `INSERT INTO verification_token (token, key_alias) VALUES ('x', 'prod');
		INSERT INTO user_table (user_id, user_email) VALUES ('someone', 'ANN@example.com')`)
	require.NoError(t, err)
	r := run(t, options(t, st, litellmtest.New(t, litellmtest.Options{})))
	ann := litellmtest.Hash(litellmtest.KeyAnn)
	require.Equal(t, "prod-"+ann[:8], row(t, st, "verification_token", "token = $1", ann)["key_alias"])
	require.Nil(t, row(t, st, "user_table", "user_id = 'ann'")["user_email"])
	require.Equal(t, int64(7), of(t, r, "keys").Written)
}

func TestImport_from_an_older_release(t *testing.T) {
	t.Parallel()
	st := target(t)
	r := run(t, options(t, st, litellmtest.New(t, litellmtest.Options{Old: true})))
	k := row(t, st, "verification_token", "token = $1", litellmtest.Hash(litellmtest.KeyAnn))
	require.Equal(t, []any{3.3e9, []any{}, nil, []any{}}, []any{k["spend_nano"], k["allowed_routes"], k["organization_id"], k["budget_limits"]})
	require.Equal(t, int64(7), of(t, r, "keys").Written)
	require.Empty(t, row(t, st, "daily_user_spend", "user_id = 'ann'")["call_type"])
	require.InDelta(t, 0.0, row(t, st, "daily_user_spend", "user_id = 'ann'")["successful_requests"], 0)
	require.Equal(t, map[string]any{}, row(t, st, "team_table", "team_id = 'team-1'")["model_aliases"])
}

func TestImport_from_another_schema_by_a_url_of_prisma(t *testing.T) {
	t.Parallel()
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{Schema: "gateway"})
	for _, options := range []string{"", "schema=gateway&connection_limit=5&pgbouncer=true&pool_timeout=10"} {
		o := optionsWith(t, st, from, options)
		o.DryRun = true
		require.Equal(t, int64(7), of(t, run(t, o), "keys").Written)
	}
	_, err := litellm.Import(t.Context(), optionsWith(t, st, from, "schema=public"))
	require.ErrorContains(t, err, `there is no table "LiteLLM_VerificationToken" in schema "public"`)
}

func optionsWith(t *testing.T, st *store.Store, from, query string) litellm.Options {
	t.Helper()
	if query != "" {
		from += map[bool]string{true: "&", false: "?"}[strings.Contains(from, "?")] + query
	}
	return options(t, st, from)
}

func TestImport_refuses_what_can_not_work(t *testing.T) {
	t.Parallel()
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{})
	o := options(t, st, from)
	o.Salt = ""
	_, err := litellm.Import(t.Context(), o)
	require.ErrorContains(t, err, "TIANJI_SALT_KEY")
	_, err = litellm.Import(t.Context(), options(t, st, "postgres://user:secret word@host/db"))
	require.ErrorContains(t, err, "can not be read")
	require.NotContains(t, err.Error(), "secret")
	_, err = litellm.Import(t.Context(), options(t, st, pgtest.New(t, "empty", nil)))
	require.ErrorContains(t, err, "is it LiteLLM's?")

	run(t, options(t, st, from))
	o = options(t, st, from)
	o.Salt = "another salt"
	_, err = litellm.Import(t.Context(), o)
	require.ErrorContains(t, err, "is not the one that this installation seals with")

	require.ErrorContains(t, litellm.RefuseTheirs(t.Context(), from), "is LiteLLM's own")
	require.NoError(t, litellm.RefuseTheirs(t.Context(), pgtest.New(t, "empty", nil)))
	require.NoError(t, litellm.RefuseTheirs(t.Context(), "is no address"), "whoever opens it says so")
}

func TestImport_leaves_entries_in_a_trail(t *testing.T) {
	t.Parallel()
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{})
	entries := func(where string) (n int) {
		require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM audit_log WHERE changed_by = 'import-litellm' AND "+where).Scan(&n))
		return n
	}
	run(t, options(t, st, from))
	require.Zero(t, entries("true"), "where no trail is kept")

	o := options(t, st, from)
	o.Overwrite, o.Audit = true, true
	_, err := st.DB().Exec(t.Context(), "UPDATE verification_token SET blocked = true WHERE token = $1", litellmtest.Hash(litellmtest.KeyAnn))
	require.NoError(t, err)
	run(t, o)
	require.Equal(t, 1, entries("true"))
	change := row(t, st, "audit_log", "action = 'updated'")
	require.Equal(t, []any{"verification_token", map[string]any{"blocked": nil}}, []any{change["table_name"], change["updated_values"]})

	_, err = st.DB().Exec(t.Context(), "DELETE FROM team_table; DELETE FROM credentials_table; DELETE FROM proxy_model_table; DELETE FROM end_user_table; DELETE FROM litellm_import")
	require.NoError(t, err)
	run(t, options(t, st, from)) // there is a trail now
	require.Equal(t, []int{3, 1, 8, 2}, []int{
		entries("action = 'created' AND table_name = 'team_table'"), entries("table_name = 'credentials_table'"), entries("table_name = 'proxy_model_table'"),
		entries("table_name = 'end_user_table'"),
	})
	var written string
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT string_agg(to_jsonb(a)::text, '') FROM audit_log a").Scan(&written))
	require.NotContains(t, written, "sealed_")
	require.NotContains(t, written, "scrypt")
}

func TestImport_one_at_a_time(t *testing.T) {
	t.Parallel()
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{})
	o := options(t, st, from)
	var second error
	o.Progress = func(litellm.Progress) {
		if second == nil {
			_, second = litellm.Import(t.Context(), options(t, st, from))
		}
	}
	run(t, o)
	require.ErrorContains(t, second, "another import into this database is under way")
	run(t, options(t, st, from))
}

func TestImport_many_pages_report_and_progress(t *testing.T) {
	t.Parallel()
	const many = 2500
	st := target(t)
	from := litellmtest.New(t, litellmtest.Options{})
	conn, err := pgx.Connect(t.Context(), from)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `INSERT INTO "LiteLLM_VerificationToken" ("token", "key_alias", "spend")
		SELECT encode(sha256(('many' || i)::bytea), 'hex'), 'many-' || i % 2000, i FROM generate_series(1, $1) i`, many)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	o := options(t, st, from)
	var list bytes.Buffer
	var last litellm.Progress
	o.List, o.Progress = &list, func(p litellm.Progress) { last = p }
	begin := time.Now()
	r := run(t, o)
	t.Logf("%d keys in %s", many, time.Since(begin))
	keys := of(t, r, "keys")
	require.Equal(t, int64(many+7), keys.Written)
	require.Equal(t, last.Total, last.Done)

	var changed int64
	for line := range bytes.Lines(list.Bytes()) {
		var l litellm.Line
		require.NoError(t, json.Unmarshal(line, &l))
		if l.Table == "keys" && strings.Contains(l.Reason, "alias") {
			changed++
		}
	}
	require.Equal(t, int64(501), changed, "each is in the list")
	var text strings.Builder
	_, err = r.WriteTo(&text)
	require.NoError(t, err)
	require.Contains(t, text.String(), "changed 501 rows: its alias is that of another one of LiteLLM's")
	require.Less(t, strings.Count(text.String(), "\n"), 100)
	require.NotContains(t, text.String(), "\x01")
	require.Contains(t, text.String(), "(bad·id)")
	require.NotContains(t, text.String()+list.String(), "sk-stored-as-it-is")
}
