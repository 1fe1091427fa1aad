package anthropic_test

import (
	"context"
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// pixel stands for whatever a URL leads to.
type pixel struct{}

func (pixel) Fetch(context.Context, string) (content []byte, mediaType string, err error) {
	return []byte("pixel"), "image/png", nil
}

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		return anthropic.New(cfg, client, pixel{})
	})
}
