// Package natsconf renders the configuration of the NATS servers of a
// deployment. The permissions of its users come from shared/contract, the same
// that the embedded server enforces, so what the planes may do can not differ
// between the two.
//
// It starts no server and reads no secret: the passwords stand in the file as
// names of environment variables, which nats-server resolves.
package natsconf

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"github.com/tianjillm/tianjillm/shared/contract"
)

//go:generate go run ./generate -dir ../compose

//go:embed nats.conf.tmpl
var text string

// Options say how the servers are reached.
type Options struct {
	// Names are those of the installation that the servers carry.
	Names contract.Names
	// Servers is how many servers make up the cluster.
	Servers int
	// TLS encrypts what clients and servers send.
	TLS bool
}

type user struct {
	contract.Permissions

	Name, Password string
}

// Render returns the configuration that all servers of the cluster share.
func Render(o Options) ([]byte, error) {
	t, err := template.New("nats.conf").Funcs(template.FuncMap{"quote": quote}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse the template of the NATS configuration: %w", err)
	}
	var routes []string
	for i := range o.Servers {
		routes = append(routes, "$NATS_ROUTE_"+strconv.Itoa(i+1))
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Cluster": o.Names.Prefix(), "TLS": o.TLS, "Routes": strings.Join(routes, ", "),
		"Users": []user{
			{Name: string(contract.ControlPlane), Password: "$NATS_CONTROLPLANE_PASSWORD", Permissions: o.Names.ControlPlanePermissions()}, //nolint:gosec // the server reads it from its environment
			{Name: string(contract.DataPlane), Password: "$NATS_DATAPLANE_PASSWORD", Permissions: o.Names.DataPlanePermissions()},          //nolint:gosec // the server reads it from its environment
		},
	})
	if err != nil {
		return nil, fmt.Errorf("render the NATS configuration: %w", err)
	}
	return out.Bytes(), nil
}

// quote keeps nats-server from taking the dollar of a subject for a variable.
func quote(s string) string { return `"` + s + `"` }
