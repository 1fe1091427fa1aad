package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxInputs bounds the inputs of a call that is taken apart, as OpenAI does:
// https://platform.openai.com/docs/api-reference/embeddings/create
const maxInputs = 2048

// ErrAnswer is wrapped by the errors of Merge and PutBatch: an answer that is
// not a list with one embedding for each input that was sent.
var ErrAnswer = errors.New("not an answer to the inputs")

// Batch is a call for embeddings, taken apart into its inputs. It is for one
// goroutine.
type Batch struct {
	items  []item
	misses int
	list   bool
}

type item struct {
	input []byte // JSON, part of the body of the call
	key   Key
	entry *Entry // what was found
}

// Batch takes a call for embeddings apart and looks each input up. It is not ok
// for a body whose input it does not understand; that is left to the vendor.
func (c *Cache) Batch(ctx context.Context, call *Call, ctl Controls) (*Batch, bool) {
	at := memberAt(call, "input")
	if at < 0 {
		return nil, false
	}
	b := &Batch{}
	if !b.split(call.Members[at].Value.Of(call.Body)) {
		return nil, false
	}
	var more []byte
	for i := range b.items {
		more = appendCompact(append(more[:0], "input\n"...), b.items[i].input)
		b.items[i].key = c.keyOf(call, &ctl, at, more)
	}
	c.lookUp(ctx, b, &ctl)
	for i := range b.items {
		if b.items[i].entry == nil {
			b.misses++
			c.metrics.misses.Inc()
		}
	}
	return b, true
}

func memberAt(call *Call, name string) int {
	for i := range call.Members {
		if string(call.Members[i].Name) == name {
			return i
		}
	}
	return -1
}

// split finds the inputs: a text, texts, the tokens of one text, or lists of
// those. A text alone and a list of one share their entry.
func (b *Batch) split(input []byte) bool {
	if len(input) == 0 || input[0] != '[' {
		b.items = []item{{input: input}}
		return len(input) > 0 && input[0] == '"'
	}
	values, ok := elements(input, maxInputs+1)
	if !ok || len(values) == 0 {
		// A list of that many can only be the tokens of one text.
		return b.tokens(input)
	}
	kind := values[0][0]
	if kind != '"' && kind != '[' {
		return b.tokens(input)
	}
	if len(values) > maxInputs {
		return false
	}
	b.list = true
	for _, v := range values {
		if v[0] != kind {
			return false
		}
		b.items = append(b.items, item{input: v})
	}
	return true
}

// tokens takes a list of numbers as one input.
func (b *Batch) tokens(input []byte) bool {
	first := bytes.TrimSpace(input[1:])
	if len(first) == 0 || first[0] < '0' || first[0] > '9' {
		return false
	}
	b.items = []item{{input: input}}
	return true
}

// lookUp fills in the entries: those in memory first, the others with one
// question to the bucket.
func (c *Cache) lookUp(ctx context.Context, b *Batch, ctl *Controls) {
	if ctl.NoCache {
		return
	}
	now := c.opts.Clock()
	var missing []int
	for i := range b.items {
		it := &b.items[i]
		if e := c.local.get(it.key, now.UnixMilli()); e != nil && ctl.accepts(now.Sub(e.StoredAt)) {
			it.entry = e
			c.metrics.localHits.Inc()
			continue
		}
		missing = append(missing, i)
	}
	if len(missing) == 0 || c.bucket == nil || !c.settings.Load().Shared {
		return
	}
	names := make([]string, len(missing))
	for n, i := range missing {
		names[n] = contract.CacheEntryKey(b.items[i].key)
	}
	deletions := c.deletions.Load()
	for n, value := range c.bucket.GetMany(ctx, names) {
		if value != nil {
			it := &b.items[missing[n]]
			it.entry = c.fromBucket(it.key, value, ctl, now, deletions)
		}
	}
}

// Hits is how many of the inputs were found, out of how many.
func (b *Batch) Hits() (found, of int) { return len(b.items) - b.misses, len(b.items) }

// Missing returns the member "input" for what was not found. It is what the
// caller sent when nothing was, and nil when everything was.
func (b *Batch) Missing() []byte {
	if b.misses == 0 {
		return nil
	}
	if !b.list {
		return b.items[0].input
	}
	out := []byte{'['}
	for i := range b.items {
		if b.items[i].entry == nil {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, b.items[i].input...)
		}
	}
	return append(out, ']')
}

