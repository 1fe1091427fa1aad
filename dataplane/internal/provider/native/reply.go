package native

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// reply is a vendor's response as it came.
type reply struct{ resp *upstream.Response }

func (r reply) Read(p []byte) (int, error) { return r.resp.Read(p) }
func (r reply) Close() error               { return r.resp.Close() }
func (r reply) Status() int                { return r.resp.StatusCode }
func (r reply) Header(name string) string  { return r.resp.Header.Get(name) }
func (r reply) ContentLength() int64       { return r.resp.ContentLength }

// whole is a translated answer.
type whole struct {
	*bytes.Reader

	length int64
	header upstream.Header
}

func (w *whole) Close() error         { return nil }
func (w *whole) Status() int          { return http.StatusOK }
func (w *whole) ContentLength() int64 { return w.length }

func (w *whole) Header(name string) string {
	if strings.EqualFold(name, "Content-Type") {
		return "application/json"
	}
	return w.header.Get(name)
}

// stream decodes a vendor's stream.
type stream struct {
	resp    *upstream.Response
	frames  *frame.Reader
	decoder Decoder
	frame   int
	ended   bool
}

func (s *stream) Ready() bool { return s.frames.Ready() }

func (s *stream) Close() error {
	s.frames.Close()
	return s.resp.Close()
}

func (s *stream) Next(c *chat.Chunk) error {
	for {
		f, err := s.frames.Next()
		if err != nil {
			return s.end(err, c)
		}
		s.frame++
		c.Reset()
		if err := s.decoder.Frame(f, c); err != nil {
			if _, ok := err.(*provider.Failure); ok { //nolint:errorlint // codecs return it as it is
				return err
			}
			return provider.BadAnswer("the stream is not what the provider documents", err)
		}
		if len(c.Deltas) > 0 || c.HasUsage {
			return nil
		}
		if !s.frames.Ready() && s.frame == 1 {
			return nil // an empty chunk: the stream has begun
		}
	}
}

// end says whether a stream that ended was at its end.
func (s *stream) end(err error, c *chat.Chunk) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case !s.decoder.Done() && s.frame == 0:
		return provider.BadAnswer("the stream ended before its first event", nil)
	case !s.decoder.Done():
		return io.ErrUnexpectedEOF
	}
	if e, ok := s.decoder.(Ender); ok && !s.ended {
		s.ended = true
		c.Reset()
		if e.End(c); len(c.Deltas) > 0 || c.HasUsage {
			return nil
		}
	}
	return io.EOF
}
