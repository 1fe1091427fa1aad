package gemini

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// minCached is how many tokens a prompt must have to be worth keeping;
	// Gemini refuses shorter ones.
	minCached = 1024
	// bytesPerToken is how many bytes of English make a token, about.
	bytesPerToken = 4
	maxKnown      = 1024
	// notAgain is how long a prompt that could not be kept is not tried again.
	notAgain = 5 * time.Minute
	// early is how long before its end a kept prompt is not used any more.
	early = 30 * time.Second
)

// promptCache has prompts that clients mark with cache_control kept by Gemini,
// and says them by their name from then on. What is marked is the beginning of
// the conversation up to the end of the first run of marked messages, with the
// tools. https://ai.google.dev/gemini-api/docs/caching
type promptCache struct {
	codec *Codec
	place *Place

	mu    sync.Mutex
	known map[string]*keptPrompt // by the hash of what is kept
}

// keptPrompt is a prompt that is kept, or was refused when it has no name.
type keptPrompt struct {
	ready chan struct{} // closed when the rest is known
	name  string
	until time.Time
}

func newPromptCache(codec *Codec, p *Place) *promptCache {
	return &promptCache{codec: codec, place: p, known: map[string]*keptPrompt{}}
}

// use returns the request without what Gemini keeps of it, or nil when nothing
// is kept. That a prompt can not be kept is no error: it is sent as it is.
func (p *promptCache) use(ctx context.Context, call *provider.Call, req *chat.Request) (*chat.Request, error) {
	n := p.prefix(req)
	if n == 0 || p.place.CachePath == "" {
		return nil, nil
	}
	body, err := p.content(req, n)
	if err != nil || body == nil {
		return nil, nil //nolint:nilerr // the request itself will say what is wrong with it
	}
	name, err := p.name(ctx, call, body)
	if err != nil || name == "" {
		return nil, err
	}
	own := *req
	own.Messages = req.Messages[n:]
	own.Tools, own.ToolChoice, own.WebSearchOptions = nil, nil, nil
	own.Extra, own.Gemini = maps.Clone(req.Extra), maps.Clone(req.Gemini)
	delete(own.Gemini, "tools")
	put(&own.Extra, "cachedContent", jsonx.Quote(name))
	return &own, nil
}

// prefix returns how many messages are to be kept.
func (p *promptCache) prefix(req *chat.Request) int {
	n := run(req.Messages)
	if n == len(req.Messages) {
		n-- // something has to be said
	}
	if n <= 0 || req.Messages[n].Role == chat.ToolRole || p.size(req, n) < minCached*bytesPerToken {
		return 0
	}
	for name := range req.Extra {
		if camel(name) == "cachedContent" {
			return 0
		}
	}
	if req.Gemini["cachedContent"] != nil || req.Gemini["toolConfig"] != nil {
		return 0
	}
	return n
}

// run returns the end of the first run of marked messages, or 0.
func run(messages []chat.Message) int {
	end := 0
	for i := range messages {
		if marked(&messages[i]) {
			end = i + 1
		} else if end > 0 {
			break
		}
	}
	return end
}

// size is how much text is to be kept, or 0 when something would have to be
// fetched first.
func (p *promptCache) size(req *chat.Request, n int) int {
	bytes := 0
	for i := range n {
		for j := range req.Messages[i].Content {
			part := &req.Messages[i].Content[j]
			if p.codec.Inline(part) && strings.HasPrefix(linkOf(part), "http") {
				return 0
			}
			bytes += len(part.Text)
		}
	}
	for i := range req.Tools {
		if f := req.Tools[i].Function; f != nil {
			bytes += len(f.Parameters) + len(f.Description)
		}
	}
	return bytes
}

func linkOf(p *chat.Part) string {
	switch {
	case p.Image != nil:
		return p.Image.URL
	case p.Video != nil:
		return p.Video.URL
	case p.File != nil && p.File.Data == "":
		return p.File.ID
	}
	return ""
}

func marked(m *chat.Message) bool {
	if m.CacheControl != nil {
		return true
	}
	for i := range m.Content {
		if m.Content[i].CacheControl != nil {
			return true
		}
	}
	return false
}

// content is the body of cachedContents, without the name to show.
func (p *promptCache) content(req *chat.Request, n int) ([]byte, error) {
	v, err := p.codec.converse(req.Messages[:n])
	if err != nil {
		return nil, err
	}
	r := &request{Contents: v.contents}
	if len(v.system) > 0 {
		r.SystemInstruction = &content{Parts: v.system}
	}
	if err := p.codec.tools(r, req); err != nil {
		return nil, err
	}
	put(&r.extra, "model", jsonx.Quote(p.place.CacheModel))
	if ttl := lifetime(req.Messages[:n]); ttl != "" {
		put(&r.extra, "ttl", jsonx.Quote(ttl))
	}
	return r.encode()
}

// lifetime returns how long the marks ask for, in Gemini's form, or "".
func lifetime(messages []chat.Message) string {
	for i := range messages {
		m := &messages[i]
		marks := []json.RawMessage{m.CacheControl}
		for j := range m.Content {
			marks = append(marks, m.Content[j].CacheControl)
		}
		for _, mark := range marks {
			var c struct {
				TTL string `json:"ttl"`
			}
			if len(mark) == 0 || json.Unmarshal(mark, &c) != nil {
				continue
			}
			if d, err := time.ParseDuration(c.TTL); err == nil && d >= time.Second {
				return strconv.FormatInt(int64(d/time.Second), 10) + "s"
			}
		}
	}
	return ""
}

// name returns the name by which Gemini knows what is kept, or "" when it is
// not kept. One request asks Gemini, those that come meanwhile wait for it.
func (p *promptCache) name(ctx context.Context, call *provider.Call, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	key := hex.EncodeToString(sum[:])
	p.mu.Lock()
	k := p.known[key]
	if k != nil {
		select {
		case <-k.ready:
			if time.Now().After(k.until) {
				k = nil
			}
		default:
		}
	}
	mine := k == nil
	if mine {
		k = &keptPrompt{ready: make(chan struct{})}
		p.trim()
		p.known[key] = k
	}
	p.mu.Unlock()
	if !mine {
		select {
		case <-k.ready:
			return k.name, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	k.name, k.until = p.keep(ctx, call, key, body)
	close(k.ready)
	return k.name, nil
}

// trim keeps the memory small.
func (p *promptCache) trim() {
	if len(p.known) < maxKnown {
		return
	}
	now := time.Now()
	maps.DeleteFunc(p.known, func(_ string, k *keptPrompt) bool {
		select {
		case <-k.ready:
			return now.After(k.until)
		default:
			return false
		}
	})
	if len(p.known) >= maxKnown {
		clear(p.known)
	}
}

// gone reports whether a request failed because Gemini does not keep any more
// what it is to be about, and forgets it.
func (p *promptCache) gone(req *chat.Request, err error) bool {
	f, ok := errors.AsType[*provider.Failure](err)
	if !ok {
		return false
	}
	text := strings.ToLower(f.Text)
	about := strings.Contains(text, "cachedcontent") || strings.Contains(text, "cached content")
	if !about || f.Status != http.StatusBadRequest && f.Status != http.StatusForbidden && f.Status != http.StatusNotFound {
		return false
	}
	name, err := jsonx.Unquote(req.Extra["cachedContent"])
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.known, func(_ string, k *keptPrompt) bool {
		select {
		case <-k.ready:
			return k.name == name
		default:
			return false
		}
	})
	return true
}
