package route

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/strategy"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
)

// noOrder is the order of a deployment that has none: behind all others.
const noOrder = math.MaxInt64

// Deployment is one way to reach a model, ready to be called.
type Deployment struct {
	ID       string
	Provider string
	Model    string // as the provider knows it
	APIBase  string
	// Rate holds the deployment's own prices; nil leaves them to the table.
	Rate *price.Rate
	Mode string
	// ModelName is the name of its group, which may be a pattern.
	ModelName string
	BaseModel string
	Region    string
	TeamID    string
	// Timeout is the deployment's own bound for the response head, or zero.
	Timeout time.Duration
	Backend provider.Backend

	record   *contract.Deployment
	member   strategy.Member
	rules    health.Rules
	order    int64
	tagRegex []*regexp.Regexp
	// window is how many tokens a request may have, or 0.
	window atomic.Int64
	// models are those behind a name that is a pattern; else nil.
	models *models
	// config is what Backend was made of, and client what a request may change
	// in it.
	config provider.Config
	client []clientParam
}

// Member is what the strategies look at.
func (d *Deployment) Member() *strategy.Member { return &d.member }

// Wild reports whether the deployment's model is one of those that clients
// choose behind a pattern.
func (d *Deployment) Wild() bool { return strings.Contains(d.ModelName, "*") }

// Guarded reports whether the deployment may be called at public addresses only.
func (d *Deployment) Guarded() bool { return d.record.Guarded }

// CoolingFor returns how much longer the deployment is left out.
func (d *Deployment) CoolingFor(now time.Time) time.Duration { return d.member.State.CoolingFor(now) }

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
	// Guarded makes backends that reach public addresses only, for deployments
	// that are to.
	Guarded Builder
	Opener  Opener
	Getenv  func(string) string
	Logger  *slog.Logger
	// Router remembers deployments from one table to the next. Without one, a
	// table takes over what the previous one knew.
	Router *Router
	// CostPerMillion returns the price of a million input and output tokens in
	// any unit, negative when it is unknown. Nil takes the deployment's own.
	CostPerMillion func(d *Deployment) (in, out int64)
	// ContextWindow returns how many tokens a request may have where the
	// deployment does not say; 0 is unknown. It may be nil.
	ContextWindow func(d *Deployment) int64

	// ClientCredentials says that every request may bring its own.
	ClientCredentials bool

	states *health.Registry
}

func (env *Environment) build(rec *contract.Deployment) (*Deployment, error) {
	secrets, err := env.secrets(rec)
	if err != nil {
		return nil, err
	}
	cfg := provider.Config{
		DeploymentID: rec.ID, Provider: rec.Provider, Model: rec.Model, APIBase: publicBase(rec.APIBase), APIKey: secrets["api_key"],
		Organization: rec.Organization, APIVersion: rec.APIVersion,
		Timeout: milliseconds(rec.TimeoutMS), StreamTimeout: milliseconds(rec.StreamTimeoutMS),
		Headers: headers(secrets), MockResponse: rec.MockResponse, Params: rec.Params, Secrets: secrets, Getenv: env.Getenv,
	}
	if base := secrets["api_base"]; base != "" {
		cfg.APIBase = base
	}
	d := newDeployment(rec, env.states.State(rec.ID))
	d.config = cfg
	if d.client, err = clientParams(rec); err != nil {
		return nil, err
	}
	builder := env.Builder
	if rec.Guarded {
		builder = env.Guarded
	}
	mayBring := env.ClientCredentials || d.TakesClient()
	if strings.Contains(rec.ModelName, "*") || strings.Contains(rec.TeamPublicName, "*") {
		d.models = &models{builder: builder, config: cfg, registry: env.states, keyless: mayBring, byName: map[string]*model{}}
	} else if d.Backend, err = builder.Build(cfg); err != nil {
		if !mayBring {
			return nil, err
		}
		d.Backend = keyless{err}
	}
	for _, expr := range rec.TagRegex {
		re, err := regexp.Compile(expr)
		if err != nil { // Python's and Go's dialects differ
			return nil, fmt.Errorf("tag_regex: %w", err)
		}
		d.tagRegex = append(d.tagRegex, re)
	}
	return d, nil
}

func newDeployment(rec *contract.Deployment, state *health.State) *Deployment {
	d := &Deployment{
		ID: rec.ID, Provider: rec.Provider, Model: rec.Model, APIBase: publicBase(rec.APIBase), Rate: rec.Rate, Mode: rec.Mode,
		ModelName: rec.ModelName, BaseModel: rec.BaseModel, Region: region(rec), TeamID: rec.TeamID,
		Timeout: milliseconds(rec.TimeoutMS), record: rec, order: noOrder,
		rules: health.Rules{AllowedFails: rec.AllowedFails, Policy: rec.AllowedFailsPolicy, Time: optional(rec.CooldownMS)},
	}
	if rec.Order != nil {
		d.order = *rec.Order
	}
	d.member.Weight, d.member.RPM, d.member.TPM, d.member.State = rec.Weight, rec.RPM, rec.TPM, state
	return d
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func optional(ms *int64) *time.Duration {
	if ms == nil {
		return nil
	}
	return new(milliseconds(*ms))
}

// appraise sets what others know of the deployment.
func (env *Environment) appraise(d *Deployment) {
	cost := int64(-1)
	if env.CostPerMillion != nil {
		if in, out := env.CostPerMillion(d); in >= 0 && out >= 0 {
			cost = in + out
		}
	} else if in, out, ok := d.Rate.Tokens(); ok {
		cost = int64(in + out)
	}
	d.member.Cost.Store(cost)
	window := d.record.MaxInputTokens
	if window == 0 && env.ContextWindow != nil {
		window = env.ContextWindow(d)
	}
	d.window.Store(window)
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
func (env *Environment) secrets(rec *contract.Deployment) (contract.Secrets, error) {
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
