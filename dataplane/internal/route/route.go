// Package route knows which deployments serve a model name and picks one.
package route

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Deployment is one way to reach a model, ready to be called.
type Deployment struct {
	ID       string
	Provider string
	Model    string // as the provider knows it
	APIBase  string
	Price    contract.Price
	Mode     string
	// Timeout is the deployment's own bound for the response head, or zero.
	Timeout time.Duration
	Backend provider.Backend

	record *contract.Deployment
}

// Group is all deployments behind one name.
type Group struct {
	Name        string
	Deployments []*Deployment
}

// Table is the deployments of one state of the configuration. Nobody changes it.
type Table struct {
	groups map[string]*Group
	names  []string
}

// Builder makes a backend for a deployment.
type Builder interface {
	Build(cfg provider.Config) (provider.Backend, error)
}

// Opener opens sealed secrets.
type Opener interface {
	Open(sealed []byte, purpose string) (string, error)
}

// Environment is what building a table needs.
type Environment struct {
	Builder Builder
	Opener  Opener
	Getenv  func(string) string
	Logger  *slog.Logger
}

// Build makes a table. A deployment that can not be built is left out and
// logged with the reason: one broken row must not take the others away. The
// backends of deployments that did not change are taken from prev.
func Build(env Environment, records []*contract.Deployment, prev *Table) *Table {
	t := &Table{groups: map[string]*Group{}}
	known := prev.byID()
	for _, rec := range records {
		d := known[rec.ID]
		if d == nil || !same(d.record, rec) {
			built, err := env.build(rec)
			if err != nil {
				env.Logger.Error("deployment left out", slog.String("model_name", rec.ModelName), slog.String("deployment", rec.ID), slog.Any("error", err))
				continue
			}
			d = built
		}
		g := t.groups[rec.ModelName]
		if g == nil {
			g = &Group{Name: rec.ModelName}
			t.groups[rec.ModelName] = g
			t.names = append(t.names, rec.ModelName)
		}
		g.Deployments = append(g.Deployments, d)
	}
	slices.Sort(t.names)
	for _, g := range t.groups {
		slices.SortFunc(g.Deployments, func(a, b *Deployment) int { return strings.Compare(a.ID, b.ID) })
	}
	return t
}

func (t *Table) byID() map[string]*Deployment {
	known := map[string]*Deployment{}
	if t == nil {
		return known
	}
	for _, g := range t.groups {
		for _, d := range g.Deployments {
			known[d.ID] = d
		}
	}
	return known
}

func same(a, b *contract.Deployment) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (env Environment) build(rec *contract.Deployment) (*Deployment, error) {
	secrets, err := env.secrets(rec)
	if err != nil {
		return nil, err
	}
	cfg := provider.Config{
		DeploymentID: rec.ID, Provider: rec.Provider, Model: rec.Model, APIBase: publicBase(rec.APIBase), APIKey: secrets["api_key"],
		Organization: rec.Organization, APIVersion: rec.APIVersion,
		Timeout: time.Duration(rec.TimeoutMS) * time.Millisecond, StreamTimeout: time.Duration(rec.StreamTimeoutMS) * time.Millisecond,
		Headers: headers(secrets), MockResponse: rec.MockResponse, Params: rec.Params, Getenv: env.Getenv,
	}
	if base := secrets["api_base"]; base != "" {
		cfg.APIBase = base
	}
	backend, err := env.Builder.Build(cfg)
	if err != nil {
		return nil, err
	}
	return &Deployment{
		ID: rec.ID, Provider: rec.Provider, Model: rec.Model, APIBase: publicBase(rec.APIBase), Price: rec.Price, Mode: rec.Mode, Timeout: cfg.Timeout, Backend: backend, record: rec,
	}, nil
}

// headers are the extra headers among the secrets.
func headers(secrets contract.Secrets) map[string]string {
	all := map[string]string{}
	for name, value := range secrets {
		if header, ok := strings.CutPrefix(name, contract.SecretHeader); ok {
			all[header] = value
		}
	}
	return all
}

// publicBase is a base URL without what must not be shown: credentials and
// the query.
func publicBase(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// secrets opens the sealed secrets and reads those that the control plane left
// to this process's environment.
func (env Environment) secrets(rec *contract.Deployment) (contract.Secrets, error) {
	secrets := contract.Secrets{}
	if len(rec.Sealed) > 0 {
		plain, err := env.Opener.Open(rec.Sealed, contract.SealPurpose(rec.ID))
		if err != nil {
			return nil, fmt.Errorf("open credentials: %w", err)
		}
		if err := json.Unmarshal([]byte(plain), &secrets); err != nil {
			return nil, errors.New("credentials can not be decoded")
		}
	}
	for name, value := range secrets {
		variable, ok := strings.CutPrefix(value, contract.EnvReference)
		if !ok {
			continue
		}
		secrets[name] = env.Getenv(variable)
		if secrets[name] == "" {
			return nil, fmt.Errorf("%s: neither the control plane nor this data plane has the environment variable %s", name, variable)
		}
	}
	return secrets, nil
}

// Names returns all model names, sorted.
func (t *Table) Names() []string { return t.names }

// Group returns the deployments behind a name, or nil.
func (t *Table) Group(name string) *Group { return t.groups[name] }

// Pick returns one of the group's deployments at random.
func (g *Group) Pick() *Deployment {
	if len(g.Deployments) == 1 {
		return g.Deployments[0]
	}
	return g.Deployments[rand.IntN(len(g.Deployments))] //nolint:gosec // spreads load, guards nothing
}
