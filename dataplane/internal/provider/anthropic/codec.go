package anthropic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Options are how a host offers Claude. The zero value, with a Model, is
// Anthropic's own way.
type Options struct {
	// Model is the host's name of the model. What it can do is read from
	// TraitsOf, where that is another name.
	Model    string
	TraitsOf string

	// Path returns where Messages is, behind the base; nil is /v1/messages.
	Path func(stream bool) string
	// ModelInPath and StreamInPath leave these members out of the body.
	ModelInPath, StreamInPath bool
	// BodyVersion goes into the body as anthropic_version; where it is empty
	// the version is a header.
	BodyVersion string
	// BodyBetas puts the betas into the body as anthropic_beta, not a header.
	BodyBetas bool
	// Betas go with every request.
	Betas []string

	// MaxTokens bounds answers whose client does not; zero is 4096.
	MaxTokens int64
	// NoSchemas is a host without structured output, whatever the model.
	NoSchemas bool
	// InlineURLs is a host that does not fetch pictures and documents.
	InlineURLs bool
	// Budgets translate efforts; nil are LiteLLM's.
	Budgets Budgets
}

const (
	defaultPath = "/v1/messages"
	// defaultMaxTokens is LiteLLM's bound on answers whose client sets none;
	// Anthropic requires one.
	defaultMaxTokens = 4096
)

// Codec translates chats for one deployment. It implements native.Chatter and
// native.Inliner, and is safe for concurrent use.
type Codec struct {
	opts   Options
	traits traits
	params []string
}

// NewCodec returns the codec of a host.
func NewCodec(o Options) *Codec {
	if o.Path == nil {
		o.Path = func(bool) string { return defaultPath }
	}
	if o.MaxTokens == 0 {
		o.MaxTokens = defaultMaxTokens
	}
	if o.TraitsOf == "" {
		o.TraitsOf = o.Model
	}
	defaults := NewBudgets(&provider.Config{})
	maps.Copy(defaults, o.Budgets)
	o.Budgets = defaults
	c := &Codec{opts: o, traits: traitsOf(o.TraitsOf)}
	c.traits.schemas = c.traits.schemas && !o.NoSchemas
	c.params = params(&c.traits)
	return c
}

func params(t *traits) []string {
	names := []string{
		"tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "stop", "response_format", "web_search_options",
		"service_tier", "user",
	}
	if t.sampling {
		names = append(names, "temperature", "top_p")
	}
	if t.reasons() {
		names = append(names, "reasoning_effort", "thinking")
	}
	return names
}

// Params implements native.Chatter.
func (c *Codec) Params() []string { return c.params }

// Inline implements native.Inliner: Anthropic fetches from https alone.
func (c *Codec) Inline(p *chat.Part) bool {
	switch {
	case c.opts.InlineURLs:
		return true
	case p.Image != nil:
		return strings.HasPrefix(p.Image.URL, "http:")
	case p.File != nil:
		return strings.HasPrefix(p.File.ID, "http:")
	}
	return false
}

// Chat implements native.Chatter.
func (c *Codec) Chat(req *chat.Request) (*native.Exchange, error) {
	t := translation{codec: c, req: req, traits: c.traits, names: names{}}
	if err := t.translate(); err != nil {
		return nil, err
	}
	body, err := t.encode()
	if err != nil {
		return nil, err
	}
	r := &t.reading
	x := &native.Exchange{
		Request: native.Request{Path: c.opts.Path(req.Stream), Body: body, Header: c.header(version1, t.betas)},
		Whole:   r.whole,
		Framing: frame.SSE(),
	}
	if req.Stream {
		x.Stream = newDecoder(r)
	}
	return x, nil
}

// translation is one request in the making.
type translation struct {
	codec  *Codec
	req    *chat.Request
	traits traits
	wire   wireRequest
	names  names
	betas  []string
	effort string
	format json.RawMessage
	// uploads says that files go to the container that code runs in.
	uploads bool
	// extra are members that pass as they are.
	extra map[string]json.RawMessage

	reading reading
}

func (t *translation) translate() error {
	o := &t.codec.opts
	t.wire.MaxTokens = o.MaxTokens
	if n, ok := t.req.Limit(); ok {
		t.wire.MaxTokens = n
	}
	t.betas = slices.Clone(o.Betas)
	t.takeExtra()
	t.keepNames()
	t.sampling()
	for _, step := range []func() error{t.think, t.messages, t.tools, t.structure} {
		if err := step(); err != nil {
			return err
		}
	}
	t.choose()
	t.outputConfig()
	t.reading.names = t.names.reversed()
	if !o.ModelInPath {
		t.wire.Model = o.Model
	}
	t.wire.Stream = t.req.Stream && !o.StreamInPath
	t.wire.Version = o.BodyVersion
	if o.BodyBetas {
		t.wire.Betas = distinct(t.betas)
	}
	return nil
}

func (t *translation) sampling() {
	r := t.req
	t.wire.Temperature, t.wire.TopP, t.wire.TopK = r.Temperature, r.TopP, r.TopK
	for _, s := range r.Stop {
		if strings.TrimSpace(s) != "" { // Anthropic refuses blank ones
			t.wire.Stop = append(t.wire.Stop, s)
		}
	}
	switch r.ServiceTier {
	case "default", "standard":
		t.wire.ServiceTier = "standard_only"
	case "priority":
		t.wire.ServiceTier = "auto"
	default:
		t.wire.ServiceTier = r.ServiceTier
	}
	if user := r.User; user != "" && !personal(user) {
		t.wire.Metadata = &wireMetadata{UserID: user}
	}
}

// personal reports whether a user's id is an e-mail address or a telephone
// number, which Anthropic does not want.
func personal(user string) bool {
	if name, host, ok := strings.Cut(user, "@"); ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(user, " {\"") {
		return true
	}
	digits := 0
	for _, c := range user {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune("+-() .", c):
			return false
		}
	}
	return digits >= 7 && digits <= 15
}

// outputConfig puts together what the client, the effort and the format say.
func (t *translation) outputConfig() {
	if t.effort == "" && t.format == nil {
		return
	}
	given := t.extra["output_config"]
	if len(given) == 0 || given[0] != '{' {
		given = json.RawMessage("{}")
	}
	members, err := jsonx.Members(nil, given)
	if err != nil {
		return // Anthropic says what is wrong with it
	}
	has := func(name string) bool {
		return slices.ContainsFunc(members, func(m jsonx.Member) bool { return string(m.Name) == name })
	}
	var more [][]byte
	if t.effort != "" && !has("effort") {
		more = append(more, []byte(`"effort":"`+t.effort+`"`))
	}
	if t.format != nil && !has("format") {
		more = append(more, slices.Concat([]byte(`"format":`), t.format))
	}
	delete(t.extra, "output_config")
	t.wire.OutputConfig = slices.Concat(jsonx.Rewrite(nil, given, members, nil, more...)...)
}

// encode writes the body.
func (t *translation) encode() ([]byte, error) {
	b, err := marshal(&t.wire)
	if err != nil {
		return nil, fmt.Errorf("encode messages request: %w", err)
	}
	if len(t.extra) == 0 {
		return b, nil
	}
	b = b[:len(b)-1]
	for _, name := range slices.Sorted(maps.Keys(t.extra)) {
		b = append(jsonx.AppendQuote(append(b, ','), name), ':')
		b = append(b, t.extra[name]...)
	}
	return append(b, '}'), nil
}

// marshal is json.Marshal without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
