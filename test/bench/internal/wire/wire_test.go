package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/wire"
)

func TestParseHead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       wire.Head
		complete   bool
	}{
		{"response", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbody", wire.Head{Status: 200, Size: 39, Length: 12}, true},
		{"chunked", "HTTP/1.1 401 Unauthorized\r\ntransfer-encoding: Chunked\r\n\r\n", wire.Head{Status: 401, Size: 57, Length: -1, Chunked: true}, true},
		{"request", "POST / HTTP/1.1\r\nHost: a\r\nCONTENT-LENGTH:7\r\n\r\n", wire.Head{Size: 46, Length: 7}, true},
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", wire.Head{Status: 200, Size: 38, Length: -1, Close: true}, true},
		{"incomplete", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n", wire.Head{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, complete, err := wire.ParseHead([]byte(test.text))
			require.NoError(t, err)
			require.Equal(t, test.complete, complete)
			require.Equal(t, test.want, got)
		})
	}
}

func TestParseHead_refuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no status":       "HTTP/1.1 \r\n\r\n",
		"word as status":  "HTTP/1.1 abc OK\r\n\r\n",
		"negative length": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"huge length":     "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"other coding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"no colon":        "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"endless":         strings.Repeat("x", wire.MaxHead+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := wire.ParseHead([]byte(text))
			require.ErrorIs(t, err, wire.ErrHead)
		})
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		head wire.Head
		text string
		want int // bytes of text that belong to the body
	}{
		{"length", wire.Head{Status: 200, Length: 4}, "bodyNEXT", 4},
		{"empty", wire.Head{Status: 200}, "NEXT", 0},
		{"request without length", wire.Head{Length: -1}, "NEXT", 0},
		{"chunks", wire.Head{Status: 200, Length: -1, Chunked: true}, "4\r\nbody\r\nA\r\n0123456789\r\n0\r\n\r\nNEXT", 29},
		{"extension", wire.Head{Status: 200, Length: -1, Chunked: true}, "4;a=b\r\nbody\r\n0\r\n\r\nNEXT", 18},
		{"trailer", wire.Head{Status: 200, Length: -1, Chunked: true}, "1\r\nx\r\n0\r\nDigest: y\r\n\r\nNEXT", 22},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for step := 1; step <= len(test.text); step++ {
				var b wire.Body
				require.NoError(t, b.Begin(test.head))
				require.Equal(t, test.want, feed(t, &b, test.text, step), "in parts of %d", step)
				require.True(t, b.Done())
			}
		})
	}
}

// feed gives text to b in parts and returns how much of it b took.
func feed(t *testing.T, b *wire.Body, text string, step int) int {
	t.Helper()
	taken := 0
	for len(text) > 0 && !b.Done() {
		part := text[:min(step, len(text))]
		n, err := b.Feed([]byte(part))
		require.NoError(t, err)
		if n < len(part) {
			require.True(t, b.Done())
		}
		taken += n
		text = text[len(part):]
	}
	return taken
}

func TestBody_is_not_done_early(t *testing.T) {
	t.Parallel()
	const text = "4\r\nbody\r\n0\r\nDigest: y\r\n\r\n"
	for cut := range len(text) {
		var b wire.Body
		require.NoError(t, b.Begin(wire.Head{Status: 200, Chunked: true}))
		n, err := b.Feed([]byte(text[:cut]))
		require.NoError(t, err)
		require.Equal(t, cut, n)
		require.False(t, b.Done(), "after %q", text[:cut])
	}
}

func TestBody_refuses(t *testing.T) {
	t.Parallel()
	var b wire.Body
	require.ErrorIs(t, b.Begin(wire.Head{Status: 200, Length: -1}), wire.ErrBody)
	for _, text := range []string{"x\r\n", "\r\n", "1\r\nab", "1\rx", "0123456789abcdef0\r\n"} {
		require.NoError(t, b.Begin(wire.Head{Status: 200, Chunked: true}))
		_, err := b.Feed([]byte(text))
		require.ErrorIs(t, err, wire.ErrBody, "%q", text)
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbody"))
	f.Add([]byte("POST /v1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 \r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, complete, err := wire.ParseHead(b)
		if err != nil || !complete {
			return
		}
		require.LessOrEqual(t, h.Size, len(b))
		require.GreaterOrEqual(t, h.Length, int64(-1))
		again, complete, err := wire.ParseHead(b[:h.Size])
		require.NoError(t, err)
		require.True(t, complete)
		require.Equal(t, h, again)
	})
}

func FuzzBody(f *testing.F) {
	f.Add([]byte("4\r\nbody\r\n0\r\n\r\nNEXT"), 3)
	f.Add([]byte("fffffffffffffff\r\nx"), 1)
	f.Add([]byte("1;x\r\nab\r\n0\r\na:b\r\n\r\n"), 2)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if cut < 0 || cut > len(b) {
			return
		}
		head := wire.Head{Status: 200, Length: -1, Chunked: true}
		var whole, parts wire.Body
		require.NoError(t, whole.Begin(head))
		require.NoError(t, parts.Begin(head))
		n, wholeErr := whole.Feed(b)
		first, partErr := parts.Feed(b[:cut])
		second := 0
		if partErr == nil && first == cut {
			second, partErr = parts.Feed(b[cut:])
		}
		require.Equal(t, wholeErr, partErr)
		require.Equal(t, n, first+second)
		require.Equal(t, whole.Done(), parts.Done())
	})
}
