package pipeline

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/dataplane/internal/form"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Cache keeps answers. Cache in package cache is one; it may be nil.
type Cache interface {
	Enabled(callType string, ctl cache.Controls) bool
	Semantic(callType string) bool
	Key(call *cache.Call, ctl cache.Controls) cache.Key
	Get(ctx context.Context, key cache.Key, ctl cache.Controls) (*cache.Entry, bool)
	Put(key cache.Key, e cache.Entry, ctl cache.Controls)
	GetSimilar(ctx context.Context, call *cache.Call, ctl cache.Controls, tenant cache.Tenant) cache.Similar
	PutSimilar(r *cache.Similar, e cache.Entry, ctl cache.Controls)
	Batch(ctx context.Context, call *cache.Call, ctl cache.Controls) (*cache.Batch, bool)
	PutBatch(b *cache.Batch, answer []byte, ctl cache.Controls) error
}

// lookup is what a request has to do with the cache: how to find its answer
// there and where to put it. The zero value is nothing.
type lookup struct {
	on       bool
	controls cache.Controls
	key      cache.Key
	similar  *cache.Similar // of a lookup by meaning
	batch    *cache.Batch   // of embeddings
	answer   []byte         // as it is sent to the client
	broken   bool           // not to be kept
}

// fromCache answers from the cache, if it can. What it can not it leaves in
// x.lookup, to be stored when it is there.
func (x *exchange) fromCache() (served bool, err error) {
	c, callType := x.p.opts.Cache, x.endpoint.Surface.String()
	if c == nil || x.brought != (route.Client{}) || !c.Enabled(callType, cache.Controls{UseCache: true}) {
		return false, nil
	}
	ctl, err := cache.ParseControls(x.call.Lookup("cache"), x.r.Header, x.keyMetadata())
	if err != nil {
		return false, err
	}
	ctl.Off = string(x.call.Lookup("caching")) == "false"
	if !c.Enabled(callType, ctl) {
		return false, nil
	}
	call := x.cacheCall(callType)
	x.lookup = lookup{on: true, controls: ctl}
	if x.endpoint.Surface == provider.Embeddings {
		return x.batchFromCache(c, call, ctl)
	}
	var entry *cache.Entry
	if c.Semantic(callType) {
		s := c.GetSimilar(x.r.Context(), call, ctl, x.tenant())
		x.lookup.similar, x.lookup.key, entry = &s, s.Key, s.Entry
	} else {
		x.lookup.key = c.Key(call, ctl)
		entry, _ = c.Get(x.r.Context(), x.lookup.key, ctl)
	}
	if entry == nil {
		return false, nil
	}
	return true, x.replay(entry)
}

func (x *exchange) keyMetadata() []byte {
	if x.master {
		return nil
	}
	return x.identity.Key.Metadata
}

func (x *exchange) tenant() cache.Tenant {
	if x.master {
		return cache.Tenant{EndUser: x.usage.EndUser}
	}
	k := x.identity.Key
	return cache.Tenant{KeyHash: k.Hash, TeamID: k.TeamID, OrgID: k.OrgID, EndUser: x.usage.EndUser}
}

// cacheCall is what the answer depends on. The model's name as the client
// wrote it stands in the answer, so an alias is another question.
func (x *exchange) cacheCall(callType string) *cache.Call {
	call := &cache.Call{Type: callType, Group: x.target.Name, Stream: x.endpoint.Stream, Body: *x.body, Members: x.members}
	if x.model != x.target.Name {
		call.Vary = x.model
	}
	if x.endpoint.Surface == provider.Responses && !x.master { // its id is good for its owner only
		k := x.identity.Key
		call.Vary += "\n" + k.Hash + "\n" + x.identity.UserID() + "\n" + k.TeamID
	}
	for _, name := range [...]string{"Anthropic-Beta", "Anthropic-Version"} {
		if v := x.r.Header[name]; len(v) > 0 {
			call.Vary += "\n" + strings.Join(v, ",")
		}
	}
	if x.call.ContentType == "" {
		return call
	}
	call.Body, call.Members = nil, nil
	f, err := form.Parse(x.call.ContentType, x.call.Body)
	if err != nil {
		return call
	}
	for i := range f.Parts {
		p := &f.Parts[i]
		if p.Filename != "" {
			call.File = append(call.File, p.Value.Of(x.call.Body)...)
		} else if p.Name != "model" {
			call.Fields = append(call.Fields, cache.Field{Name: p.Name, Value: string(p.Value.Of(x.call.Body))})
		}
	}
	return call
}

