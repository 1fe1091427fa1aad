package awsauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	fetchTimeout = 15 * time.Second
	// metadataTimeout is short: where there is no metadata service, nobody
	// answers.
	metadataTimeout = 2 * time.Second
	maxAnswer       = 256 << 10
)

// request is one question about credentials.
type request struct {
	method  string
	url     string
	fields  []upstream.Field
	body    []byte
	timeout time.Duration
}

// ask sends a question and returns the answer, whatever its status.
func ask(ctx context.Context, doer Doer, q request) (status int, body []byte, err error) {
	target, err := upstream.ParseTarget(q.url)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	resp, err := doer.Do(ctx, &upstream.Request{
		Method: q.method, Target: target, Fields: q.fields, Body: [][]byte{q.body}, HeaderTimeout: q.timeout, IdleTimeout: q.timeout,
	})
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, err
	case len(body) > maxAnswer:
		return 0, nil, errors.New("the answer is too long")
	}
	return resp.StatusCode, body, nil
}

// askOK is ask for services whose refusals need no reading.
func askOK(ctx context.Context, doer Doer, q request) ([]byte, error) {
	status, body, err := ask(ctx, doer, q)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d", status)
	}
	return body, nil
}
