package bedrock_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// pictures stands in for the guarded client.
type pictures struct{}

func (pictures) Fetch(_ context.Context, url string) (content []byte, mediaType string, err error) {
	switch url {
	case "https://example.com/cat.png":
		return []byte("cat"), "image/png", nil
	case "https://example.com/report.pdf":
		return []byte("pdf"), "application/pdf", nil
	}
	return nil, "", errors.New("not found")
}

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		return bedrock.New(cfg, client, pictures{})
	})
}
