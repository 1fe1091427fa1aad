package passthrough

import (
	"net/http"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Vendors finds who serves a passage: a deployment of the provider, or the
// provider itself where the data plane's environment has its credentials.
type Vendors struct {
	builder route.Builder
	getenv  func(string) string

	mu    sync.Mutex
	built map[string]*route.Deployment
}

// NewVendors returns an empty set.
func NewVendors(b route.Builder, getenv func(string) string) *Vendors {
	return &Vendors{builder: b, getenv: getenv, built: map[string]*route.Deployment{}}
}

// Find returns a deployment of the provider. Where the model is one that
// deployments of it serve, it is one of them.
func (v *Vendors) Find(t *route.Table, slug, model string) (*route.Deployment, error) {
	all := t.Provider(slug)
	for _, d := range all {
		if model != "" && (d.Model == model || d.ModelName == model) {
			return d, nil
		}
	}
	if len(all) > 0 {
		return all[0], nil
	}
	return v.fromEnvironment(slug)
}

func (v *Vendors) fromEnvironment(slug string) (*route.Deployment, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d := v.built[slug]; d != nil {
		return d, nil
	}
	backend, err := v.builder.Build(provider.Config{Provider: slug, Getenv: v.getenv})
	if err != nil {
		return nil, apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest,
			"No credentials for provider '%.64s': add a model of it to model_list, or set its variables in the environment of the data plane.", slug).Because(err)
	}
	d := &route.Deployment{Provider: slug, Backend: backend}
	v.built[slug] = d
	return d, nil
}
