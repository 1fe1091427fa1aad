package natsconf_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/natsconf"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func render(t *testing.T, tls bool) []byte {
	t.Helper()
	names, err := contract.NewNames(contract.DefaultPrefix)
	require.NoError(t, err)
	b, err := natsconf.Render(natsconf.Options{Names: names, Servers: 3, TLS: tls})
	require.NoError(t, err)
	return b
}

func TestCommittedFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	for file, tls := range map[string]bool{"nats.conf": false, "nats-tls.conf": true} {
		committed, err := os.ReadFile(filepath.Join("..", "compose", file))
		require.NoError(t, err)
		require.Equal(t, string(render(t, tls)), string(committed), "%s: run 'make generate'", file)
	}
}

// secrets are those that env.sh makes, in the environment of this test.
func secrets(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "deploy", "compose"), 0o755))
	run := func() {
		out, err := exec.CommandContext(t.Context(), "sh", filepath.Join("..", "compose", "env.sh"), dir).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run()
	b, err := os.ReadFile(filepath.Join(dir, ".env"))
	require.NoError(t, err)
	for _, file := range []string{".env", "deploy/compose/providers.env"} {
		info, err := os.Stat(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	run()
	again, err := os.ReadFile(filepath.Join(dir, ".env"))
	require.NoError(t, err)
	require.Equal(t, string(b), string(again), "secrets that are there stay")

	made, seen := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(string(b)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") || name == "COMPOSE_PROJECT_NAME" {
			continue
		}
		require.Regexp(t, `^(sk-)?[a-z][0-9a-f]{48}$`, value, name)
		require.False(t, seen[value], "every secret is its own")
		made[name], seen[value] = value, true
	}
	require.Len(t, made, 7)
	return made
}

func setenv(t *testing.T) map[string]string {
	t.Helper()
	made := secrets(t)
	for _, name := range []string{"NATS_CONTROLPLANE_PASSWORD", "NATS_DATAPLANE_PASSWORD", "NATS_CLUSTER_PASSWORD"} {
		t.Setenv(name, made[name])
	}
	t.Setenv("NATS_SERVER_NAME", "nats-2")
	for _, n := range []string{"1", "2", "3"} {
		t.Setenv("NATS_ROUTE_"+n, "nats://cluster:"+made["NATS_CLUSTER_PASSWORD"]+"@nats-"+n+":6222")
	}
	return made
}

// nats-server itself reads the file, with the secrets that env.sh makes.
func TestServerReadsIt(t *testing.T) { //nolint:paralleltest // sets the environment
	made := setenv(t)
	o, err := server.ProcessConfigFile(filepath.Join("..", "compose", "nats.conf"))
	require.NoError(t, err)
	require.Equal(t, "nats-2", o.ServerName)
	require.True(t, o.JetStream)
	require.True(t, o.SyncAlways)
	require.Equal(t, "127.0.0.1", o.HTTPHost, "monitoring is for the health check")
	require.Equal(t, "cluster", o.Cluster.Username)
	require.Equal(t, made["NATS_CLUSTER_PASSWORD"], o.Cluster.Password)
	require.Len(t, o.Routes, 3)
	for _, r := range o.Routes {
		password, _ := r.User.Password()
		require.Equal(t, made["NATS_CLUSTER_PASSWORD"], password)
	}
	require.Nil(t, o.TLSConfig)

	names, err := contract.NewNames(contract.DefaultPrefix)
	require.NoError(t, err)
	want := map[string]contract.Permissions{
		"controlplane": names.ControlPlanePermissions(), "dataplane": names.DataPlanePermissions(),
	}
	require.Len(t, o.Users, len(want))
	for _, u := range o.Users {
		require.Equal(t, made["NATS_"+strings.ToUpper(u.Username)+"_PASSWORD"], u.Password)
		require.Equal(t, want[u.Username].Publish, u.Permissions.Publish.Allow)
		require.Equal(t, want[u.Username].Subscribe, u.Permissions.Subscribe.Allow)
		require.Equal(t, want[u.Username].Respond, u.Permissions.Response != nil)
	}
}

func TestServerReadsItWithTLS(t *testing.T) { //nolint:paralleltest // sets the environment
	setenv(t)
	dir := t.TempDir()
	writeCertificates(t, dir)
	conf := strings.ReplaceAll(string(render(t, true)), "/etc/nats/tls", dir)
	file := filepath.Join(dir, "nats.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	o, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	require.NotNil(t, o.TLSConfig)
	require.NotNil(t, o.Cluster.TLSConfig)
	require.NotNil(t, o.Cluster.TLSConfig.ClientCAs, "servers know one another by certificate")
	require.Len(t, o.Users, 2)
}

// A password that is missing must not become an empty one.
func TestServerRefusesAMissingPassword(t *testing.T) { //nolint:paralleltest // sets the environment
	setenv(t)
	require.NoError(t, os.Unsetenv("NATS_DATAPLANE_PASSWORD"))
	_, err := server.ProcessConfigFile(filepath.Join("..", "compose", "nats.conf"))
	require.ErrorContains(t, err, "NATS_DATAPLANE_PASSWORD")
}

func writeCertificates(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nats"}, DNSNames: []string{"nats-1", "nats-2", "nats-3"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{
		"ca.pem": certificate, "server.pem": certificate, "server-key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}
