package pipeline

import (
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/form"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
)

// Brought makes backends of credentials that requests bring.
type Brought interface {
	// Backend returns nil where the deployment takes none of them; everywhere
	// says that all deployments take all.
	Backend(d *route.Deployment, c route.Client, everywhere bool) (provider.Backend, error)
}

// maxBrought bounds a credential of a request.
const maxBrought = 4096

// bring takes the credentials that a request brings, where any of the
// deployments that it asks for may take them. Vendors do not get them as they
// are: backends cut such members.
func (x *exchange) bring() {
	if x.p.opts.Brought == nil || !x.mayBring() {
		return
	}
	if x.call.ContentType != "" {
		x.bringForm()
		return
	}
	for i := range x.members {
		m := &x.members[i]
		if to := x.slot(string(m.Name)); to != nil {
			x.put(to, splice.Text(m.Value.Of(*x.body)))
		}
	}
}

func (x *exchange) mayBring() bool {
	return x.state.config.General.ClientCredentials || slices.ContainsFunc(x.target.Group.Deployments, (*route.Deployment).TakesClient)
}

func (x *exchange) bringForm() {
	f, err := form.Parse(x.call.ContentType, x.call.Body)
	if err != nil {
		return
	}
	for i := range f.Parts {
		name := f.Parts[i].Name
		if to := x.slot(name); to != nil {
			text, _ := f.Text(name)
			x.put(to, text)
		}
	}
}

func (x *exchange) slot(name string) *string {
	switch name {
	case "api_key":
		return &x.brought.APIKey
	case "api_base", "base_url":
		return &x.brought.APIBase
	case "api_version":
		return &x.brought.APIVersion
	}
	return nil
}

func (*exchange) put(to *string, text string) {
	if text != "" && len(text) <= maxBrought {
		*to = text
	}
}

// pickBackend takes the deployment's backend, or makes one of what the request
// brings.
func (x *exchange) pickBackend() error {
	x.backend, x.callersKey = x.deployment.Backend, false
	if x.brought == (route.Client{}) {
		return nil
	}
	own, err := x.p.opts.Brought.Backend(x.deployment, x.brought, x.state.config.General.ClientCredentials)
	if err != nil || own == nil {
		return err
	}
	x.backend, x.callersKey = own, true
	return nil
}
