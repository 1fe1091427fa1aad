package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/app"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const benchKey = "sk-master-0123456789abcdef"

// started is the base URL of a whole control plane, with a bus and a database.
func started(tb testing.TB, config string) string {
	tb.Helper()
	return startedOn(tb, pgtest.New(tb, "empty", nil), config, func(string) (string, bool) { return "", false })
}

// startedOn has a database of its own and finds lookup's variables in the
// environment.
func startedOn(tb testing.TB, database, config string, lookup func(string) (string, bool)) string {
	tb.Helper()
	names, err := contract.NewNames(contract.DefaultPrefix)
	require.NoError(tb, err)
	cp := names.ControlPlanePermissions()
	bus := natstest.Start(tb, natsembed.Options{Users: []natsembed.User{
		{Name: "controlplane", Password: natsembed.NewPassword(), PublishAllow: cp.Publish, SubscribeAllow: cp.Subscribe},
	}})
	a, err := app.New(tb.Context(), app.Options{
		Listen: "127.0.0.1:0", DatabaseURL: secret.New(database), NATSURL: secret.New(bus.URL("controlplane")),
		MasterKey: secret.New(benchKey), SaltKey: secret.New("salt-for-tests-0123456789abcdef"), Config: []byte(config), Logger: slog.New(slog.DiscardHandler),
		Lookup: lookup,
	})
	require.NoError(tb, err)
	require.NoError(tb, a.Start(tb.Context()))
	tb.Cleanup(func() { require.NoError(tb, a.Stop(context.WithoutCancel(tb.Context()))) })
	require.Eventually(tb, a.Leading, 20*time.Second, 10*time.Millisecond)
	return "http://" + a.Addr()
}

// BenchmarkKeyGenerate makes keys over HTTP, each in Postgres with its entry of
// the audit trail, and on the bus before its reply.
func BenchmarkKeyGenerate(b *testing.B) {
	for name, config := range map[string]string{"without audit": "{}", "with audit": "litellm_settings: {store_audit_logs: true}"} {
		b.Run(name, func(b *testing.B) {
			url := started(b, config)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			b.Cleanup(client.CloseIdleConnections)
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/key/generate", strings.NewReader(`{"models":["gpt"],"max_budget":10,"rpm_limit":100}`))
					if err != nil {
						b.Error(err)
						return
					}
					req.Header.Set("Authorization", "Bearer "+benchKey)
					resp, err := client.Do(req)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						b.Errorf("status %d", resp.StatusCode)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}
