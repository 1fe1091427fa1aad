package upstream_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// digest answers with the length and the hash of the body it got, and says how
// it was framed.
func digest(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Framing", fmt.Sprint(r.ContentLength, r.TransferEncoding))
	fmt.Fprintf(w, "%d %x", n, h.Sum(nil))
}

func digestOf(b []byte) string { return fmt.Sprintf("%d %x", len(b), sha256.Sum256(b)) }

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

// bothSchemes runs a test against a plain and a TLS server.
func bothSchemes(t *testing.T, h http.HandlerFunc, test func(t *testing.T, c *upstream.Client, base string)) {
	t.Helper()
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		test(t, newClient(t, upstream.Options{}), serve(t, h))
	})
	t.Run("https", func(t *testing.T) {
		t.Parallel()
		base, opts := serveTLS(t, h)
		test(t, newClient(t, opts), base)
	})
}

func TestBodySegments(t *testing.T) {
	t.Parallel()
	bothSchemes(t, digest, func(t *testing.T, c *upstream.Client, base string) {
		t.Helper()
		for _, size := range []int{0, 1, 1000, 16_100, 16_384, 16_385, 100_000, 1 << 20, 5_000_003} {
			data := pattern(size)
			for _, cuts := range []int{1, 3, 40} {
				req := post(t, base, "")
				req.Body = nil
				for i := range cuts {
					req.Body = append(req.Body, data[i*size/cuts:(i+1)*size/cuts])
				}
				resp, err := c.Do(t.Context(), req)
				require.NoError(t, err)
				require.Equal(t, 200, resp.StatusCode)
				require.Equal(t, fmt.Sprint(size, []string(nil)), resp.Header.Get("X-Framing"))
				require.Equal(t, digestOf(data), body(t, resp))
			}
		}
		require.EqualValues(t, 1, c.Stats().Dials, "one connection serves one exchange after another")
	})
}

func TestBodyStream(t *testing.T) {
	t.Parallel()
	sources := map[string]func([]byte) io.Reader{
		"whole":         func(b []byte) io.Reader { return bytes.NewReader(b) },
		"halves":        func(b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) },
		"eof with data": func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) },
	}
	bothSchemes(t, digest, func(t *testing.T, c *upstream.Client, base string) {
		t.Helper()
		for _, size := range []int{0, 1, 8_000, 16_384, 100_000, 3_000_001} {
			data := pattern(size)
			for name, source := range sources {
				req := post(t, base, "")
				req.Body, req.Stream, req.StreamLength = nil, source(data), int64(size)
				resp, err := c.Do(t.Context(), req)
				require.NoError(t, err, name)
				require.Equal(t, fmt.Sprint(size, []string(nil)), resp.Header.Get("X-Framing"))
				require.Equal(t, digestOf(data), body(t, resp), name)

				req.Stream, req.StreamLength = source(data), -1
				resp, err = c.Do(t.Context(), req)
				require.NoError(t, err, name)
				require.Equal(t, fmt.Sprint(-1, []string{"chunked"}), resp.Header.Get("X-Framing"))
				require.Equal(t, digestOf(data), body(t, resp), name)
			}
		}
		require.EqualValues(t, 1, c.Stats().Dials)
	})
}

func TestStreamFails(t *testing.T) {
	t.Parallel()
	c := newClient(t, upstream.Options{})
	base := serve(t, digest)
	boom := errors.New("boom")
	for _, tc := range []struct {
		src  io.Reader
		n    int64
		want error
	}{
		{io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(boom)), 10, boom},
		{io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(boom)), -1, boom},
		{strings.NewReader("abc"), 10, io.ErrUnexpectedEOF},
		{idleReader{}, -1, io.ErrNoProgress},
	} {
		req := post(t, base, "")
		req.Body, req.Stream, req.StreamLength = nil, tc.src, tc.n
		_, err := c.Do(t.Context(), req)
		require.ErrorIs(t, err, upstream.ErrSource)
		require.ErrorIs(t, err, tc.want)
		require.Equal(t, upstream.OpWrite, opOf(t, err))
	}
	require.Zero(t, c.Stats().Idle, "a connection with half a request on it is not kept")
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

