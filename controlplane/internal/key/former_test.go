package key_test

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// Of several who give a key another text at once, one does.
func TestRegenerate_at_once(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	_, err := p.keys.Generate(t.Context(), admin(), read[key.Request](t, `{"key":"sk-first"}`))
	require.NoError(t, err)
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 8 {
		wg.Go(func() {
			if _, err := p.keys.Regenerate(t.Context(), admin(), "sk-first", read[key.Request](t, `{"grace_period":"1h"}`)); err == nil {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, done.Load())
	for table, want := range map[string]int{"verification_token": 1, "deleted_verification_token": 1, "deprecated_verification_token": 1} {
		var n int
		require.NoError(t, p.store.DB().QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
		require.Equal(t, want, n, table)
	}
}

// A text is of one key, however it is asked for.
func TestGenerate_and_regenerate_of_one_text(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for i := range 20 {
		text := fmt.Sprintf("sk-wanted-%d", i)
		_, err := p.keys.Generate(t.Context(), admin(), read[key.Request](t, `{"key":%q}`, text))
		require.NoError(t, err)
		var wg sync.WaitGroup
		var again error
		wg.Go(func() {
			_, err = p.keys.Regenerate(t.Context(), admin(), text, read[key.Request](t, `{"grace_period":"1h"}`))
		})
		wg.Go(func() { _, again = p.keys.Generate(t.Context(), admin(), read[key.Request](t, `{"key":%q}`, text)) })
		wg.Wait()
		require.NoError(t, err)
		require.ErrorContains(t, again, "Key already exists.")
		row, err := p.keys.ByHash(t.Context(), ident.HashKey(text))
		require.NoError(t, err)
		require.NotEqual(t, ident.HashKey(text), row.Token)
	}
}

// Keys are rotated once each, and only those whose time has come.
func TestRotator(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, body := range []string{
		`{"key":"sk-due-1","auto_rotate":true,"rotation_interval":"30d","spend":2,"max_budget":5}`, `{"key":"sk-due-2","auto_rotate":true,"rotation_interval":"1mo"}`,
		`{"key":"sk-later","auto_rotate":true,"rotation_interval":"30d"}`, `{"key":"sk-never"}`, `{"key":"sk-over","auto_rotate":true,"rotation_interval":"30d"}`,
		`{"key":"sk-odd","auto_rotate":true,"rotation_interval":"30d"}`,
	} {
		_, err := p.keys.Generate(t.Context(), admin(), read[key.Request](t, "%s", body))
		require.NoError(t, err)
	}
	for statement, text := range map[string]string{
		"SET key_rotation_at = now() - interval '1 minute'": "sk-due-1", "SET key_rotation_at = NULL": "sk-due-2",
		"SET key_rotation_at = now(), expires = now()": "sk-over", "SET key_rotation_at = NULL, rotation_interval = 'often'": "sk-odd",
	} {
		_, err := p.store.DB().Exec(t.Context(), "UPDATE verification_token "+statement+" WHERE token = $1", ident.HashKey(text))
		require.NoError(t, err)
	}
	r, err := key.NewRotator(p.keys, key.RotatorOptions{Enabled: true, Grace: "1h", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 2 { // two control planes that both lead for a moment
		wg.Go(func() { _ = r.Rotate(t.Context()) })
	}
	wg.Wait()
	require.NoError(t, r.Rotate(t.Context()))
	for _, text := range []string{"sk-later", "sk-never", "sk-over", "sk-odd"} {
		row, err := p.keys.ByHash(t.Context(), ident.HashKey(text))
		require.NoError(t, err)
		require.Equal(t, ident.HashKey(text), row.Token, text)
	}
	for _, text := range []string{"sk-due-1", "sk-due-2"} {
		row, err := p.keys.ByHash(t.Context(), ident.HashKey(text))
		require.NoError(t, err)
		require.NotEqual(t, ident.HashKey(text), row.Token, text)
		require.EqualValues(t, 1, row.RotationCount)
		require.True(t, row.KeyRotationAt.After(time.Now().Add(27*24*time.Hour)))
	}
	row, err := p.keys.ByHash(t.Context(), ident.HashKey("sk-due-1"))
	require.NoError(t, err)
	require.EqualValues(t, 2_000_000_000, row.SpendNano)
	_, err = key.NewRotator(p.keys, key.RotatorOptions{Grace: "soon"})
	require.ErrorContains(t, err, "grace period")
}
