package upstream_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestAcceptedResponses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, raw, body string
		status          int
		length          int64
		kept            bool // the connection serves the next exchange too
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, true},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, 0, true},
		{"same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length:5 \r\n\r\nhello", "hello", 200, 5, true},
		{"chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nhe\r\n03;x=\"y\"\r\nllo\r\n0\r\nX-T: 1\r\n\r\n", "hello", 200, -1, true},
		{"padded size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n", "hello", 200, -1, true},
		{"chunked and length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", 200, -1, false},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", 200, -1, false},
		{"http 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, false},
		{"http 1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, false},
		{"connection close", "HTTP/1.1 200 OK\r\nConnection: x , Close\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, false},
		{"no reason", "HTTP/1.1 429\r\nContent-Length: 5\r\n\r\nhello", "hello", 429, 5, true},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello", 200, 5, true},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, true},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, 0, true},
		{"no content, length besides", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "", 204, 0, true},
		{"bytes after the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", "hello", 200, 5, false},
		{"bytes after no body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", "", 304, 0, false},
		{"bytes after the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n!", "hello", 200, -1, false},
		{"latin 1 value", "HTTP/1.1 200 \xd6K\r\nX: \xe4\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, func(_ int, p *peer) {
				for p.request() != nil {
					p.say(tc.raw)
					if !tc.kept {
						return
					}
				}
			})
			c := newClient(t, upstream.Options{})
			for range 2 {
				resp, err := c.Do(t.Context(), post(t, s.url, "{}"))
				require.NoError(t, err)
				require.Equal(t, tc.status, resp.StatusCode)
				require.Equal(t, tc.length, resp.ContentLength)
				require.Equal(t, tc.body, body(t, resp))
			}
			require.Equal(t, tc.kept, c.Stats().Reuses == 1)
			require.Equal(t, tc.kept, c.Stats().Idle == 1)
		})
	}
}

func TestRefusedHeads(t *testing.T) {
	t.Parallel()
	ok := "HTTP/1.1 200 OK\r\n"
	for name, raw := range map[string]string{
		"not http":           "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"http 2":             "HTTP/2.0 200 OK\r\n\r\n",
		"http 1.2":           "HTTP/1.2 200 OK\r\n\r\n",
		"lower case":         "http/1.1 200 OK\r\n\r\n",
		"status of letters":  "HTTP/1.1 2oo OK\r\n\r\n",
		"status too short":   "HTTP/1.1 20 OK\r\n\r\n",
		"status too long":    "HTTP/1.1 2000 OK\r\n\r\n",
		"status 0":           "HTTP/1.1 000 OK\r\n\r\n",
		"two spaces":         "HTTP/1.1  200 OK\r\n\r\n",
		"empty first line":   "\r\nHTTP/1.1 200 OK\r\n\r\n",
		"nul in reason":      "HTTP/1.1 200 O\x00K\r\n\r\n",
		"folded line":        ok + "X-A: 1\r\n 2\r\n\r\n",
		"folded first line":  ok + " X-A: 1\r\n\r\n",
		"no colon":           ok + "X-A\r\n\r\n",
		"space before colon": ok + "X-A : 1\r\n\r\n",
		"empty name":         ok + ": 1\r\n\r\n",
		"control in value":   ok + "X-A: 1\x002\r\n\r\n",
		"bare cr in value":   ok + "X-A: 1\r2\r\n\r\n",
		"bare cr line":       ok + "X-A: 1\r\r\n\r\n",
		"two lengths":        ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"list of lengths":    ok + "Content-Length: 5, 5\r\n\r\nhello",
		"negative length":    ok + "Content-Length: -5\r\n\r\nhello",
		"signed length":      ok + "Content-Length: +5\r\n\r\nhello",
		"hex length":         ok + "Content-Length: 0x5\r\n\r\nhello",
		"empty length":       ok + "Content-Length:\r\n\r\nhello",
		"length too big":     ok + "Content-Length: 9223372036854775808\r\n\r\nhello",
		"other coding":       ok + "Transfer-Encoding: gzip\r\n\r\nhello",
		"list of codings":    ok + "Transfer-Encoding: gzip, chunked\r\n\r\nhello",
		"chunked twice":      ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"identity":           ok + "Transfer-Encoding: identity\r\n\r\nhello",
		"interim for ever":   strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 9) + ok + "\r\n",
		"malformed interim":  "HTTP/1.1 1xx Continue\r\n\r\n" + ok + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, answering(raw))
			c := newClient(t, upstream.Options{})
			_, err := c.Do(t.Context(), post(t, s.url, "{}"))
			require.ErrorIs(t, err, upstream.ErrMalformed)
			require.Equal(t, upstream.OpHead, opOf(t, err))
			st := c.Stats()
			require.EqualValues(t, 1, st.Dials, "an answer nobody understands is not asked for again")
			require.Zero(t, st.Idle)
		})
	}
}

func TestUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	s := script(t, answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"))
	_, err := newClient(t, upstream.Options{}).Do(t.Context(), post(t, s.url, "{}"))
	require.ErrorIs(t, err, upstream.ErrUpgrade)
}

func TestHeadSize(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{300, 4096, 5000, 64 << 10} {
		for _, tc := range []struct {
			size int
			ok   bool
		}{{limit, true}, {limit + 1, false}, {limit * 3, false}} {
			start, end := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Pad: ", "\r\n\r\n"
			raw := start + strings.Repeat("x", tc.size-len(start)-len(end)) + end + "hello"
			s := script(t, answering(raw))
			c := newClient(t, upstream.Options{MaxHeaderBytes: limit})
			for range 2 {
				resp, err := c.Do(t.Context(), post(t, s.url, "{}"))
				if !tc.ok {
					require.ErrorIs(t, err, upstream.ErrHeadTooLong, "%d of %d", tc.size, limit)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, "hello", body(t, resp))
			}
		}
	}
}

// Interim responses use up the same bytes.
func TestHeadSizeCountsInterim(t *testing.T) {
	t.Parallel()
	hint := "HTTP/1.1 103 Early Hints\r\nX: " + strings.Repeat("x", 100) + "\r\n\r\n"
	s := script(t, answering(strings.Repeat(hint, 5)+"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	_, err := newClient(t, upstream.Options{MaxHeaderBytes: 500}).Do(t.Context(), post(t, s.url, "{}"))
	require.ErrorIs(t, err, upstream.ErrHeadTooLong)
	require.Empty(t, call(t, newClient(t, upstream.Options{MaxHeaderBytes: 1000}), post(t, s.url, "{}")))
}

func TestEndlessHead(t *testing.T) {
	t.Parallel()
	s := script(t, func(_ int, p *peer) {
		p.request()
		for {
			if _, err := io.WriteString(p.Conn, strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	})
	_, err := newClient(t, upstream.Options{}).Do(t.Context(), post(t, s.url, "{}"))
	require.ErrorIs(t, err, upstream.ErrHeadTooLong)
}

func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, tc := range map[string]struct {
		raw  string
		want error
	}{
		"length":             {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", io.ErrUnexpectedEOF},
		"length, big":        {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello", io.ErrUnexpectedEOF},
		"between chunks":     {chunked + "5\r\nhello\r\n", io.ErrUnexpectedEOF},
		"in a chunk":         {chunked + "9\r\nhello", io.ErrUnexpectedEOF},
		"in a size":          {chunked + "5\r\nhello\r\n5", io.ErrUnexpectedEOF},
		"in the trailer":     {chunked + "5\r\nhello\r\n0\r\nX: 1\r\n", io.ErrUnexpectedEOF},
		"before the end":     {chunked + "5\r\nhello\r\n0\r\n", io.ErrUnexpectedEOF},
		"chunk too long":     {chunked + "4\r\nhello\r\n0\r\n\r\n", upstream.ErrMalformed},
		"half a line end":    {chunked + "5\r\nhello\r0\r\n\r\n", upstream.ErrMalformed},
		"size of letters":    {chunked + "5\r\nhello\r\nxyz\r\n", upstream.ErrMalformed},
		"negative size":      {chunked + "5\r\nhello\r\n-1\r\n", upstream.ErrMalformed},
		"prefixed size":      {chunked + "5\r\nhello\r\n0x5\r\n", upstream.ErrMalformed},
		"empty size":         {chunked + "5\r\nhello\r\n\r\n", upstream.ErrMalformed},
		"space first":        {chunked + "5\r\nhello\r\n 5\r\n", upstream.ErrMalformed},
		"size too big":       {chunked + "5\r\nhello\r\n8000000000000000\r\n", upstream.ErrMalformed},
		"size overflows":     {chunked + "5\r\nhello\r\n10000000000000005\r\nhello\r\n", upstream.ErrMalformed},
		"bare line feed":     {chunked + "5\r\nhello\r\n5\nhello\r\n0\r\n\r\n", upstream.ErrMalformed},
		"bare cr in ext":     {chunked + "5\r\nhello\r\n5;\r\r\nhello", upstream.ErrMalformed},
		"extension too long": {chunked + "5\r\nhello\r\n5;" + strings.Repeat("x", 5000) + "\r\n", upstream.ErrMalformed},
		"only framing":       {chunked + "5\r\nhello\r\n" + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\nx\r\n", 40), upstream.ErrMalformed},
		"trailer line":       {chunked + "5\r\nhello\r\n0\r\nX\r\n\r\n", upstream.ErrMalformed},
		"trailer too long":   {chunked + "5\r\nhello\r\n0\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 40), upstream.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, func(_ int, p *peer) {
				p.request()
				p.say(tc.raw)
			})
			c := newClient(t, upstream.Options{})
			resp, err := c.Do(t.Context(), post(t, s.url, "{}"))
			require.NoError(t, err)
			got, err := io.ReadAll(resp)
			require.ErrorIs(t, err, tc.want)
			require.Equal(t, upstream.OpBody, opOf(t, err))
			if len(got) > 0 {
				require.Contains(t, "hello"+strings.Repeat("x", 40), string(got), "what came is handed out first")
			}
			_, again := resp.Read(make([]byte, 1))
			require.Equal(t, err, again, "a failed body stays failed")
			require.NoError(t, resp.Close())
			require.Zero(t, c.Stats().Idle)
		})
	}
}

func TestTruncatedHead(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "H", "HTTP/1.1 200 OK\r\nX: 1\r\n"} {
		s := script(t, func(_ int, p *peer) {
			p.request()
			p.say(raw)
		})
		c := newClient(t, upstream.Options{})
		_, err := c.Do(t.Context(), post(t, s.url, "{}"))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, upstream.OpHead, opOf(t, err))
		require.EqualValues(t, 1, c.Stats().Dials, "a fresh connection is not tried twice")
	}
}

// However the network cuts a response up, and however it is read, the result
// is the same.
func TestSplitsDoNotMatter(t *testing.T) {
	t.Parallel()
	text := string(pattern(9000))
	var chunks strings.Builder
	for i, size := 0, 1; i < len(text); i, size = i+size, size*3+1 {
		end := min(i+size, len(text))
		fmt.Fprintf(&chunks, "%x;n=%d\r\n%s\r\n", end-i, i, text[i:end])
	}
	for name, raw := range map[string]string{
		"length":  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 9000\r\n\r\n" + text,
		"chunked": "HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\nX-T: 1\r\n\r\n",
		"close":   "HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n" + text,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeds := make(chan uint64, 1)
			s := script(t, func(_ int, p *peer) {
				for p.request() != nil {
					rnd := rand.New(rand.NewPCG(<-seeds, 1))
					for rest := raw; rest != ""; {
						n := 1 + rnd.IntN(min(len(rest), []int{2, 30, 3000}[rnd.IntN(3)]))
						p.say(rest[:n])
						rest = rest[n:]
					}
					if name == "close" {
						return
					}
				}
			})
			c := newClient(t, upstream.Options{})
			for seed := range uint64(30) {
				seeds <- seed
				rnd := rand.New(rand.NewPCG(seed, 2))
				resp, err := c.Do(t.Context(), post(t, s.url, "{}"))
				require.NoError(t, err)
				require.Equal(t, "b", resp.Header.Get("X-A"))
				var got []byte
				for buf := make([]byte, 10_000); ; {
					n, err := resp.Read(buf[:1+rnd.IntN([]int{1, 100, 10_000}[rnd.IntN(3)])])
					got = append(got, buf[:n]...)
					if errors.Is(err, io.EOF) {
						break
					}
					require.NoError(t, err)
				}
				require.Equal(t, text, string(got), "seed %d", seed)
				require.NoError(t, resp.Close())
			}
			if name != "close" {
				require.EqualValues(t, 1, c.Stats().Dials)
			}
		})
	}
}
