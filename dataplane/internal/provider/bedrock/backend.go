package bedrock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock/awsauth"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Backend is one deployment. It is safe for concurrent use.
type Backend struct {
	*native.Backend

	embedder *embedder // nil where the model does not embed
}

// New prepares a deployment. It reads the parameters and variables that
// LiteLLM reads; the error holds no secret.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	m, err := parseModel(&cfg)
	if err != nil {
		return nil, err
	}
	region := m.region
	if region == "" || cfg.Text("aws_region_name") != "" {
		if region, err = awsauth.Region(&cfg, m.id); err != nil {
			return nil, err
		}
	}
	host := "." + region + "." + awsauth.Domain(region)
	o := native.Options{Config: cfg, Base: endpoint(&cfg), Doer: doer, Fetcher: fetch}
	agents := ""
	if o.Base == "" {
		o.Base, agents = "https://bedrock-runtime"+host, "https://bedrock-agent-runtime"+host
	}
	b := &Backend{}
	b.offer(&o, m, region, agents)
	if err := authorise(&o, region); err != nil {
		return nil, err
	}
	if b.Backend, err = native.New(o); err != nil {
		return nil, err
	}
	return b, nil
}

// endpoint returns what replaces AWS's own, or "".
func endpoint(cfg *provider.Config) string {
	if cfg.APIBase != "" {
		return cfg.APIBase
	}
	return cfg.Text("aws_bedrock_runtime_endpoint", "AWS_BEDROCK_RUNTIME_ENDPOINT")
}

// authorise decides how the deployment proves itself: with an API key of
// Bedrock, or with signatures. What the deployment names comes before what the
// environment holds.
func authorise(o *native.Options, region string) error {
	cfg := &o.Config
	key := cfg.APIKey
	if key == "" {
		key = cfg.Text("api_key")
	}
	if key == "" && cfg.Text("aws_access_key_id") == "" && cfg.Text("aws_role_name") == "" && cfg.Text("aws_profile_name") == "" {
		key = cfg.Env("AWS_BEARER_TOKEN_BEDROCK")
	}
	if key != "" {
		o.Header = append(o.Header, upstream.Field{Name: "Authorization", Value: "Bearer " + key})
		return nil
	}
	signer, err := awsauth.New(cfg, o.Doer, awsauth.Options{Service: "bedrock", Region: region, Header: cfg.Headers})
	if err != nil {
		return err
	}
	o.Authorizer = signer
	return nil
}

// offer sets what the model can do.
func (b *Backend) offer(o *native.Options, m *model, region, agents string) {
	o.Surfaces = map[provider.Surface]native.Surface{}
	switch {
	case strings.Contains(m.name, "embed"):
		b.embedder = newEmbedder(m)
		o.Surfaces[provider.Embeddings] = m.invoke()
		return
	case m.drawsImages():
		o.Surfaces[provider.ImageGenerations] = m.images()
		return
	case strings.Contains(m.name, "rerank"):
		arn := m.id
		if !strings.HasPrefix(arn, "arn:") {
			arn = "arn:" + partition(region) + ":bedrock:" + region + "::foundation-model/" + m.name
		}
		o.Surfaces[provider.Rerank] = (&reranker{arn: arn, base: agents}).surface()
		return
	}
	if m.family == claude && !m.explicit {
		o.Surfaces[provider.Messages] = m.messages(o.Config.Params)
		o.Surfaces[provider.CountTokens] = m.countTokens()
	}
	if m.route == converse {
		o.Chatter = newCodec(m, &o.Config)
	} else {
		o.Chatter = newInvoker(m, &o.Config)
	}
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// invoke sends a body as it is.
func (m *model) invoke() native.Surface {
	return native.Surface{Encode: func(call *provider.Call) (*native.Request, error) {
		return &native.Request{Path: m.path("invoke"), Body: call.Body}, nil
	}}
}

// Chat implements provider.Backend.
func (b *Backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	answer, err := b.Backend.Chat(ctx, call, withBetas(call, req))
	if f, ok := errors.AsType[*provider.Failure](err); ok {
		correct(f)
	}
	return answer, err
}

// withBetas takes along the betas that a client of Anthropic's wire names in a
// header.
func withBetas(call *provider.Call, req *chat.Request) *chat.Request {
	named := call.Header["Anthropic-Beta"]
	if len(named) == 0 {
		return req
	}
	own := *req
	own.Anthropic = maps.Clone(req.Anthropic)
	if own.Anthropic == nil {
		own.Anthropic = map[string]json.RawMessage{}
	}
	all := append(texts(own.Anthropic["anthropic_beta"]), named...)
	own.Anthropic["anthropic_beta"] = jsonx.Quote(strings.Join(all, ","))
	return &own
}

// Do implements provider.Backend.
func (b *Backend) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	var reply provider.Reply
	var err error
	if b.embedder != nil && call.Surface == provider.Embeddings {
		reply, err = b.embedder.do(ctx, b.Backend, call)
	} else {
		reply, err = b.Backend.Do(ctx, call)
	}
	if f, ok := errors.AsType[*provider.Failure](err); ok { // that came as an answer
		body := fmt.Appendf(nil, `{"error":{"message":%s,"code":%s}}`, jsonx.Quote(f.Text), jsonx.Quote(f.Code))
		return newMade(f.Status, body, nil), nil
	}
	if err != nil || reply.Status() < http.StatusBadRequest {
		return reply, err
	}
	return corrected(reply)
}

// maxRefusal bounds a refusal that is read to be understood.
const maxRefusal = 64 << 10

// corrected gives a refusal the status that it means, and the name that AWS
// puts into a header the place where its other services have it.
func corrected(reply provider.Reply) (provider.Reply, error) {
	defer func() { _ = reply.Close() }()
	body, err := io.ReadAll(io.LimitReader(reply, maxRefusal))
	if err != nil {
		return nil, fmt.Errorf("read refusal: %w", err)
	}
	f := &provider.Failure{Status: reply.Status(), Header: reply.Header}
	f.Explain(body)
	correct(f)
	if members, err := jsonx.Members(nil, bytes.TrimSpace(body)); err == nil && f.Code != "" && !slices.ContainsFunc(members, isType) {
		body = bytes.TrimSpace(body)
		body = slices.Concat(jsonx.Rewrite(nil, body, members, nil, append([]byte(`"__type":`), jsonx.Quote(f.Code)...))...)
	}
	return newMade(f.Status, body, reply.Header), nil
}

func isType(m jsonx.Member) bool { return string(m.Name) == "__type" }

// made is an answer that is here already.
type made struct {
	*bytes.Reader

	status int
	length int64
	header func(string) string
}

func newMade(status int, body []byte, header func(string) string) *made {
	return &made{Reader: bytes.NewReader(body), status: status, length: int64(len(body)), header: header}
}

// Close implements provider.Reply.
func (m *made) Close() error { return nil }

// Status implements provider.Reply.
func (m *made) Status() int { return m.status }

// ContentLength implements provider.Reply.
func (m *made) ContentLength() int64 { return m.length }

// Header implements provider.Reply.
func (m *made) Header(name string) string {
	if strings.EqualFold(name, "Content-Type") {
		return "application/json"
	}
	if m.header == nil {
		return ""
	}
	return m.header(name)
}
