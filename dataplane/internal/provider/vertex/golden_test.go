package vertex_test

import (
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	service := newTokenService(t)
	service.same = true
	account := serviceAccount(service.url)
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		cfg.Secrets["vertex_credentials"] = account
		return build(cfg, client)
	})
}