// Found is the usage that the inputs which were found had when they were new.
func (b *Batch) Found() chat.Usage {
	var u chat.Usage
	for i := range b.items {
		if e := b.items[i].entry; e != nil {
			u.Input += e.Usage.Input
		}
	}
	return u
}

// answered is an answer to the inputs that were sent.
type answered struct {
	embeddings [][]byte // JSON, in the order of the inputs
	model      string
	tokens     int64
}

// read takes an answer apart.
func (b *Batch) read(answer []byte) (*answered, error) {
	var members [16]jsonx.Member
	top, err := jsonx.Members(members[:0], answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	a := &answered{embeddings: make([][]byte, b.misses)}
	var data []byte
	for i := range top {
		value := top[i].Value.Of(answer)
		switch string(top[i].Name) {
		case "data":
			data = value
		case "model":
			if name, err := jsonx.Unquote(value); err == nil {
				a.model = name
			}
		case "usage":
			a.tokens = jsonx.Int(jsonx.Lookup(value, "prompt_tokens").Of(value))
		}
	}
	list, ok := elements(data, b.misses)
	if !ok || len(list) != b.misses {
		return nil, fmt.Errorf("%w: want %d embeddings", ErrAnswer, b.misses)
	}
	for i, object := range list {
		at := jsonx.Lookup(object, "index")
		if !at.Empty() {
			if i, err = strconv.Atoi(string(at.Of(object))); err != nil || i < 0 || i >= b.misses {
				return nil, fmt.Errorf("%w: an index that is out of bounds", ErrAnswer)
			}
		}
		vector := jsonx.Lookup(object, "embedding")
		if vector.Empty() || a.embeddings[i] != nil {
			return nil, fmt.Errorf("%w: want one embedding for each input", ErrAnswer)
		}
		a.embeddings[i] = vector.Of(object)
	}
	return a, nil
}

// PutBatch stores what an answer to Missing has for each input. The tokens of
// the answer are divided evenly among them, as nobody says more.
func (c *Cache) PutBatch(b *Batch, answer []byte, ctl Controls) error {
	if b.misses == 0 {
		return nil
	}
	a, err := b.read(answer)
	if err != nil {
		return err
	}
	n := 0
	for i := range b.items {
		if b.items[i].entry != nil {
			continue
		}
		tokens := a.tokens / int64(b.misses)
		if int64(n) < a.tokens%int64(b.misses) {
			tokens++
		}
		c.Put(b.items[i].key, Entry{
			Status: 200, ContentType: "application/json", Body: a.embeddings[n], Usage: chat.Usage{Input: tokens}, Model: a.model,
		}, ctl)
		n++
	}
	return nil
}

// Merge returns the answer to the whole call, in the order of its inputs: what
// was found and what answer, which is nil when everything was found, has for the
// rest. Its usage is that of all inputs.
func (b *Batch) Merge(answer []byte) ([]byte, error) {
	a := &answered{}
	if b.misses > 0 {
		var err error
		if a, err = b.read(answer); err != nil {
			return nil, err
		}
	}
	size := 256 + len(answer)
	for i := range b.items {
		if e := b.items[i].entry; e != nil {
			size += len(e.Body) + 64
			if a.model == "" {
				a.model = e.Model
			}
		}
	}
	out := append(make([]byte, 0, size), `{"object":"list","data":[`...)
	n := 0
	for i := range b.items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"object":"embedding","index":`...)
		out = strconv.AppendInt(out, int64(i), 10)
		out = append(out, `,"embedding":`...)
		if e := b.items[i].entry; e != nil {
			out = append(out, e.Body...)
		} else {
			out = append(out, a.embeddings[n]...)
			n++
		}
		out = append(out, '}')
	}
	out = jsonx.AppendQuote(append(out, `],"model":`...), a.model)
	tokens := a.tokens + b.Found().Input
	out = strconv.AppendInt(append(out, `,"usage":{"prompt_tokens":`...), tokens, 10)
	out = strconv.AppendInt(append(out, `,"total_tokens":`...), tokens, 10)
	return append(out, "}}"...), nil
}
