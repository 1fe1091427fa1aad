package vertex

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// maxTokenRequest bounds what is sent to a token service.
const maxTokenRequest = 1 << 20

// transport lets Google's library send through the client that all calls to
// vendors go through. It serves one attempt to get a token, which is bounded by
// its context: the library's own requests have none.
type transport struct {
	ctx    context.Context
	doer   native.Doer
	failed error // of the last request, which the library hides
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	target, err := upstream.ParseTarget(r.URL.String())
	if err != nil {
		return nil, err
	}
	req := &upstream.Request{Method: r.Method, Target: target, HeaderTimeout: fetchTimeout, IdleTimeout: fetchTimeout}
	for name, values := range r.Header {
		if name == "Accept-Encoding" {
			continue
		}
		for _, value := range values {
			req.Fields = append(req.Fields, upstream.Field{Name: name, Value: value})
		}
	}
	if r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxTokenRequest))
		_ = r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read token request: %w", err)
		}
		req.Body = [][]byte{body}
	}
	resp, err := t.doer.Do(t.ctx, req)
	if t.failed = err; err != nil {
		return nil, err
	}
	out := &http.Response{
		Status: http.StatusText(resp.StatusCode), StatusCode: resp.StatusCode, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: resp, ContentLength: resp.ContentLength, Request: r,
	}
	for _, f := range resp.Header {
		out.Header.Add(f.Name, f.Value)
	}
	return out, nil
}