// replay sends an answer that was found. It costs nothing.
func (x *exchange) replay(e *cache.Entry) error {
	x.hit()
	x.tokens.Usage, x.tokens.known = e.Usage, true
	x.usage.Model, x.usage.Stream = e.Model, e.Stream
	x.settle(http.StatusOK, "")
	h := x.w.Header()
	x.setHeaders(h, nil)
	x.ours(h, "X-Tianji-Cache-Key", "X-Litellm-Cache-Key", x.lookup.key.Hex())
	if s := x.lookup.similar; s != nil {
		x.ours(h, "X-Tianji-Semantic-Similarity", "X-Litellm-Semantic-Similarity", strconv.FormatFloat(s.Similarity, 'f', 4, 64))
	}
	h["Content-Type"] = []string{e.ContentType}
	if !e.Stream {
		x.set(h, "Content-Length", itoa(len(e.Body)))
	}
	x.setCost(h)
	x.headerSent = true
	x.w.WriteHeader(http.StatusOK)
	if x.heard != nil {
		x.heard.Answer(e.Body, e.Stream)
	}
	_, err := x.w.Write(e.Body)
	return x.clientError(err)
}

// hit marks the request as answered from the cache.
func (x *exchange) hit() {
	x.usage.CacheHit = true
	x.usage.ModelGroup = x.target.Name
	x.usage.Provider = x.target.Group.Deployments[0].Provider
	x.p.metrics.cached.Inc()
}

// record remembers what the client is sent, to be stored when it is complete.
func (x *exchange) record(part []byte) {
	if x.heard != nil {
		x.heard.Answer(part, x.usage.Stream)
	}
	l := &x.lookup
	if !l.on || l.broken || l.batch != nil || l.controls.NoStore {
		return
	}
	if len(l.answer)+len(part) > cache.MaxBody {
		l.broken, l.answer = true, nil
		return
	}
	l.answer = append(l.answer, part...)
}

// store puts a complete answer into the cache.
func (x *exchange) store() {
	l := &x.lookup
	if !l.on || l.broken || len(l.answer) == 0 || x.route.InFallback() {
		return // another model's answer is no answer to this question
	}
	contentType := ""
	if v := x.w.Header()["Content-Type"]; len(v) > 0 {
		contentType = v[0]
	}
	e := cache.Entry{
		Status: http.StatusOK, ContentType: contentType, Stream: x.usage.Stream, Body: l.answer, Usage: x.tokens.Usage, Model: x.usage.Model,
	}
	if l.similar != nil {
		x.p.opts.Cache.PutSimilar(l.similar, e, l.controls)
	} else {
		x.p.opts.Cache.Put(l.key, e, l.controls)
	}
	l.answer = nil
}

// batchFromCache looks up each input of a call for embeddings. What was not
// found is asked for alone.
func (x *exchange) batchFromCache(c Cache, call *cache.Call, ctl cache.Controls) (served bool, err error) {
	b, ok := c.Batch(x.r.Context(), call, ctl)
	if !ok {
		x.lookup = lookup{}
		return false, nil
	}
	x.lookup.batch = b
	found, of := b.Hits()
	if found < of {
		if found > 0 {
			x.askFor(b.Missing())
		}
		return false, nil
	}
	body, err := b.Merge(nil)
	if err != nil {
		return false, err
	}
	x.hit()
	x.tokens.Usage, x.tokens.known = b.Found(), true
	x.settle(http.StatusOK, "")
	edits, err := x.readOpenAI(body)
	if err != nil {
		return true, err
	}
	x.beginWhole(nil, edited(len(body), edits))
	return true, x.writeEdited(body, edits)
}

// askFor puts the inputs that were not found in place of all.
func (x *exchange) askFor(missing []byte) {
	for i := range x.members {
		if string(x.members[i].Name) == "input" {
			x.replaceMember(i, missing)
			return
		}
	}
}

// merged stores what an answer has for each input, and returns the answer to
// all of them. Only what was asked for now is paid for.
func (x *exchange) merged(answer []byte) ([]byte, error) {
	b := x.lookup.batch
	if b == nil {
		return answer, nil
	}
	found, _ := b.Hits()
	if x.route.InFallback() && found == 0 {
		return answer, nil
	}
	if err := x.p.opts.Cache.PutBatch(b, answer, x.lookup.controls); err != nil && found > 0 {
		return nil, provider.BadAnswer("the answer is not one embedding for each input", err)
	}
	if found == 0 {
		return answer, nil
	}
	x.tokens.known = x.tokens.Read(jsonx.Lookup(answer, "usage").Of(answer))
	return b.Merge(answer)
}
