package pipeline

import (
	"bytes"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/price"
)

// tokens is what a request used.
type tokens struct {
	chat.Usage

	known  bool
	chunks int64 // of a stream
	events int64 // of a stream, as the client sees them
	bytes  int64 // of text beyond what is remembered
}

// bytesPerToken is how many bytes of English make a token of most
// vocabularies, about.
const bytesPerToken = 4

// readAnswer checks an answer, takes its usage, and returns the edits that put
// what the client knows in place of what the vendor says: the name of the
// model, and the id of a response.
func (x *exchange) readAnswer(body []byte) ([]jsonx.Edit, error) {
	var s jsonx.Scanner
	for s.Reset(body); s.Next(); { //nolint:revive // to its end: it is checked as a whole
	}
	if s.Err() != nil {
		return nil, provider.BadAnswer("the answer is not a JSON object", nil)
	}
	if x.endpoint.Dialect.Usage(body, &x.tokens.Usage) {
		x.tokens.known = true
	}
	x.estimate(len(body))
	return x.edits(body), nil
}

// edits returns the edits of a whole answer or of an event, in their order.
func (x *exchange) edits(data []byte) []jsonx.Edit {
	all := x.editSpace[:0]
	if at := x.endpoint.Dialect.Model(data); !at.Empty() {
		if e := x.restamp(data, at); e.New != nil {
			all = append(all, e)
		}
	}
	if ids, ok := x.endpoint.Dialect.(identified); ok {
		all = x.idEdits(all, ids, data)
	}
	return all
}

// readOpenAI is readAnswer for OpenAI's answers, in one pass.
func (x *exchange) readOpenAI(body []byte) ([]jsonx.Edit, error) {
	var s jsonx.Scanner
	var failure *provider.Failure
	edits := x.editSpace[:0]
	for s.Reset(body); s.Next(); {
		switch string(s.Key()) {
		case "error":
			failure = provider.Midstream(body)
		case "model":
			if e := x.restamp(body, s.Value()); e.New != nil && len(edits) == 0 {
				edits = append(edits, e)
			}
		case "usage":
			if !x.tokens.known { // a merged answer has the usage of all, of which a part is paid for
				x.tokens.known = x.tokens.Read(s.Value().Of(body))
			}
		case "service_tier":
			x.served(s.Value().Of(body))
		}
	}
	if s.Err() != nil {
		return nil, provider.BadAnswer("the answer is not a JSON object", nil)
	}
	if failure != nil {
		return nil, failure
	}
	x.estimate(len(body))
	return edits, nil
}

// served notes which service answered, since its prices may differ.
func (x *exchange) served(tier []byte) {
	if name, err := jsonx.Unquote(tier); err == nil {
		x.measures.Tier = price.ParseTier(name)
	}
}

// estimate fills in the usage of a whole answer that does not report it.
func (x *exchange) estimate(answer int) {
	if x.tokens.known || !speaks(x.endpoint.Surface) {
		return
	}
	x.usage.Estimated = true
	x.tokens.Input = x.inputTokens()
	if x.endpoint.Surface != provider.Embeddings {
		x.tokens.Output = int64(answer+bytesPerToken-1) / bytesPerToken
	}
}

func (x *exchange) restamp(body []byte, at jsonx.Span) jsonx.Edit {
	if x.modelJSON == nil || bytes.Equal(at.Of(body), x.modelJSON) {
		return jsonx.Edit{}
	}
	return jsonx.Edit{At: at, New: x.modelJSON}
}

// writeEdited sends a body with its edits. Small bodies are put together
// first: one write costs less than three.
func (x *exchange) writeEdited(body []byte, edits []jsonx.Edit) error {
	if len(edits) == 0 {
		x.record(body)
		_, err := x.w.Write(body)
		return x.clientError(err)
	}
	var space [5][]byte
	parts := jsonx.Cut(space[:0], body, edits...)
	if len(body) > pooledBuffer {
		for _, part := range parts {
			x.record(part)
			if _, err := x.w.Write(part); err != nil {
				return errClientGone
			}
		}
		return nil
	}
	out := getBuffer()
	defer putBuffer(out)
	for _, part := range parts {
		*out = append(*out, part...)
	}
	x.record(*out)
	_, err := x.w.Write(*out)
	return x.clientError(err)
}
