package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// chat asks in the internal form and shows the answer in OpenAI's wire.
func (g *golden) chat(ctx context.Context, t *testing.T, b provider.Backend) shown {
	t.Helper()
	req, err := chat.Decode(g.section("request.json"))
	require.NoError(t, err)
	answer, err := b.Chat(ctx, &provider.Call{Surface: provider.ChatCompletions, Stream: req.Stream, DropParams: g.config.DropParams}, req)
	if err != nil {
		return failure(err)
	}
	defer func() { _ = answer.Close() }()
	if answer.Stream != nil {
		return events(answer.Stream)
	}
	body, err := answer.Whole.Encode()
	require.NoError(t, err)
	return shown{"response.json", indented(masked(body))}
}

// events shows a stream as OpenAI's chunks, and what broke it.
func events(s provider.Stream) shown {
	var b bytes.Buffer
	var c chat.Chunk
	var usage chat.Usage
	head := chat.Stamp{ID: "id", Model: "model"}.Head()
	first, hasUsage := true, false
	for {
		err := s.Next(&c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintf(&b, "broken: %s\n", describe(err))
			return shown{"response.sse", masked(b.Bytes())}
		}
		for i := range c.Deltas {
			fmt.Fprintf(&b, "data: %s\n\n", chat.AppendDelta(nil, head, &c.Deltas[i], first))
			first = false
		}
		if c.HasUsage {
			usage, hasUsage = c.Usage, true
		}
	}
	if hasUsage {
		fmt.Fprintf(&b, "data: %s\n\n", chat.AppendUsage(nil, head, &usage))
	}
	b.WriteString("data: [DONE]\n\n")
	return shown{"response.sse", masked(b.Bytes())}
}

// callSurface asks in the wire of a surface.
func (g *golden) callSurface(ctx context.Context, t *testing.T, b provider.Backend) shown {
	t.Helper()
	surface, ok := surfaceOf(g.config.Surface)
	require.True(t, ok, "no surface %s", g.config.Surface)
	require.True(t, b.Offers(surface), "%s is not offered", surface)
	body := bytes.TrimSpace(g.section("request.json"))
	members, err := jsonx.Members(nil, body)
	require.NoError(t, err)
	reply, err := b.Do(ctx, &provider.Call{Surface: surface, Body: body, Members: members, Stream: g.config.Stream, DropParams: g.config.DropParams})
	if err != nil {
		return failure(err)
	}
	defer func() { _ = reply.Close() }()
	if reply.Status() >= http.StatusBadRequest {
		return failure(provider.ReadFailure(reply))
	}
	got, err := io.ReadAll(reply)
	require.NoError(t, err)
	if g.config.Stream {
		return shown{"response.sse", masked(got)}
	}
	return shown{"response.json", indented(masked(got))}
}

func surfaceOf(name string) (provider.Surface, bool) {
	for s := range provider.SurfaceCount {
		if provider.Surface(s).String() == name {
			return provider.Surface(s), true
		}
	}
	return 0, false
}

func describe(err error) string {
	if f, ok := errors.AsType[*provider.Failure](err); ok {
		return fmt.Sprintf("%d %s %s", f.Status, f.Code, f.Text)
	}
	return err.Error()
}

// masked hides what is different in each run: ids that we make, and times.
func masked(b []byte) []byte {
	for pattern, with := range map[string]string{
		`"created":[1-9][0-9]*`: `"created":1`, `call_[0-9a-fA-F-]{16,}`: `call_1`, `chatcmpl-[0-9a-fA-F-]{16,}`: `chatcmpl-1`,
	} {
		b = regexp.MustCompile(pattern).ReplaceAll(b, []byte(with))
	}
	return b
}

// awsMessages makes binary messages of lines "event-type {json}"; a type that
// ends with Exception becomes an exception.
func awsMessages(lines []byte) []byte {
	var b []byte
	for line := range strings.Lines(string(lines)) {
		kind, payload, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && json.Valid([]byte(payload)) {
			b = append(b, awsMessage(kind, []byte(payload))...)
		}
	}
	return b
}
