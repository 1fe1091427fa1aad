package provider

import (
	"context"
	"net/http"
)

// Realtime is a backend that talks over WebSockets.
type Realtime interface {
	// Realtime returns where to connect and with which header, credentials
	// included. The header must not be logged.
	Realtime(ctx context.Context) (url string, header http.Header, err error)
}
