// Package load calls a target as many times as it can or as often as it is
// told, and measures each call. It speaks HTTP/1.1 over connections that stay
// open, with one goroutine a connection and no allocation a call. Every
// goroutine ends before the function returns that started it.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/wire"
)

const (
	bufferSize = 64 << 10
	// patience bounds the silence of a target.
	patience = 30 * time.Second
)

// Answer is what became of a call.
type Answer struct {
	Status int
	// Took is the time from before the call was written until its last byte came.
	Took time.Duration
	// Delay is the time on the way of a stream's first event, 0 without a stamp.
	Delay time.Duration
}

// Conn is a connection to a target. One goroutine may use it at a time.
type Conn struct {
	raw    net.Conn
	buf    []byte
	body   wire.Body
	answer Answer
	begin  time.Time
	// guard moves the deadline on rarely: setting it for each call costs.
	guard time.Time
}

// Dial connects to addr.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to target: %w", err)
	}
	return &Conn{raw: raw, buf: make([]byte, bufferSize)}, nil
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.raw.Close() }

// Do sends a request and reads its whole answer.
func (c *Conn) Do(request []byte) (Answer, error) {
	if err := c.Open(request); err != nil {
		return c.answer, err
	}
	for !c.body.Done() {
		n, err := c.raw.Read(c.buf)
		if err != nil {
			return c.answer, fmt.Errorf("read answer: %w", noEOF(err))
		}
		if err := c.feed(c.buf[:n]); err != nil {
			return c.answer, err
		}
	}
	c.answer.Took = time.Since(c.begin)
	return c.answer, nil
}

// Open sends a request and reads the first bytes of its answer's body. The
// rest is left to the target: close the connection.
func (c *Conn) Open(request []byte) error {
	c.begin = time.Now()
	if err := c.extend(); err != nil {
		return err
	}
	c.answer = Answer{}
	if _, err := c.raw.Write(request); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	have := 0
	for {
		n, err := c.raw.Read(c.buf[have:])
		if err != nil {
			return fmt.Errorf("read answer: %w", noEOF(err))
		}
		have += n
		head, ok, err := wire.ParseHead(c.buf[:have])
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if head.Close {
			return errors.New("the target closes its connections: it must keep them")
		}
		c.answer.Status = head.Status
		if err := c.body.Begin(head); err != nil {
			return err
		}
		return c.first(c.buf[head.Size:have])
	}
}

// first takes the body bytes that came with the head, or waits for some.
func (c *Conn) first(part []byte) error {
	if len(part) == 0 && !c.body.Done() {
		n, err := c.raw.Read(c.buf)
		if err != nil {
			return fmt.Errorf("read answer: %w", noEOF(err))
		}
		part = c.buf[:n]
	}
	if sent, ok := payload.Stamp(part); ok {
		c.answer.Delay = time.Since(sent)
	}
	return c.feed(part)
}

func (c *Conn) feed(p []byte) error {
	n, err := c.body.Feed(p)
	if err != nil {
		return err
	}
	if n < len(p) {
		return errors.New("the target sent more than one answer")
	}
	return nil
}

func (c *Conn) extend() error {
	if c.begin.Before(c.guard) {
		return nil
	}
	c.guard = c.begin.Add(patience)
	if err := c.raw.SetDeadline(c.begin.Add(2 * patience)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
