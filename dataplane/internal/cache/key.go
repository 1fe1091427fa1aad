package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Key is the hash of what an answer depends on.
type Key [sha256.Size]byte

// Hex is the key as headers and /cache/delete have it.
func (k Key) Hex() string { return hex.EncodeToString(k[:]) }

// Call is what a key is made of.
type Call struct {
	// Type is LiteLLM's name of the call, such as acompletion.
	Type string
	// Group is the model group that was asked for; it stands for the model in
	// the body.
	Group string
	// Stream says that the route asks for a stream where the body does not.
	Stream bool
	// Vary is whatever else the answer depends on, such as a header that goes to
	// the vendor. Calls that differ in it share nothing.
	Vary string

	// Body is a JSON object and Members are its members, each name once.
	Body    []byte
	Members []jsonx.Member
	// Fields and File are those of a form, in place of a body.
	Fields []Field
	File   []byte
}

// Field is a text field of a form.
type Field struct{ Name, Value string }

// Names of calls that are treated in a way of their own.
const (
	callEmbeddings = "aembedding"
	callResponses  = "aresponses"
)

// keyVersion is another one whenever the same call gets another key.
const keyVersion = 1

// Key returns the key of a call: two calls have the same one when they are the
// same but for white space, the order of the members of the body, members that
// are null, and members on which the answer does not depend.
func (c *Cache) Key(call *Call, ctl Controls) Key {
	return c.keyOf(call, &ctl, -1, nil)
}

// keyOf hashes a call, but for one member, and with what else is given.
func (c *Cache) keyOf(call *Call, ctl *Controls, except int, more []byte) Key {
	buf, _ := keyBuffers.Get().(*[]byte)
	b := c.appendCall((*buf)[:0], call, ctl, except)
	b = append(b, more...)
	key := Key(sha256.Sum256(b))
	if cap(b) <= maxPooledKey {
		*buf = b
		keyBuffers.Put(buf)
	}
	return key
}

const maxPooledKey = 256 << 10

var keyBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }} //nolint:gochecknoglobals // a pool

// appendCall writes a call so that no two different ones are written the same:
// texts behind their length, and JSON, which has no line break outside of its
// strings and only escaped ones inside, in front of a line break.
func (c *Cache) appendCall(b []byte, call *Call, ctl *Controls, except int) []byte {
	s := c.settings.Load()
	b = append(b, keyVersion)
	b = appendText(b, call.Type)
	b = appendText(b, ctl.namespace(s))
	b = appendText(b, s.cachingGroup(call.Group))
	b = appendText(b, call.Vary)
	if call.Stream {
		b = append(b, "stream\n"...)
	}
	b = appendMembers(b, call, except)
	return appendForm(b, call)
}

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendMembers(b []byte, call *Call, except int) []byte {
	var few [48]uint16
	order := few[:0]
	echoes := echoesIdentity(call)
	for i := range call.Members {
		if i != except && counts(call, i, echoes) {
			order = append(order, uint16(i))
		}
		if i == maxMembers {
			break
		}
	}
	byName := func(i, j uint16) int { return bytes.Compare(call.Members[i].Name, call.Members[j].Name) }
	slices.SortFunc(order, byName)
	for _, i := range order {
		m := &call.Members[i]
		b = appendText(b, m.Name)
		b = appendCompact(b, m.Value.Of(call.Body))
		b = append(b, '\n')
	}
	if len(call.Members) > maxMembers { // nobody's request; hashed as it is
		b = append(b, call.Body...)
	}
	if asksForUsage(call) {
		b = append(b, "usage\n"...)
	}
	return b
}

// maxMembers is how many members are put in order.
const maxMembers = 1000

func appendForm(b []byte, call *Call) []byte {
	if call.File != nil {
		sum := sha256.Sum256(call.File)
		b = append(append(b, "file\n"...), sum[:]...)
	}
	if len(call.Fields) == 0 {
		return b
	}
	fields := slices.Clone(call.Fields)
	slices.SortStableFunc(fields, func(x, y Field) int { return bytes.Compare([]byte(x.Name), []byte(y.Name)) })
	for _, f := range fields {
		if !ignored(f.Name, false) && (f.Name != "stream" || f.Value != "false") {
			b = appendText(appendText(b, f.Name), f.Value)
		}
	}
	return b
}

// counts reports whether the answer depends on a member.
func counts(call *Call, i int, echoes bool) bool {
	m := &call.Members[i]
	if ignored(string(m.Name), echoes) {
		return false
	}
	value := m.Value.Of(call.Body)
	return !jsonx.IsNull(value) && (string(m.Name) != "stream" || string(value) != "false")
}

// ignored are the members that decide who pays, how the gateway goes about it,
// or what else is told of the call, and not what is answered. The model is
// replaced by its group. Whatever is not listed counts: an answer too many is
// better than a wrong one.
func ignored(name string, echoes bool) bool {
	switch name {
	case "metadata", "user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention":
		return !echoes
	case "model", "stream_options", "cache", "caching", "litellm_metadata", "litellm_session_id", "litellm_trace_id", "no-log", "litellm_call_id",
		"tags", "priority", "timeout", "stream_timeout", "num_retries", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "disable_fallbacks":
		return true
	}
	return false
}

// echoesIdentity reports whether the answer repeats what the caller says of
// itself: it must not be another's then.
func echoesIdentity(call *Call) bool {
	if call.Type == callResponses {
		return true
	}
	for i := range call.Members {
		if m := &call.Members[i]; string(m.Name) == "store" {
			return string(m.Value.Of(call.Body)) == "true"
		}
	}
	return false
}

// asksForUsage reports whether a stream is to end with its usage, the one thing
// in stream_options that changes what is sent.
func asksForUsage(call *Call) bool {
	for i := range call.Members {
		if m := &call.Members[i]; string(m.Name) == "stream_options" {
			value := m.Value.Of(call.Body)
			return string(jsonx.Lookup(value, "include_usage").Of(value)) == "true"
		}
	}
	return false
}