func TestMethodsAndStatuses(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.URL.Query().Get("code"))
		if err != nil {
			code = 500
		}
		w.Header().Set("X-Method", r.Method)
		w.Header().Set("X-Length", r.Header.Get("Content-Length"))
		w.WriteHeader(code)
		if code != 204 && code != 304 {
			io.WriteString(w, "hello")
		}
	})
	c := newClient(t, upstream.Options{})
	for _, tc := range []struct {
		method, sent string
		code         int
		length       int64
		body         string
	}{
		{"GET", "", 200, 5, "hello"},
		{"DELETE", "", 200, 5, "hello"},
		{"POST", "0", 200, 5, "hello"},
		{"PUT", "0", 404, 5, "hello"},
		{"PATCH", "0", 500, 5, "hello"},
		{"HEAD", "", 200, 5, ""},
		{"GET", "", 204, 0, ""},
		{"GET", "", 304, 0, ""},
		{"GET", "", 599, 5, "hello"},
	} {
		resp, err := c.Do(t.Context(), &upstream.Request{Method: tc.method, Target: target(t, base+"/?code="+strconv.Itoa(tc.code))})
		require.NoError(t, err)
		require.Equal(t, tc.code, resp.StatusCode)
		require.Equal(t, tc.method, resp.Header.Get("x-method"))
		require.Equal(t, tc.sent, resp.Header.Get("x-length"))
		require.Equal(t, tc.length, resp.ContentLength)
		require.Equal(t, tc.body, body(t, resp))
	}
	require.EqualValues(t, 1, c.Stats().Dials)
	require.EqualValues(t, 8, c.Stats().Reuses)
}

// A stream is handed out as it arrives: the vendor sends the next event only
// when the one before was read.
func TestReadDoesNotWaitToFill(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, serve func(http.HandlerFunc) (string, upstream.Options)) {
		t.Helper()
		next := make(chan struct{}, 1)
		base, opts := serve(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 50 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				http.NewResponseController(w).Flush()
				<-next
			}
		})
		c := newClient(t, opts)
		resp, err := c.Do(t.Context(), post(t, base, "{}"))
		require.NoError(t, err)
		require.EqualValues(t, -1, resp.ContentLength)
		buf := make([]byte, 64<<10)
		for i := range 50 {
			n, err := resp.Read(buf)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("data: %d\n\n", i), string(buf[:n]))
			next <- struct{}{}
		}
		_, err = resp.Read(buf)
		require.ErrorIs(t, err, io.EOF)
		require.EqualValues(t, 1, c.Stats().Idle, "free before Close")
		require.NoError(t, resp.Close())
		require.EqualValues(t, 1, c.Stats().Idle)
	}
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		test(t, func(h http.HandlerFunc) (string, upstream.Options) { return serve(t, h), upstream.Options{} })
	})
	t.Run("https", func(t *testing.T) {
		t.Parallel()
		test(t, func(h http.HandlerFunc) (string, upstream.Options) { return serveTLS(t, h) })
	})
}

func TestConcurrentExchanges(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // net/http drops what was not read when the answer starts
		w.Write(b)
	}
	bothSchemes(t, echo, func(t *testing.T, c *upstream.Client, base string) {
		t.Helper()
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for i := range 50 {
					want := strings.Repeat(fmt.Sprintf("%d/%d ", g, i), 1+i*40)
					resp, err := c.Do(t.Context(), post(t, base, want))
					if err != nil {
						t.Error(err)
						return
					}
					got, err := io.ReadAll(resp)
					if err != nil || string(got) != want {
						t.Errorf("%v: not the bytes that were sent", err)
					}
					resp.Close()
				}
			})
		}
		wg.Wait()
		st := c.Stats()
		require.LessOrEqual(t, st.Dials, uint64(16))
		require.EqualValues(t, 800, st.Dials+st.Reuses)
	})
}

func TestUseAfterEnd(t *testing.T) {
	t.Parallel()
	c := newClient(t, upstream.Options{})
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "0123456789") })
	first, err := c.Do(t.Context(), post(t, base, ""))
	require.NoError(t, err)
	require.Equal(t, "0123456789", body(t, first))

	second, err := c.Do(t.Context(), post(t, base, ""))
	require.NoError(t, err)
	require.EqualValues(t, 1, c.Stats().Reuses)
	_, err = first.Read(make([]byte, 10))
	require.ErrorIs(t, err, upstream.ErrClosed, "the connection is another exchange's now")
	require.NoError(t, first.Close())
	require.Equal(t, "10", first.Header.Get("content-length"), "the header stays")
	require.Equal(t, "0123456789", body(t, second))
}

func TestCloseDuringRead(t *testing.T) {
	t.Parallel()
	s := script(t, func(_ int, p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
		p.untilGone()
	})
	c := newClient(t, upstream.Options{})
	resp, err := c.Do(t.Context(), post(t, s.url, ""))
	require.NoError(t, err)
	_, err = io.ReadFull(resp, make([]byte, 5))
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		_, err := resp.Read(make([]byte, 5))
		done <- err
	}()
	eventually(t, "the read waits", resp.Reading)
	_, err = resp.Read(make([]byte, 5))
	require.ErrorIs(t, err, upstream.ErrClosed, "one reader at a time")
	require.NoError(t, resp.Close())
	require.Error(t, receive(t, done))
	_, err = resp.Read(make([]byte, 5))
	require.ErrorIs(t, err, upstream.ErrClosed)
	require.Zero(t, c.Stats().Idle)
}
