package provider

import (
	"context"
	"io"
	"time"
)

// Forward is a request that the gateway hands on without translating it:
// files, batches, pass-through routes.
type Forward struct {
	Method string
	// Path is escaped, starts with a slash behind the vendor's host, and may
	// have a query.
	Path string
	// Header are the fields that belong to the vendor; it adds its credentials.
	Header []HeaderField
	// Whole is a body that is in memory. Else Body is read once; Length is -1
	// where it is not known.
	Whole   []byte
	Body    io.Reader
	Length  int64
	Timeout time.Duration
}

// HeaderField is one header field.
type HeaderField struct{ Name, Value string }

// Forwarder is a backend that hands requests on.
type Forwarder interface {
	// Forward sends a request with the deployment's credentials to the
	// deployment's host, and nowhere else.
	Forward(ctx context.Context, f *Forward) (Reply, error)
	// Root is the address that requests are forwarded to, fit to be shown.
	Root() string
}
