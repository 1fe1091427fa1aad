package gemini_test

import (
	"context"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// picture answers every link with the same picture.
type picture struct{}

func (picture) Fetch(context.Context, string) (content []byte, mediaType string, err error) {
	return []byte("\x89PNG"), "image/png", nil
}

func build(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
	return gemini.New(cfg, client, picture{})
}
