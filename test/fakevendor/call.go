package fakevendor

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxBody is how much of a request a vendor reads.
const maxBody = 64 << 20

// Call is a request as it arrived.
type Call struct {
	Method, Path, Query string
	Header              http.Header
	// URI is the request target as it was sent, before its path was decoded.
	URI  string
	Host string
	Body []byte
	// Model and Stream are what the vendor understood.
	Model  string
	Stream bool
	// Refusal is why the vendor's own rules refused it.
	Refusal string
	// Ended is closed when the vendor is done with the call, for example
	// because the caller hung up.
	Ended chan struct{}
}

func readCall(r *http.Request) (*Call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return &Call{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), URI: r.RequestURI, Host: r.Host, Body: body,
		Ended: make(chan struct{}),
	}, nil
}

// Decode reads the JSON body.
func (c *Call) Decode(into any) error {
	if err := json.Unmarshal(c.Body, into); err != nil {
		return fmt.Errorf("decode body: %w", err)
	}
	return nil
}
