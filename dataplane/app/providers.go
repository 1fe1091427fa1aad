package app

import (
	"fmt"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// providers builds backends. Vendors with a wire of their own stand in native;
// all others are rows of the catalog.
type providers struct{ client *upstream.Client }

type constructor func(provider.Config) (provider.Backend, error)

func native() map[string]constructor {
	return map[string]constructor{
		"mock": mock.New,
	}
}

// Build makes the backend of a deployment.
func (p providers) Build(cfg provider.Config) (provider.Backend, error) {
	if build, ok := native()[cfg.Provider]; ok {
		b, err := build(cfg)
		if err != nil {
			return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
		}
		return b, nil
	}
	row, ok := catalog.Lookup(cfg.Provider)
	if !ok {
		return nil, fmt.Errorf("deployment %s: unknown provider %q", cfg.DeploymentID, cfg.Provider)
	}
	b, err := compat.New(&row, cfg, p.client)
	if err != nil {
		return nil, err
	}
	return b, nil
}
