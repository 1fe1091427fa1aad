package batch_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/batch"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vendor is OpenAI as far as it shows files, by a script.
type vendor struct {
	provider.Forwarder

	close func()
	mu    sync.Mutex
	asked []*http.Request
}

func newVendor(t *testing.T, serve http.HandlerFunc) *vendor {
	t.Helper()
	v := &vendor{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.asked = append(v.asked, r)
		v.mu.Unlock()
		serve(w, r)
	}))
	v.close = server.Close
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	row, _ := catalog.Lookup("openai")
	v.Forwarder, err = compat.New(&row, provider.Config{
		Provider: "openai", Model: "m", APIKey: "sk-vendor", APIBase: server.URL + "/v1", Getenv: func(string) string { return "" },
	}, client)
	require.NoError(t, err)
	return v
}

func sends(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestFiles_weigh_what_the_vendor_keeps(t *testing.T) {
	t.Parallel()
	v := newVendor(t, sends(http.StatusOK, strings.Repeat(line("m")+"\n", 1000)))
	tally, err := batch.NewFiles().Weigh(t.Context(), v, batch.Path("/batches?api-version=1", "file/ä"), []provider.HeaderField{{Name: "Openai-Project", Value: "p"}}, byBytes)
	require.NoError(t, err)
	require.Equal(t, []batch.Model{{Count: batch.Count{Requests: 1000, Input: 7000, Output: 10_000}, Name: "m"}}, tally.Models)
	require.Equal(t, "/v1/files/file%2F%C3%A4/content?api-version=1", v.asked[0].URL.RequestURI())
	require.Equal(t, "Bearer sk-vendor", v.asked[0].Header.Get("Authorization"), "the credentials that the batch would use")
	require.Equal(t, "p", v.asked[0].Header.Get("Openai-Project"))
	require.Equal(t, "/openai/v1/files/f/content", batch.Path("/openai/v1/batches/", "f"))
}

func TestFiles_that_can_not_be_read(t *testing.T) {
	t.Parallel()
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, line("m")+"\n")
	}
	for name, c := range map[string]struct {
		serve  http.HandlerFunc
		status int
		says   string
	}{
		"missing":   {sends(http.StatusNotFound, `{"error":{"message":"No such File object: file-1"}}`), http.StatusBadRequest, "Batch input file not found: file-1"},
		"gone":      {sends(http.StatusGone, ""), http.StatusBadRequest, "not found"},
		"forbidden": {sends(http.StatusUnauthorized, ""), http.StatusBadGateway, "could not be read from the provider"},
		"elsewhere": {sends(http.StatusFound, ""), http.StatusBadGateway, "could not be read from the provider"},
		"failing":   {sends(http.StatusInternalServerError, ""), http.StatusBadGateway, "could not be read from the provider"},
		"busy":      {sends(http.StatusServiceUnavailable, ""), http.StatusServiceUnavailable, "Please retry shortly"},
		"limited":   {sends(http.StatusTooManyRequests, ""), http.StatusServiceUnavailable, "Please retry shortly"},
		"broken":    {broken, http.StatusBadGateway, "could not be read from the provider"},
		"no JSONL":  {sends(http.StatusOK, "<html>"), http.StatusBadRequest, "The batch can not be read: line 1: want one JSON object"},
	} {
		_, err := batch.NewFiles().Weigh(t.Context(), newVendor(t, c.serve), batch.Path("/batches", "file-1"), nil, byBytes)
		require.Error(t, err, name)
		public := batch.Public(err, "file-1")
		require.Equal(t, c.status, public.Status, name)
		require.Contains(t, public.Message, c.says, name)
		require.Equal(t, c.status == http.StatusServiceUnavailable, public.RetryAfter > 0, name)
	}
}

// A batch that was not sent has not begun; of one that was, nobody can tell.
func TestUnsent(t *testing.T) {
	t.Parallel()
	nobody := newVendor(t, sends(http.StatusOK, ""))
	nobody.close()
	cut := newVendor(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for v, want := range map[*vendor]bool{nobody: true, cut: false} {
		_, err := v.Forward(t.Context(), &provider.Forward{Method: http.MethodPost, Path: "/batches", Whole: []byte("{}")})
		require.Error(t, err)
		require.Equal(t, want, batch.Unsent(err))
	}
	require.False(t, batch.Unsent(context.Canceled))
	require.True(t, batch.Unsent(&provider.CredentialsError{Provider: "openai", Cause: io.EOF}))
}

// Neither a file without an end is read for long, nor one that says how large it
// is.
func TestFiles_are_bounded(t *testing.T) {
	t.Parallel()
	endless := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		for some := []byte(strings.Repeat("\n", 1<<16)); r.Context().Err() == nil; {
			if _, err := w.Write(some); err != nil {
				return
			}
		}
	})
	announced := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(201<<20))
		_, _ = io.WriteString(w, "\n")
	})
	eight := batch.FileBounds()
	eight.Bytes = 8 << 20
	for v, bounds := range map[*vendor]batch.Bounds{endless: eight, announced: batch.FileBounds()} {
		_, err := batch.NewFilesWith(bounds, 1, time.Second, time.Minute).Weigh(t.Context(), v, "/files/f/content", nil, byBytes)
		public := batch.Public(err, "f")
		require.Equal(t, http.StatusBadRequest, public.Status)
		require.Equal(t, fmt.Sprintf("The batch is too large: it has more than %d MB", bounds.Bytes>>20), public.Message)
	}
}

func TestFiles_take_their_turn_and_an_end(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	hanging := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, line("m")+"\n")
		_ = http.NewResponseController(w).Flush()
		entered <- struct{}{}
		select {
		case <-leave:
		case <-r.Context().Done():
		}
	})
	files := batch.NewFilesWith(batch.FileBounds(), 1, time.Millisecond, time.Hour)
	first := make(chan error, 1)
	var all sync.WaitGroup
	all.Go(func() {
		_, err := files.Weigh(t.Context(), hanging, "/files/f/content", nil, byBytes)
		first <- err
	})
	<-entered
	_, err := files.Weigh(t.Context(), hanging, "/files/f/content", nil, byBytes)
	require.ErrorIs(t, err, batch.ErrBusy)
	require.Equal(t, http.StatusServiceUnavailable, batch.Public(err, "f").Status)
	close(leave)
	require.NoError(t, <-first)
	all.Wait()

	leave = make(chan struct{})
	slow := batch.NewFilesWith(batch.FileBounds(), 1, time.Millisecond, 50*time.Millisecond)
	all.Go(func() { <-entered })
	_, err = slow.Weigh(t.Context(), hanging, "/files/f/content", nil, byBytes)
	require.ErrorIs(t, err, batch.ErrSlow)
	require.Equal(t, http.StatusServiceUnavailable, batch.Public(err, "f").Status)
	all.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() { <-entered; cancel() })
	_, err = files.Weigh(ctx, hanging, "/files/f/content", nil, byBytes)
	require.ErrorIs(t, err, context.Canceled, "nobody waits any more")
	require.NotErrorIs(t, err, batch.ErrSlow)
	all.Wait()
}
