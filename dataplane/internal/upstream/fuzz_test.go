package upstream_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// FuzzHead holds that what we accept net/http accepts too, with the same
// meaning: being stricter is fine, being laxer or of another mind is not.
func FuzzHead(f *testing.F) {
	ok := "HTTP/1.1 200 OK\r\n"
	for _, seed := range []string{
		"", "\r\n\r\n", ok, ok + "\r\n", "HTTP/1.0 404 Not Found\r\n\r\n", "HTTP/1.1 429\n\n",
		ok + "Content-Length: 5\r\n\r\nhello", ok + "Content-Length: 5\r\ncontent-length:  5\t\r\n\r\nhello",
		ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ok + "Transfer-Encoding: CHUNKED\r\nContent-Length: 3\r\n\r\n",
		ok + "X-A: 1\r\n 2\r\n\r\n", ok + "X-A : 1\r\n\r\n", ok + ": 1\r\n\r\n", ok + "a:\r\n\r\n", ok + "X: a\rb\r\n\r\n", ok + "X: \xff\r\n\r\n",
		ok + "Content-Length: 18446744073709551616\r\n\r\n", ok + "Content-Length: -1\r\n\r\n", "HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n",
		"HTTP/1.1 200\tOK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", ok + "\n\r\n", ok + "\r\r\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, headOnly bool) {
		method := "POST"
		if headOnly {
			method = "HEAD"
		}
		ours, rest, complete, err := upstream.ScanHead(b, method)
		for _, n := range []int{1, 7} {
			require.Equal(t, complete, upstream.ScanHeadEnd(b, n) > 0)
		}
		if !complete || err != nil {
			return
		}
		require.Equal(t, len(b)-len(rest), upstream.ScanHeadEnd(b, 1))
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), &http.Request{Method: method})
		require.NoError(t, err, "accepted, but net/http refuses")
		require.Equal(t, theirs.StatusCode, ours.Status)
		count := 0
		for name, values := range theirs.Header {
			require.Equal(t, values, canonical(ours.Header, name))
			count += len(values)
		}
		for _, fd := range ours.Header {
			require.NotContains(t, fd.Name+fd.Value, "\r")
			require.NotContains(t, fd.Name+fd.Value, "\n")
			if name := textproto.CanonicalMIMEHeaderKey(fd.Name); theirs.Header[name] == nil {
				require.Contains(t, []string{"Transfer-Encoding", "Content-Length", "Trailer"}, name, "lost by net/http")
			}
		}
		sameFraming(t, ours, theirs, strings.HasPrefix(string(b), "HTTP/1.0"))
	})
}

func canonical(h upstream.Header, name string) []string {
	var vs []string
	for _, f := range h {
		if textproto.CanonicalMIMEHeaderKey(f.Name) == name {
			vs = append(vs, f.Value)
		}
	}
	if name == "Content-Length" && len(vs) > 1 {
		return vs[:1] // net/http folds equal ones
	}
	return vs
}

func sameFraming(t *testing.T, ours upstream.ParsedHead, theirs *http.Response, old bool) {
	t.Helper()
	if old && ours.Header.Get("Transfer-Encoding") != "" {
		return // net/http ignores the coding in HTTP/1.0; RFC 9112, 6.1 does not
	}
	if ours.Status/100 == 1 {
		return // skipped by the client before it comes to framing
	}
	want := "close"
	switch {
	case theirs.Body == http.NoBody:
		want = "none"
	case len(theirs.TransferEncoding) > 0:
		want = "chunked"
	case theirs.ContentLength >= 0:
		want = "length"
	}
	require.Equal(t, want, ours.Kind)
	require.Equal(t, theirs.ContentLength, ours.Length)
}

// FuzzChunked holds that the split of input and output does not matter, and
// that what we accept net/http decodes to the same bytes.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0;x\r\nX: 1\r\n\r\nrest", "5  \r\nhello\r\n0\r\n\r\n",
		"05\r\nhello\r\n00\r\n\r\n", "5\nhello\n0\n\n", "5\r\nhello0\r\n\r\n", "ffffffffffffffff\r\n", "7fffffffffffffff\r\nx", "x\r\n",
		"1;" + strings.Repeat("x", 3000) + "\r\n", strings.Repeat("1\r\nx\r\n", 100) + "0\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\n: 1\r\n\r\n",
		"5 ;a\r\nhello\r\n0\r\n\r\n", "1\r\n\r\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed), uint8(3), uint8(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, n, m uint8) {
		data, used, done, err := upstream.DecodeChunked(b, len(b)+1, len(b)+1)
		data2, used2, done2, err2 := upstream.DecodeChunked(b, int(n)+1, int(m)+1)
		require.Equal(t, string(data), string(data2))
		require.Equal(t, done, done2)
		require.Equal(t, err == nil, err2 == nil)
		require.LessOrEqual(t, used, len(b))
		if err == nil {
			require.Equal(t, used, used2)
		}
		if !done {
			return
		}
		require.NoError(t, err)
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b[:used])))
		if errors.Is(err, http.ErrLineTooLong) || paddedExtension(b) {
			return
		}
		require.NoError(t, err, "accepted, but net/http refuses")
		require.Equal(t, string(theirs), string(data))
	})
}

// paddedExtension tells the one thing we take and net/http does not: a space
// between size and extension, which RFC 9112, section 7.1.1 tells recipients to
// bear with.
func paddedExtension(b []byte) bool {
	return bytes.Contains(b, []byte(" ;")) || bytes.Contains(b, []byte("\t;"))
}
