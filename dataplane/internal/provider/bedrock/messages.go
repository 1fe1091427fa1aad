package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// bedrockVersion is that of Claude's body at Bedrock:
	// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
	bedrockVersion = "bedrock-2023-05-31"
	// metrics is what AWS adds to the last event of a stream.
	metrics = "amazon-bedrock-invocationMetrics"
)

// messages offers Anthropic's Messages for Claude: the client's body goes
// through, without what stands in the path here.
// The settings of the deployment go along.
func (m *model) messages(params map[string]json.RawMessage) native.Surface {
	return native.Surface{
		Encode: func(call *provider.Call) (*native.Request, error) {
			return &native.Request{
				Path: m.invokePath(call.Stream), Body: m.claudeBody(call.Body, call.Members, call.Header["Anthropic-Beta"]), Header: invokeHeader(params),
			}, nil
		},
		Stream: func(_ *provider.Call, reply provider.Reply) provider.Reply {
			return &eventReply{Reply: reply, frames: frame.NewReader(reply, frame.AWS())}
		},
	}
}

// claudeBody makes a body of Anthropic's one of Bedrock's: the model and
// whether to stream stand in the path, the betas in the body.
func (m *model) claudeBody(body []byte, members []provider.Member, headers []string, more ...[]byte) []byte {
	wanted := strings.Split(strings.Join(headers, ","), ",")
	var changes []jsonx.Change
	for i := range members {
		member := &members[i]
		switch name := string(member.Name); {
		case name == "anthropic_beta":
			wanted = append(wanted, texts(member.Value.Of(body))...)
		case name == "model", name == "stream", name == "anthropic_version", name == "service_tier", slices.Contains(provider.Controls(), name):
		default:
			continue
		}
		changes = append(changes, jsonx.Change{Index: i, Drop: true})
	}
	more = append(more, []byte(`"anthropic_version":"`+bedrockVersion+`"`))
	if betas := m.betas(wanted); len(betas) > 0 {
		more = append(more, []byte(`"anthropic_beta":["`+strings.Join(betas, `","`)+`"]`))
	}
	return slices.Concat(jsonx.Rewrite(nil, body, members, changes, more...)...)
}

// countTokens asks Bedrock to count a body of Messages. It knows the model
// alone, not its inference profiles:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
func (m *model) countTokens() native.Surface {
	return native.Surface{
		Encode: func(call *provider.Call) (*native.Request, error) {
			var more [][]byte
			if call.Lookup("max_tokens") == nil {
				more = append(more, []byte(`"max_tokens":1024`)) // a body of Messages has one
			}
			body := m.claudeBody(call.Body, call.Members, call.Header["Anthropic-Beta"], more...)
			wrapped := fmt.Appendf(nil, `{"input":{"invokeModel":{"body":"%s"}}}`, base64.StdEncoding.EncodeToString(body))
			id := m.name
			if id == "" {
				id = m.id
			}
			return &native.Request{Path: modelPath(id, "count-tokens"), Body: wrapped}, nil
		},
		Decode: func(_ *provider.Call, body []byte) ([]byte, error) {
			var counted struct {
				Input *int64 `json:"inputTokens"` //nolint:tagliatelle // AWS's name
			}
			if err := json.Unmarshal(body, &counted); err != nil {
				return nil, fmt.Errorf("count tokens: %w", err)
			}
			if counted.Input == nil {
				return nil, errors.New("count tokens: no count")
			}
			return fmt.Appendf(nil, `{"input_tokens":%d}`, *counted.Input), nil
		},
	}
}

// inner takes the event of the model's maker out of a message of AWS. It
// returns nil for a message without one.
func inner(f *frame.Frame) ([]byte, error) {
	encoded := jsonx.Lookup(f.Data, "bytes").Of(f.Data)
	if len(encoded) < 2 || encoded[0] != '"' {
		return nil, nil
	}
	event := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Decode(event, encoded[1:len(encoded)-1])
	if err != nil {
		return nil, fmt.Errorf("invoke stream: %w", err)
	}
	return event[:n], nil
}

// eventReply turns the messages of AWS into Anthropic's events.
type eventReply struct {
	provider.Reply

	frames *frame.Reader
	out    bytes.Buffer
	ended  bool // message_stop has come
	err    error
}

// ContentLength implements provider.Reply.
func (r *eventReply) ContentLength() int64 { return -1 }

// Header implements provider.Reply.
func (r *eventReply) Header(name string) string {
	if strings.EqualFold(name, "Content-Type") {
		return "text/event-stream"
	}
	return r.Reply.Header(name)
}

// Read returns the events that have come, as many as there are.
func (r *eventReply) Read(p []byte) (int, error) {
	for r.out.Len() == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.next()
		for r.err == nil && r.out.Len() < len(p) && r.frames.Ready() {
			r.next()
		}
	}
	return r.out.Read(p)
}

func (r *eventReply) next() {
	f, err := r.frames.Next()
	if err != nil {
		if errors.Is(err, io.EOF) && !r.ended {
			err = io.ErrUnexpectedEOF
		}
		r.err = err
		return
	}
	if f.Exception != "" {
		r.fail(exception(f))
		return
	}
	event, err := inner(f)
	if err != nil {
		r.err = err
		return
	}
	if event == nil {
		return
	}
	kind, err := jsonx.Unquote(jsonx.Lookup(event, "type").Of(event))
	if err != nil {
		r.err = errors.New("invoke stream: an event without a type")
		return
	}
	r.ended = r.ended || kind == "message_stop"
	r.write(kind, withoutMetrics(event))
}

func (r *eventReply) write(kind string, data []byte) {
	r.out.WriteString("event: ")
	r.out.WriteString(kind)
	r.out.WriteString("\ndata: ")
	r.out.Write(data)
	r.out.WriteString("\n\n")
}

// fail ends the stream as Anthropic does.
func (r *eventReply) fail(f *provider.Failure) {
	kind := "api_error"
	switch f.Status {
	case http.StatusBadRequest:
		kind = "invalid_request_error"
	case http.StatusUnauthorized:
		kind = "authentication_error"
	case http.StatusForbidden:
		kind = "permission_error"
	case http.StatusNotFound:
		kind = "not_found_error"
	case http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case http.StatusServiceUnavailable:
		kind = "overloaded_error"
	}
	r.write("error", fmt.Appendf(nil, `{"type":"error","error":{"type":%q,"message":%s}}`, kind, jsonx.Quote(f.Text)))
	r.err = io.EOF
}

// withoutMetrics cuts what Bedrock adds to Anthropic's last event.
func withoutMetrics(event []byte) []byte {
	if !bytes.Contains(event, []byte(metrics)) {
		return event
	}
	members, err := jsonx.Members(nil, event)
	if err != nil {
		return event
	}
	for i := range members {
		if string(members[i].Name) == metrics {
			return slices.Concat(jsonx.Rewrite(nil, event, members, []jsonx.Change{{Index: i, Drop: true}})...)
		}
	}
	return event
}
