package passthrough

import (
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
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
	var first *route.Deployment
	for _, d := range t.Provider(slug) {
		if _, ok := d.Backend.(provider.Forwarder); !ok {
			continue
		}
		if model != "" && (d.Model == model || d.ModelName == model) {
			return d, nil
		}
		if first == nil {
			first = d
		}
	}
	if first != nil {
		return first, nil
	}
	return v.fromEnvironment(slug)
}

func (v *Vendors) fromEnvironment(slug string) (*route.Deployment, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d := v.built[slug]; d != nil {
		return d, nil
	}
	err := v.known(slug)
	var backend provider.Backend
	if err == nil {
		backend, err = v.builder.Build(provider.Config{Provider: slug, Getenv: v.getenv})
	}
	if err != nil {
		return nil, apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest,
			"No credentials for provider '%.64s': add a model of it to model_list, or set its variables in the environment of the data plane.", slug).Because(err)
	}
	d := &route.Deployment{Provider: slug, Backend: backend}
	v.built[slug] = d
	return d, nil
}

// known refuses servers at home that nobody has set up: they need no
// credentials, and a request must not find out what listens on this machine.
func (v *Vendors) known(slug string) error {
	variables := []string{"OLLAMA_API_BASE", "OLLAMA_HOST"}
	if row, ok := catalog.Lookup(slug); ok {
		if !row.KeyOptional && row.DummyKey == "" {
			return nil
		}
		variables = slices.Concat(row.BaseEnv, row.KeyEnv)
	} else if slug != "ollama" {
		return nil
	}
	if slices.ContainsFunc(variables, func(name string) bool { return v.getenv(name) != "" }) {
		return nil
	}
	return errors.New("none of its variables is set")
}
