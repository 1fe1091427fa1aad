package gemini

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	cacheTimeout = 60 * time.Second
	maxCachePage = 4 << 20
	// maxCachePages bounds the search among what is kept already.
	maxCachePages = 5
)

// cachedContent is a prompt that Gemini keeps.
type cachedContent struct {
	Name        string    `json:"name"`
	DisplayName string    `json:"displayName"` //nolint:tagliatelle // Google's name
	ExpireTime  time.Time `json:"expireTime"`  //nolint:tagliatelle // Google's name
}

func (c *cachedContent) until() time.Time {
	if c.ExpireTime.IsZero() {
		return time.Now().Add(notAgain)
	}
	return c.ExpireTime.Add(-early)
}

// keep finds a prompt among those that are kept, by the hash that is its name
// to show, or has it kept. An empty name means that it could not be.
func (p *promptCache) keep(ctx context.Context, call *provider.Call, key string, body []byte) (name string, until time.Time) {
	found, err := p.find(ctx, call, key)
	if err == nil && found == nil {
		found, err = p.create(ctx, call, key, body)
	}
	switch {
	case err == nil:
		return found.Name, found.until()
	case ctx.Err() != nil: // the client went away: the next one tries again
		return "", time.Time{}
	}
	return "", time.Now().Add(notAgain)
}

func (p *promptCache) create(ctx context.Context, call *provider.Call, key string, body []byte) (*cachedContent, error) {
	named, err := overlay(body, map[string]json.RawMessage{"displayName": jsonx.Quote(key)})
	if err != nil {
		return nil, err
	}
	made := &cachedContent{}
	if err := p.do(ctx, call, http.MethodPost, p.place.CachePath, named, made); err != nil {
		return nil, err
	}
	if made.Name == "" {
		return nil, errors.New("what is kept has no name")
	}
	return made, nil
}

func (p *promptCache) find(ctx context.Context, call *provider.Call, key string) (*cachedContent, error) {
	token := ""
	for range maxCachePages {
		var page struct {
			Contents []cachedContent `json:"cachedContents"` //nolint:tagliatelle // Google's name
			Next     string          `json:"nextPageToken"`  //nolint:tagliatelle // Google's name
		}
		path := p.place.CachePath + "?pageSize=1000"
		if token != "" {
			path += "&pageToken=" + url.QueryEscape(token)
		}
		if err := p.do(ctx, call, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		for i := range page.Contents {
			if c := &page.Contents[i]; c.DisplayName == key && c.until().After(time.Now()) {
				return c, nil
			}
		}
		if token = page.Next; token == "" {
			break
		}
	}
	return nil, nil
}

// do makes one call beside the chat itself.
func (p *promptCache) do(ctx context.Context, call *provider.Call, method, path string, body []byte, into any) error {
	target, err := upstream.ParseTarget(p.place.Base + path)
	if err != nil {
		return err
	}
	req := &upstream.Request{
		Method: method, Target: target, HeaderTimeout: cacheTimeout, IdleTimeout: cacheTimeout,
		Fields: slices.Concat([]upstream.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept-Encoding", Value: "identity"}}, p.place.Header),
	}
	if call.Timeout > 0 {
		req.HeaderTimeout = min(req.HeaderTimeout, call.Timeout)
	}
	if body != nil {
		req.Body = [][]byte{body}
	}
	if p.place.Authorizer != nil {
		proof, err := p.place.Authorizer.Authorize(ctx, method, p.place.Base+path, body)
		if err != nil {
			return err
		}
		req.Fields = append(req.Fields, proof...)
	}
	resp, err := p.place.Doer.Do(ctx, req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Close() }()
	if resp.StatusCode >= http.StatusBadRequest {
		return errors.New("refused: " + http.StatusText(resp.StatusCode))
	}
	answer, err := io.ReadAll(io.LimitReader(resp, maxCachePage))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("decode cached contents: %w", err)
	}
	return nil
}
