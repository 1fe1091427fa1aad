package compat

import (
	"bytes"
	"io"
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// EditWhole edits a whole answer.
func EditWhole(q *catalog.AnswerQuirks, data []byte) []byte { return newAnswers(q, "p/").whole(data) }

// EditEvent edits the data of an event.
func EditEvent(q *catalog.AnswerQuirks, data []byte) []byte {
	return newAnswers(q, "p/").event(data, &progress{})
}

// EditStream edits a stream.
func EditStream(q *catalog.AnswerQuirks, src io.Reader) io.Reader {
	return &stream{src: src, answer: newAnswers(q, ""), in: make([]byte, 0, firstBuffer)}
}

// SentBy returns what a row makes of a body.
func SentBy(t *testing.T, slug string, body []byte) (sent []byte, ok bool) {
	t.Helper()
	row, _ := catalog.Lookup(slug)
	b, err := New(&row, provider.Config{Model: "m", APIBase: "http://vendor/v1", APIKey: "k", Getenv: func(string) string { return "" }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	members, err := jsonx.Members(nil, body)
	if err != nil {
		return nil, false
	}
	call := &provider.Call{Surface: provider.ChatCompletions, Body: body, Members: members, Stream: true, AddUsage: true, DropParams: true}
	var s scratch
	if err := b.prepare(&s, call); err != nil {
		return nil, false
	}
	return bytes.Join(s.segments, nil), true
}
