package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/app"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

const (
	defaultURL = "http://127.0.0.1:4000"
	// maxReply bounds what is read of a reply.
	maxReply = 256 << 20
)

// call is a command with what it was given.
type call struct {
	*Terminal

	set      *config.Set
	url      string
	key      secret.String
	asJSON   bool
	operands []string
	values   []value
}

func (t *Terminal) parse(g *group, cmd *command, args []string) (*call, error) {
	set := config.New("tianji "+g.name+" "+cmd.name, t.Out, t.Lookup)
	set.WithoutTwins()
	set.About(sentence(cmd.about))
	set.Examples(strings.Join(cmd.examples, "\n"))
	c := &call{Terminal: t, set: set, values: make([]value, len(cmd.options))}
	if cmd.most > 0 {
		set.Operands(&c.operands, cmd.operands, cmd.least, cmd.most)
	}
	for i, o := range cmd.options {
		c.values[i].option = o
		c.values[i].define(set)
	}
	set.String(&c.url, "url", defaultURL, "`URL` of the gateway: of a data plane or of a control plane", "TIANJI_URL", "LITELLM_PROXY_URL", "TIANJI_CONTROL_PLANE_URL")
	set.Secret(&c.key, "key", "", "`KEY` of who asks; that of the quick start when nothing is set and the URL is of this machine",
		"TIANJI_API_KEY", "LITELLM_PROXY_API_KEY", "TIANJI_MASTER_KEY", "LITELLM_MASTER_KEY")
	set.Bool(&c.asJSON, "json", false, "print the reply as it is")
	if err := set.Parse(args); err != nil {
		return nil, err //nolint:wrapcheck // the caller does
	}
	u, err := url.Parse(c.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("--url %q: want http://host:port", c.url)
	}
	c.url = strings.TrimRight(c.url, "/")
	if ip := net.ParseIP(u.Hostname()); c.key.IsZero() && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		c.key = secret.New(app.QuickStartKey)
	}
	if c.key.IsZero() {
		return nil, errors.New("no key: set TIANJI_API_KEY or --key")
	}
	return c, nil
}

// get asks for something and shows it.
func (c *call) get(ctx context.Context, path string, q url.Values) ([]byte, error) {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return c.send(ctx, http.MethodGet, path, nil)
}

// post sends a body.
func (c *call) post(ctx context.Context, path string, body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return c.send(ctx, http.MethodPost, path, b)
}

// read asks for something that a command needs in order to go on.
func (c *call) read(ctx context.Context, path string, q url.Values, into any) error {
	reply, err := c.get(ctx, path, q)
	if err != nil {
		return err
	}
	return c.decode(reply, into)
}

func (c *call) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		if problem, ok := errors.AsType[*url.Error](err); ok {
			err = problem.Err // without the URL, which the text has already
		}
		return nil, fmt.Errorf("%s does not answer (%w): is it running? Name another with --url or TIANJI_URL", c.url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("read the reply of %s: %w", c.url, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, refusal(resp.StatusCode, reply)
	}
	return reply, nil
}

// refusal is an error in one of the shapes that LiteLLM's API has, with what to
// do about it.
func refusal(status int, reply []byte) error {
	hint := ""
	switch status {
	case http.StatusUnauthorized:
		hint = ": is the key right? Set TIANJI_API_KEY or --key"
	case http.StatusForbidden:
		hint = ": use the key of an admin with --key"
	case http.StatusMethodNotAllowed:
		hint = ": is it TianjiLLM of this version?"
	case http.StatusServiceUnavailable:
		hint = ": try again in a moment"
	}
	text := strings.TrimRight(harmless(shortened(message(reply, status))), ". ")
	return fmt.Errorf("%s (status %d)%s", text, status, hint)
}

// shortened keeps a page of HTML from filling the screen.
func shortened(s string) string {
	const most = 1000
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func message(reply []byte, status int) string {
	var shape struct {
		Error  json.RawMessage `json:"error"`
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(reply, &shape) == nil {
		for _, raw := range []json.RawMessage{shape.Error, shape.Detail} {
			if text := inner(raw); text != "" {
				return text
			}
		}
	}
	return http.StatusText(status)
}

// inner finds the text of an error.
func inner(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) == nil && len(all) > 0 {
		return inner(all[0])
	}
	var o struct {
		Message string          `json:"message"`
		Msg     string          `json:"msg"`
		Loc     []any           `json:"loc"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return ""
	}
	switch {
	case o.Message != "":
		return o.Message
	case o.Msg != "" && len(o.Loc) > 0:
		return fmt.Sprint(o.Loc[len(o.Loc)-1], ": ", o.Msg)
	case o.Msg != "":
		return o.Msg
	default:
		return inner(o.Error)
	}
}

// show prints a reply: as it is with --json, else as show makes it of what into
// then holds.
func show[T any](c *call, reply []byte, show func(*T) error) error {
	if c.asJSON {
		return write(c.Out, strings.TrimRight(string(reply), "\n")+"\n")
	}
	var into T
	if err := c.decode(reply, &into); err != nil {
		return err
	}
	return show(&into)
}

func (c *call) decode(reply []byte, into any) error {
	if err := json.Unmarshal(reply, into); err != nil {
		return fmt.Errorf("the reply of %s can not be read: is it TianjiLLM? %w", c.url, err)
	}
	return nil
}

// done prints a line, or the reply with --json.
func (c *call) done(reply []byte, format string, args ...any) error {
	return show(c, reply, func(*json.RawMessage) error { return write(c.Out, fmt.Sprintf(format, args...)+"\n") })
}
