package vertex

import (
	"context"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/oai"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

const (
	wholeMethod  = "rawPredict"
	streamMethod = "streamRawPredict"
	// claudeVersion is what Google wants Claude's bodies to say:
	// https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
	claudeVersion = "vertex-2023-10-16"
)

// claude serves the models of Anthropic.
func (d *deployment) claude() (provider.Backend, error) {
	p, m := d.place, d.model
	codec := anthropic.NewCodec(anthropic.Options{
		Model: m.name, ModelInPath: true, BodyVersion: claudeVersion, NoSchemas: true, InlineURLs: true, Budgets: anthropic.NewBudgets(&d.cfg),
		Path: func(stream bool) string {
			if stream {
				return p.method(m.resource, streamMethod, false)
			}
			return p.method(m.resource, wholeMethod, false)
		},
	})
	surfaces := map[provider.Surface]native.Surface{provider.Messages: codec.Messages()}
	if !p.whole {
		surfaces[provider.CountTokens] = codec.CountTokens(p.method(publisher("anthropic", "count-tokens"), wholeMethod, false), m.name)
	}
	b, err := native.New(native.Options{
		Config: d.cfg, Base: p.base, Authorizer: d.proof, Chatter: codec, Surfaces: surfaces, Doer: d.doer, Fetcher: d.fetch,
	})
	if err != nil {
		return nil, err
	}
	return &claudeBackend{b}, nil
}

type claudeBackend struct{ *native.Backend }

// Chat implements provider.Backend: the betas that the client named in a
// header go with the codec's.
func (b *claudeBackend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return b.Backend.Chat(ctx, call, anthropic.WithBetas(call, req))
}

// partner serves models with OpenAI's wire. What is peculiar to a maker stands
// in the catalog.
func (d *deployment) partner() (provider.Backend, error) {
	row := catalog.Vendor{StreamUsage: true}
	switch d.model.kind {
	case mistral:
		row, _ = catalog.Lookup("mistral")
	case ai21:
		row, _ = catalog.Lookup("ai21_chat")
	default: // rented by the token: nothing peculiar is known
	}
	row.Slug, row.Aliases, row.BaseURL, row.BaseEnv, row.BaseSuffix, row.Auth = d.cfg.Provider, nil, d.place.base, nil, "", nil
	row.KeyEnv, row.KeyOptional = nil, true
	row.Model = d.model.body
	if d.model.kind == mistral || d.model.kind == ai21 {
		whole, err := d.compat(&row, d.place.method(d.model.resource, wholeMethod, false))
		if err != nil {
			return nil, err
		}
		stream, err := d.compat(&row, d.place.method(d.model.resource, streamMethod, false))
		if err != nil {
			return nil, err
		}
		return &pair{whole, stream}, nil
	}
	path := "/chat/completions"
	if !d.place.whole {
		path = d.place.root(false) + "/" + d.model.resource + path
	}
	return d.compat(&row, path)
}

// body is the name of the model in a body.
func (m *model) body(string) string {
	if m.kind == mistral || m.kind == ai21 {
		name, _, _ := strings.Cut(m.name, "@") // the version stands in the path alone
		return name
	}
	return m.name
}

func (d *deployment) compat(row *catalog.Vendor, path string) (*compat.Backend, error) {
	cfg := d.cfg
	cfg.APIBase, cfg.APIKey = d.place.base, ""
	b, err := compat.NewWith(row, cfg, d.doer, compat.Options{Authorizer: d.proof, URL: func(s provider.Surface) (string, error) {
		if s != provider.ChatCompletions {
			return "", nil
		}
		return d.place.base + path, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", d.model.name, err)
	}
	return b, nil
}

// pair is a model that streams under another path.
type pair struct{ whole, stream *compat.Backend }

// Offers implements provider.Backend.
func (p *pair) Offers(s provider.Surface) bool { return p.whole.Offers(s) }

// Do implements provider.Backend.
func (p *pair) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	if call.Stream {
		return p.stream.Do(ctx, call)
	}
	return p.whole.Do(ctx, call)
}

// Chat implements provider.Backend.
func (p *pair) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return oai.Chat(ctx, p, call, req)
}
