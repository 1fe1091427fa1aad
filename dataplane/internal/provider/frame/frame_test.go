package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
)

// got is a frame that outlives the next one.
type got struct{ event, data, exception string }

func readAll(src io.Reader, framing frame.Framing) (frames []got, err error) {
	r := frame.NewReader(src, framing)
	for {
		f, err := r.Next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, got{f.Event, string(f.Data), f.Exception})
	}
}

// header is one of a message of AWS.
type header struct {
	name  string
	kind  byte
	value []byte
}

func text(name, value string) header { return header{name, 7, []byte(value)} }

func message(payload string, headers ...header) []byte {
	var h []byte
	for _, x := range headers {
		h = append(append(h, byte(len(x.name))), x.name...)
		h = append(h, x.kind)
		if x.kind == 6 || x.kind == 7 {
			h = binary.BigEndian.AppendUint16(h, uint16(len(x.value)))
		}
		h = append(h, x.value...)
	}
	m := binary.BigEndian.AppendUint32(nil, uint32(16+len(h)+len(payload)))
	m = binary.BigEndian.AppendUint32(m, uint32(len(h)))
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(append(m, h...), payload...)
	return binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
}

func events() []byte {
	return bytes.Join([][]byte{
		message(`{"a":1}`, text(":event-type", "messageStart"), text(":message-type", "event")),
		message("", header{"flag", 0, nil}, header{"n", 2, []byte{1}}, header{"n", 3, make([]byte, 2)}, header{"n", 4, make([]byte, 4)}, header{"n", 5, make([]byte, 8)},
			header{"b", 6, []byte("xyz")}, header{"t", 8, make([]byte, 8)}, header{"u", 9, make([]byte, 16)}, text(":event-type", "empty")),
		message(`{"message":"slow down"}`, text(":exception-type", "throttlingException")),
		message("", text(":message-type", "error"), text(":error-code", "InternalError"), text(":error-message", "it broke")),
	}, nil)
}

func TestReader_cuts_whatever_the_reads_are(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		framing frame.Framing
		stream  string
		want    []got
	}{
		"sse": {
			frame.SSE(), ": ping\n\nevent: a\ndata: 1\n\ndata: 2\r\n\r\nid: 7\n\nevent: b\ndata: 3\ndata: 4\n\ndata: last",
			[]got{{"a", "1", ""}, {"", "2", ""}, {"b", "3\n4", ""}, {"", "last", ""}},
		},
		"lines": {frame.Lines(), "{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\":3}", []got{{"", `{"a":1}`, ""}, {"", `{"b":2}`, ""}, {"", `{"c":3}`, ""}}},
		"aws": {frame.AWS(), string(events()), []got{
			{"messageStart", `{"a":1}`, ""}, {"empty", "", ""}, {"", `{"message":"slow down"}`, "throttlingException"}, {"", "it broke", "InternalError"},
		}},
	} {
		for reads, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
		} {
			t.Run(name+" "+reads, func(t *testing.T) {
				t.Parallel()
				frames, err := readAll(wrap(strings.NewReader(c.stream)), c.framing)
				require.ErrorIs(t, err, io.EOF)
				require.Equal(t, c.want, frames)
			})
		}
	}
}

func TestReader_is_ready_while_frames_are_there(t *testing.T) {
	t.Parallel()
	r := frame.NewReader(iotest.DataErrReader(strings.NewReader("data: 1\n\ndata: 2\n\ndata: 3")), frame.SSE())
	require.False(t, r.Ready(), "nothing was read")
	for range 2 {
		_, err := r.Next()
		require.NoError(t, err)
		require.True(t, r.Ready())
	}
	_, err := r.Next()
	require.NoError(t, err)
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
}

func TestReader_is_nothing_when_closed(t *testing.T) {
	t.Parallel()
	r := frame.NewReader(strings.NewReader("event: a\ndata: 1\n\ndata: 2\n\n"), frame.SSE())
	_, err := r.Next()
	require.NoError(t, err)
	r.Close()
	r.Close()
	require.False(t, r.Ready())
	_, err = r.Next()
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF)
}

