package pipeline

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// settle books what the request used, once. It runs on every way a request
// can end after a deployment was picked, also when the client is gone.
func (x *exchange) settle(status int, errorType string) {
	if x.settled || x.deployment == nil && !x.usage.CacheHit {
		return
	}
	x.settled = true
	defer x.close()
	if x.free {
		return
	}
	if x.tokens.chunks > 0 {
		x.countTokens()
	}
	now := time.Now()
	u := &x.usage
	u.V, u.ID = contract.SchemaVersion, x.id.String()
	u.LimitedAs, u.Session = x.limitedAs(), x.session()
	u.StartMS, u.EndMS = x.start.UnixMilli(), now.UnixMilli()
	u.Replica, u.Tags = x.p.opts.Replica, x.tags()
	if u.CallType == "" {
		u.CallType = x.endpoint.Surface.String()
	}
	u.HTTPStatus, u.ErrorType, u.Status = status, errorType, contract.Success
	if status >= http.StatusBadRequest {
		u.Status = contract.Failure
	} else if u.Stream && u.FirstMS == 0 {
		u.FirstMS = u.EndMS // a short stream goes out as a whole, after this
	}
	t := &x.tokens
	u.InputTokens, u.OutputTokens, u.CachedInputTokens, u.CacheWriteTokens, u.ReasoningTokens = t.Input, t.Output, t.CachedInput, t.CacheWrite, t.Reasoning
	if !u.CacheHit {
		u.CostNano = int64(x.cost())
	}
	if host, _, err := net.SplitHostPort(x.r.RemoteAddr); err == nil {
		u.RequesterIP = host
	}
	x.p.opts.Recorder.Record(u)
	if status < http.StatusBadRequest && !u.CacheHit {
		x.learn()
	}
	x.p.metrics.settled(x, status, now.Sub(x.start))
	x.log(now.Sub(x.start))
}

// log writes a line for each request, where that is asked for: at level debug.
func (x *exchange) log(took time.Duration) {
	ctx := x.r.Context()
	if !x.p.opts.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	u := &x.usage
	x.p.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("call_id", x.callID), slog.String("route", x.endpoint.Name),
		slog.String("model_group", u.ModelGroup), slog.String("provider", u.Provider), slog.Int("status", u.HTTPStatus), slog.Bool("stream", u.Stream),
		slog.Int64("input_tokens", u.InputTokens), slog.Int64("output_tokens", u.OutputTokens), slog.Duration("took", took))
}

// fail ends the request with an error, in whatever form is still possible.
func (x *exchange) fail(err error) {
	e := x.publicError(err)
	if e == nil {
		x.settle(statusClientGone, "client_disconnected")
		x.p.metrics.ended(x, statusClientGone)
		return
	}
	x.settle(e.Status, e.Type)
	x.close()
	x.p.metrics.ended(x, e.Status)
	if e.Status >= http.StatusInternalServerError {
		x.p.opts.Logger.LogAttrs(x.r.Context(), slog.LevelWarn, "request failed",
			slog.String("call_id", x.callID), slog.String("route", x.endpoint.Name), slog.String("model", bounded(x.model)),
			slog.Int("status", e.Status), slog.Any("error", e))
	}
	if x.headerSent {
		return // the stream has told the client already, or can not any more
	}
	x.headerSent = true
	x.setHeaders(x.w.Header(), nil)
	if reached, ok := errors.AsType[*limitError](e); ok {
		reached.setHeaders(x.w.Header())
	}
	e.WriteBody(x.w, x.endpoint.Dialect.Error(e))
}

// statusClientGone is nginx's status for a client that did not wait. Nobody
// receives it.
const statusClientGone = 499
