package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	// reading is how many files are read at one time: each holds a line.
	reading = 8
	// patience is how long a batch waits for its turn to be read.
	patience = 5 * time.Second
	// enough is how long reading a file may take, from the request to its end.
	enough = 2 * time.Minute
)

// Reasons why a file could not be read. Whoever can not be counted is not let
// through.
var (
	// ErrNotFound means that the vendor has no such file.
	ErrNotFound = errors.New("the provider has no such file")
	// ErrBusy means that too many files are being read.
	ErrBusy = errors.New("too many batch files are being read")
	// ErrSlow means that the file did not come in time.
	ErrSlow = errors.New("the file did not come in time")
)

// StatusError is a vendor's refusal to show a file.
type StatusError struct {
	Status int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the provider answered %d %s", e.Status, http.StatusText(e.Status))
}

// Files reads the files of batches from the vendors that keep them. It is safe
// for concurrent use.
type Files struct {
	turns            chan struct{}
	bounds           Bounds
	patience, enough time.Duration
}

// NewFiles returns a reader of files within OpenAI's bounds.
func NewFiles() *Files { return newFiles(FileBounds(), reading, patience, enough) }

func newFiles(b Bounds, turns int, patience, enough time.Duration) *Files {
	return &Files{turns: make(chan struct{}, turns), bounds: b, patience: patience, enough: enough}
}

// Unsent reports whether an error of a backend means that nothing was submitted
// for certain: the vendor was not reached.
func Unsent(err error) bool {
	if _, ok := errors.AsType[*provider.CredentialsError](err); ok || errors.Is(err, provider.ErrUnsupported) {
		return true
	}
	e, ok := errors.AsType[*upstream.Error](err)
	return ok && (e.Op == upstream.OpRequest || e.Op == upstream.OpDial || e.Op == upstream.OpProxy || e.Op == upstream.OpTLS)
}

// Path is where a vendor has the content of a file: beside its batches, which
// are at the path that is given, perhaps with a query.
func Path(batches, file string) string {
	path, query, found := strings.Cut(batches, "?")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), "/batches") + "/files/" + url.PathEscape(file) + "/content"
	if found {
		path += "?" + query
	}
	return path
}

// Weigh counts what is inside the file at a path, which is read with the
// deployment's own credentials and the fields that the batch will have too.
func (f *Files) Weigh(ctx context.Context, from provider.Forwarder, path string, header []provider.HeaderField, weigh Weigh) (*Tally, error) {
	if err := f.await(ctx); err != nil {
		return nil, err
	}
	defer func() { <-f.turns }()
	ctx, cancel := context.WithTimeoutCause(ctx, f.enough, ErrSlow)
	defer cancel()
	tally, err := f.weigh(ctx, from, &provider.Forward{Method: http.MethodGet, Path: path, Header: header, Timeout: f.enough}, weigh)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return tally, err
}

func (f *Files) await(ctx context.Context) error {
	select {
	case f.turns <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(f.patience)
	defer timer.Stop()
	select {
	case f.turns <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *Files) weigh(ctx context.Context, from provider.Forwarder, ask *provider.Forward, weigh Weigh) (*Tally, error) {
	reply, err := from.Forward(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("ask for a batch's file: %w", err)
	}
	defer func() { _ = reply.Close() }()
	switch status := reply.Status(); {
	case status == http.StatusNotFound || status == http.StatusGone:
		return nil, ErrNotFound
	case status != http.StatusOK:
		return nil, &StatusError{status}
	case reply.ContentLength() > f.bounds.Bytes:
		return nil, tooLarge(fmt.Sprintf("it has more than %d MB", f.bounds.Bytes>>20))
	}
	return f.bounds.File(reply, weigh)
}
