package measure

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

const (
	// cacheKeyHeader is in the answers that come out of the cache.
	cacheKeyHeader = "X-Tianji-Cache-Key"
	maxAnswer      = 1 << 20
)

// asked is how a target is asked in a scenario: who passes bytes on gets those
// that the vendor is to get.
func asked(scenario *Load, t *lab.Target) payload.Kind {
	if t.Name == lab.DataPlaneName {
		return scenario.Kind
	}
	return scenario.Kind.Untranslated()
}

// rightAnswers waits until each target gives the right answer: a wrong one
// would be measured all the same.
func (r *runner) rightAnswers(ctx context.Context, scenario *Load) error {
	for _, t := range r.targets {
		if err := r.rightAnswer(ctx, scenario, t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func (r *runner) rightAnswer(ctx context.Context, scenario *Load, t *lab.Target) error {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	kind := asked(scenario, t)
	request := kind.Request(t.Addr, r.key)
	var last error
	for {
		a, err := ask(ctx, t.Addr, request)
		if err == nil {
			if a.status == http.StatusOK && !a.hit {
				r.count(t, 1)
			}
			err = a.check(&kind, t.Name == lab.DataPlaneName)
		}
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // the end of our patience tells nothing
			last = err
		}
		if !lifecycle.Sleep(ctx, servePoll) {
			return fmt.Errorf("%w: last answer: %w", context.Cause(ctx), last)
		}
	}
}

// whole is an answer with its body.
type whole struct {
	status int
	hit    bool // out of the cache
	body   []byte
}

// ask calls once, over a connection of its own.
func ask(ctx context.Context, addr string, request []byte) (whole, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return whole{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(request); err != nil {
		return whole{}, fmt.Errorf("send request: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return whole{}, fmt.Errorf("read answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return whole{}, fmt.Errorf("read answer: %w", err)
	}
	return whole{status: resp.StatusCode, hit: resp.Header.Get(cacheKeyHeader) != "", body: b}, nil
}

var errMiss = errors.New("the answer is not out of the cache")

func (a *whole) check(kind *payload.Kind, caches bool) error {
	if a.status != http.StatusOK {
		const enough = 300
		return fmt.Errorf("status %d: %s", a.status, bytes.TrimSpace(a.body[:min(len(a.body), enough)]))
	}
	if kind.Cached && caches && !a.hit {
		return errMiss
	}
	return kind.Check(a.body)
}
