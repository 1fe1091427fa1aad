package passthrough

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	// targetTimeout is LiteLLM's pass_through_request_timeout.
	targetTimeout = 600 * time.Second
	targetIdle    = 300 * time.Second
)

// Doer sends a request.
type Doer interface {
	Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error)
}

// target is an address of the config file. It takes nothing but what is handed
// on.
type target struct {
	doer    Doer
	base    *url.URL
	head    *upstream.Head
	headers []string // the names of those that are set
}

// Names of headers that LiteLLM turns into Langfuse's credentials.
const (
	langfusePublic = "LANGFUSE_PUBLIC_KEY"
	langfuseSecret = "LANGFUSE_SECRET_KEY"
)

// newTarget takes an address apart. Its errors repeat neither it nor a header:
// both may hold a key.
func newTarget(address string, headers map[string]string, doer Doer) (*target, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("target: want an absolute http or https URL")
	}
	if public, secret := headers[langfusePublic], headers[langfuseSecret]; public != "" && secret != "" {
		delete(headers, langfusePublic)
		delete(headers, langfuseSecret)
		headers["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(public+":"+secret))
	}
	t := &target{doer: doer, base: base}
	fields := []upstream.Field{{Name: "Accept-Encoding", Value: "identity"}}
	for name, value := range headers {
		switch strings.ToLower(name) {
		case "content-length", "host", "accept-encoding", "connection", "transfer-encoding":
			continue // written anew
		}
		fields = append(fields, upstream.Field{Name: name, Value: value})
		t.headers = append(t.headers, strings.ToLower(name))
	}
	if t.head, err = upstream.NewHead(fields...); err != nil {
		return nil, err
	}
	return t, nil
}

// Root implements provider.Forwarder.
func (t *target) Root() string { return upstream.Root(t.base.String()) }

// Forward implements provider.Forwarder.
func (t *target) Forward(ctx context.Context, f *provider.Forward) (provider.Reply, error) {
	where, err := upstream.ParseTarget(t.join(f.Path))
	if err != nil {
		return nil, err
	}
	req := &upstream.Request{Method: f.Method, Target: where, Head: t.head, HeaderTimeout: targetTimeout, IdleTimeout: targetIdle}
	for _, h := range f.Header {
		if !slices.Contains(t.headers, strings.ToLower(h.Name)) { // the route's win
			req.Fields = append(req.Fields, upstream.Field(h))
		}
	}
	switch {
	case f.Whole != nil:
		req.Body = [][]byte{f.Whole}
	case f.Body != nil:
		req.Stream, req.StreamLength = f.Body, f.Length
	}
	resp, err := t.doer.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	return reply{resp}, nil
}

// join puts what stands behind the route behind the address.
func (t *target) join(path string) string {
	u := *t.base
	own := u.RawQuery
	u.RawQuery, u.Fragment = "", ""
	behind, query, _ := strings.Cut(path, "?")
	joined := u.String()
	if behind != "" {
		joined = strings.TrimSuffix(joined, "/") + behind
	}
	if own != "" && query != "" {
		own += "&"
	}
	if own += query; own != "" {
		joined += "?" + own
	}
	return joined
}

// Offers implements provider.Backend.
func (*target) Offers(provider.Surface) bool { return false }

// Do implements provider.Backend.
func (*target) Do(context.Context, *provider.Call) (provider.Reply, error) {
	return nil, provider.ErrUnsupported
}

// Chat implements provider.Backend.
func (*target) Chat(context.Context, *provider.Call, *chat.Request) (*provider.Answer, error) {
	return nil, provider.ErrUnsupported
}

// reply is the answer of an address.
type reply struct{ resp *upstream.Response }

func (r reply) Read(p []byte) (int, error) { return r.resp.Read(p) }
func (r reply) Close() error               { return r.resp.Close() }
func (r reply) Status() int                { return r.resp.StatusCode }
func (r reply) Header(name string) string  { return r.resp.Header.Get(name) }
func (r reply) ContentLength() int64       { return r.resp.ContentLength }

// Fields yields all header fields of the answer.
func (r reply) Fields(yield func(name, value string) bool) {
	for _, f := range r.resp.Header {
		if !yield(f.Name, f.Value) {
			return
		}
	}
}
