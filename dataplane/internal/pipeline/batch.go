package pipeline

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Bounds of a batch, which are OpenAI's:
// https://platform.openai.com/docs/guides/batch
const (
	maxBatchLines = 50_000
	maxBatchBytes = 200 << 20
	maxBatchLine  = 4 << 20
	batchTimeout  = 60 * time.Second
)

// batch is what the requests inside a batch are expected to use.
type batch struct {
	requests, tokens int64
	models           map[string]struct{}
}

// cost is what a batch reserves: every request in it, and their tokens. What it
// costs is not known before it is done.
func (b *batch) cost() quota.Cost {
	return quota.Cost{Requests: b.requests, Tokens: b.tokens, Nano: leastPrice}
}

// weighBatch counts what is inside a batch that is about to be submitted, so
// that it is held to all limits as a whole. It reads the batch's file from the
// vendor who keeps it.
func (x *exchange) weighBatch(f provider.Forwarder) error {
	if x.master || x.r.Method != http.MethodPost || x.endpoint.Name != "/batches" && x.endpoint.Name != "/v1/messages/batches" {
		return nil
	}
	if matters, err := x.batchMatters(); err != nil || !matters {
		return err
	}
	b := &batch{models: map[string]struct{}{}}
	switch x.endpoint.Name {
	case "/batches":
		file := splice.Text(x.call.Lookup("input_file_id"))
		if file == "" {
			return nil // the vendor says what is missing
		}
		if err := x.weighFile(f, b, file); err != nil {
			return err
		}
	case "/v1/messages/batches":
		list := x.call.Lookup("requests")
		if list == nil {
			return nil // a cancellation, or nothing that the vendor takes
		}
		requests, _ := splice.Elements(list)
		if len(requests) > maxBatchLines {
			return tooLargeBatch()
		}
		for _, r := range requests {
			b.add(jsonx.Lookup(r, "params").Of(r))
		}
	}
	for model := range b.models {
		if err := x.mayPass(model, x.deployment.Provider); err != nil {
			return apierr.New(http.StatusForbidden, apierr.TypeInvalidRequest,
				"Batch input file references a model the caller is not authorized to use: model=%.128s", model)
		}
	}
	if !x.state.held.settings.FreeBatches {
		x.account.batch = b
	}
	return nil
}

// batchMatters reports whether anything depends on what is inside a batch: there
// are models that the caller may not use, or limits of requests or tokens.
func (x *exchange) batchMatters() (bool, error) {
	if x.restricted() {
		return true, nil
	}
	if x.p.opts.Quota == nil || x.state.held.settings.FreeBatches {
		return false, nil
	}
	if err := x.demand(); err != nil {
		return false, err
	}
	defer func() { x.account.demands = x.account.demands[:0] }()
	return slices.ContainsFunc(x.account.demands, func(d quota.Demand) bool {
		return d.Limit.Unit == limits.Requests || d.Limit.Unit == limits.Tokens
	}), nil
}

// add counts one request by its body.
func (b *batch) add(body []byte) {
	b.requests++
	if model := splice.Text(jsonx.Lookup(body, "model").Of(body)); model != "" && len(model) <= maxClientText {
		b.models[model] = struct{}{}
	}
	b.tokens += max(1, int64(len(body))/bytesPerToken)
}

// weighFile reads the file of a batch and counts its lines. Only the counts are
// kept.
func (x *exchange) weighFile(f provider.Forwarder, b *batch, file string) error {
	reply, err := f.Forward(x.r.Context(), &provider.Forward{
		Method: http.MethodGet, Path: contentPath(x.passage.Path, file), Timeout: batchTimeout,
	})
	if err != nil {
		if x.r.Context().Err() != nil {
			return errClientGone
		}
		failure := x.understandFailure(err)
		return failure.public(x.deployment.Provider)
	}
	defer func() { _ = reply.Close() }()
	switch status := reply.Status(); {
	case status == http.StatusNotFound:
		return apierr.BadRequest("Batch input file not found: %.128s", file)
	case status >= http.StatusBadRequest:
		return apierr.New(http.StatusBadGateway, apierr.TypeUnavailable, "The batch's input file can not be read: the provider answers with status %d", status)
	}
	err = b.read(reply)
	switch {
	case errors.Is(err, errBatchTooLarge):
		return tooLargeBatch()
	case err != nil:
		return apierr.New(http.StatusBadGateway, apierr.TypeUnavailable, "The batch's input file could not be read to its end").Because(err)
	}
	return nil
}

// contentPath is where the vendor of a batch has the content of a file: beside
// its batches.
func contentPath(batches, file string) string {
	path, query, found := strings.Cut(batches, "?")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), "/batches") + "/files/" + url.PathEscape(file) + "/content"
	if found {
		path += "?" + query
	}
	return path
}

var errBatchTooLarge = errors.New("larger than a batch may be")

func tooLargeBatch() *apierr.Error {
	return apierr.BadRequest("The batch is too large: at most %d requests and %d MB", maxBatchLines, maxBatchBytes>>20)
}

// read counts the lines of a file, whose bodies are requests.
func (b *batch) read(r io.Reader) error {
	lines := bufio.NewScanner(io.LimitReader(r, maxBatchBytes+1))
	lines.Buffer(make([]byte, 0, smallBuffer), maxBatchLine)
	total := 0
	for lines.Scan() {
		line := lines.Bytes()
		if total += len(line) + 1; total > maxBatchBytes {
			return errBatchTooLarge
		}
		if len(line) == 0 {
			continue
		}
		if b.requests == maxBatchLines {
			return errBatchTooLarge
		}
		b.add(jsonx.Lookup(line, "body").Of(line))
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return errBatchTooLarge
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read a batch: %w", err)
	}
	return nil
}

// demandBatch makes demands of what is larger than a window either span several
// windows, or fail for that reason.
func (x *exchange) demandBatch() error {
	b, cost := x.account.batch, x.account.batch.cost()
	for i := range x.account.demands {
		d := &x.account.demands[i]
		n := cost.Requests
		switch d.Limit.Unit {
		case limits.Requests:
		case limits.Tokens:
			n = cost.Tokens
		case limits.Money, limits.Parallel:
			continue
		}
		if x.state.held.settings.SplitBatches {
			d.Spread = true
		} else if most := d.Limit.Ceiling(x.start.Unix()); n > most && !d.Track {
			return x.batchRefused(&quota.Refusal{Limit: d.Limit, Max: most, Remaining: most}, b)
		}
	}
	return nil
}

// batchRefused words the refusal of a batch.
func (x *exchange) batchRefused(r *quota.Refusal, b *batch) *apierr.Error {
	e := x.refused(r)
	if r.Unavailable || r.Limit.Unit != limits.Requests && r.Limit.Unit != limits.Tokens {
		return e
	}
	n, unit := b.requests, "RPM"
	if r.Limit.Unit == limits.Tokens {
		n, unit = b.tokens, "TPM"
	}
	e.Message = fmt.Sprintf("Batch rate limit exceeded for %s: %s. Batch contains %d %s but only %d %s remaining out of %d %s limit.",
		r.Limit.Scope, r.Limit.Name, n, r.Limit.Unit, r.Remaining, r.Limit.Unit, r.Max, unit)
	if !r.Resets.IsZero() {
		e.Message += " Limit resets at: " + resetText(r.Resets)
	}
	return e
}
