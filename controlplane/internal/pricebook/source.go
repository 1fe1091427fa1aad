package pricebook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tianjillm/tianjillm/shared/price"
)

const (
	fetchTimeout = 30 * time.Second
	maxRedirects = 5
	// urlEvery and fileEvery are how often the sources are looked at.
	urlEvery  = time.Hour
	fileEvery = time.Minute
	// retryAfter follows a failure.
	retryAfter = time.Minute
)

// errUnchanged means that a source has what it had before.
var errUnchanged = errors.New("unchanged")

// source is a place that a price file comes from.
type source struct {
	name  string // for log lines: an address without credentials or a path
	every time.Duration
	// guarded sources must not shrink.
	guarded bool
	// fetch returns a file that is new. Unless keep is called, the next one
	// returns it again.
	fetch func(ctx context.Context) (file []byte, keep func(), err error)

	due    time.Time
	models int // of the last good file
	file   []byte
}

// localFile reads a file when its time or size have changed.
func localFile(path string) *source {
	var last os.FileInfo
	return &source{name: path, every: fileEvery, fetch: func(context.Context) ([]byte, func(), error) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read price file: %w", err)
		}
		if last != nil && last.ModTime().Equal(info.ModTime()) && last.Size() == info.Size() {
			return nil, nil, errUnchanged
		}
		if info.Size() > price.MaxOverlay {
			return nil, nil, fmt.Errorf("read price file: it has more than %d MB", price.MaxOverlay>>20)
		}
		b, err := os.ReadFile(path) //nolint:gosec // the path of the configuration
		if err != nil {
			return nil, nil, fmt.Errorf("read price file: %w", err)
		}
		return b, func() { last = info }, nil
	}}
}

// remoteFile fetches a file when the server says that it has changed.
func remoteFile(address string, transport http.RoundTripper) *source {
	client := &http.Client{Transport: transport, Timeout: fetchTimeout, CheckRedirect: checkRedirect}
	var tag, modified string
	return &source{name: withoutCredentials(address), every: urlEvery, guarded: true, fetch: func(ctx context.Context) ([]byte, func(), error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch prices: %w", err)
		}
		req.Header.Set("Accept", "application/json")
		setUnlessEmpty(req.Header, "If-None-Match", tag)
		setUnlessEmpty(req.Header, "If-Modified-Since", modified)
		resp, err := client.Do(req)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch prices: %w", err)
		}
		defer func() { _ = resp.Body.Close() }()
		switch resp.StatusCode {
		case http.StatusOK:
		case http.StatusNotModified:
			return nil, nil, errUnchanged
		default:
			return nil, nil, fmt.Errorf("fetch prices: the server answered %s", resp.Status)
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, price.MaxOverlay+1))
		if err != nil {
			return nil, nil, fmt.Errorf("fetch prices: %w", err)
		}
		if len(b) > price.MaxOverlay {
			return nil, nil, fmt.Errorf("fetch prices: the file has more than %d MB", price.MaxOverlay>>20)
		}
		return b, func() { tag, modified = resp.Header.Get("ETag"), resp.Header.Get("Last-Modified") }, nil
	}}
}

func setUnlessEmpty(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects")
	}
	return checkParsed(req.URL)
}
