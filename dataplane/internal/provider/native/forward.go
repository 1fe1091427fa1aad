package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// maxSigned bounds a forwarded body whose proof needs to see it whole.
const maxSigned = 64 << 20

// Root implements provider.Forwarder.
func (b *Backend) Root() string { return upstream.Root(b.opts.Base) }

// Forward implements provider.Forwarder.
func (b *Backend) Forward(ctx context.Context, f *provider.Forward) (provider.Reply, error) {
	url := upstream.JoinRoot(b.opts.Base, f.Path)
	target, err := upstream.ParseTarget(url)
	if err != nil {
		return nil, err
	}
	req := &upstream.Request{Method: f.Method, Target: target, Head: b.forward, HeaderTimeout: orDefault(f.Timeout, b.timeout), IdleTimeout: idleTimeout}
	for _, h := range f.Header {
		req.Fields = append(req.Fields, upstream.Field(h))
	}
	switch {
	case f.Whole != nil:
		req.Body = [][]byte{f.Whole}
	case b.opts.Authorizer == nil && f.Body != nil:
		req.Stream, req.StreamLength = f.Body, f.Length
	}
	if b.opts.Authorizer != nil {
		if err := b.prove(ctx, req, url, f); err != nil {
			return nil, err
		}
	}
	resp, err := b.opts.Doer.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	return reply{resp}, nil
}

// prove reads the body, because a proof may be over it.
func (b *Backend) prove(ctx context.Context, req *upstream.Request, url string, f *provider.Forward) error {
	body := f.Whole
	if f.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(f.Body, maxSigned+1)); err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		if len(body) > maxSigned {
			return errors.New("the body is too large to be signed")
		}
	}
	proof, err := b.opts.Authorizer.Authorize(ctx, req.Method, url, body)
	if err != nil {
		return &provider.CredentialsError{Provider: b.opts.Config.Provider, Cause: err}
	}
	req.Fields = slices.Concat(req.Fields, proof)
	req.Body = [][]byte{body}
	return nil
}