func TestReader_hands_on_what_broke_the_stream(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, framing := range []frame.Framing{frame.SSE(), frame.Lines(), frame.AWS()} {
		_, err := readAll(io.MultiReader(strings.NewReader("dat"), iotest.ErrReader(broken)), framing)
		require.ErrorIs(t, err, broken)
	}
}

func TestAWS_refuses_what_is_damaged(t *testing.T) {
	t.Parallel()
	good := message(`{"a":1}`, text(":event-type", "x"))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		frames, err := readAll(bytes.NewReader(bad), frame.AWS())
		require.Error(t, err)
		require.NotErrorIs(t, err, io.EOF, "byte %d", i)
		require.Empty(t, frames)
	}
	for _, h := range []header{{"x", 7, nil}, {"x", 10, nil}, {"x", 9, []byte("short")}} {
		m := message("", h)
		if h.kind == 7 { // a length beyond the headers
			m = reseal(m, func(b []byte) { b[15] = 0xff })
		}
		_, err := readAll(bytes.NewReader(m), frame.AWS())
		require.NotErrorIs(t, err, io.EOF)
	}
	huge := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 65<<20), 0)
	huge = binary.BigEndian.AppendUint32(huge, crc32.ChecksumIEEE(huge))
	_, err := readAll(bytes.NewReader(huge), frame.AWS())
	require.ErrorIs(t, err, frame.ErrTooLong)
}

// reseal changes a message and makes its checksum right again.
func reseal(m []byte, change func([]byte)) []byte {
	change(m)
	return binary.BigEndian.AppendUint32(m[:len(m)-4], crc32.ChecksumIEEE(m[:len(m)-4]))
}

// FuzzReader checks that no stream makes the reader panic or hand out more
// than it got, and that how the bytes arrive changes nothing.
func FuzzReader(f *testing.F) {
	f.Add([]byte("event: a\ndata: 1\n\n: x\r\ndata: 2\r\n\r\ndata"), byte(0))
	f.Add([]byte("{\"a\":1}\n\n{\"b\":2}\r\n{"), byte(1))
	f.Add(events(), byte(2))
	f.Add(events()[:40], byte(2))
	framings := []frame.Framing{frame.SSE(), frame.Lines(), frame.AWS()}
	f.Fuzz(func(t *testing.T, stream []byte, which byte) {
		framing := framings[int(which)%len(framings)]
		whole, wholeErr := readAll(bytes.NewReader(stream), framing)
		single, singleErr := readAll(iotest.OneByteReader(bytes.NewReader(stream)), framing)
		require.Equal(t, whole, single)
		require.Equal(t, wholeErr, singleErr)
		size := 0
		for _, g := range whole {
			size += len(g.data)
		}
		require.LessOrEqual(t, size, len(stream))
	})
}

// FuzzAWSHeaders gives every message the right checksums, so that its headers
// are read.
func FuzzAWSHeaders(f *testing.F) {
	f.Add([]byte("\x0b:event-type\x07\x00\x01x"), []byte(`{}`))
	f.Add([]byte("\x01x\x00\x01y\x02\x01"), []byte{})
	f.Add([]byte("\x0e:error-message\x07\xff\xffx"), []byte{})
	f.Fuzz(func(t *testing.T, headers, payload []byte) {
		m := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
		m = binary.BigEndian.AppendUint32(m, uint32(len(headers)))
		m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
		m = append(append(m, headers...), payload...)
		m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
		frames, err := readAll(bytes.NewReader(m), frame.AWS())
		if errors.Is(err, io.EOF) {
			require.Len(t, frames, 1)
			if len(payload) > 0 {
				require.Equal(t, string(payload), frames[0].data)
			}
		}
	})
}

func BenchmarkAWS(b *testing.B) {
	one := message(`{"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abcdefgh"}`, text(":event-type", "contentBlockDelta"), text(":content-type", "application/json"), text(":message-type", "event"))
	stream := bytes.Repeat(one, 50)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := frame.NewReader(bytes.NewReader(stream), frame.AWS())
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
