package pipeline

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/price"
)

// forward calls the deployment that the router picks and, where that fails and
// something is left to be tried, the next.
func (x *exchange) forward() error {
	if _, err := x.route.Begin(x.p.opts.Router, x.state.table, x.ask()); err != nil {
		return err
	}
	next := x.route.Current()
	for {
		if err := x.take(&next); err != nil {
			return err
		}
		end, err := x.try(&next)
		var ok bool
		switch {
		case err != nil:
			return err
		case end.refused != nil:
			next, ok = x.instead(end.refused)
		case end.failure != nil:
			next, ok = x.route.Next(*end.failure)
		default:
			return nil
		}
		if !ok {
			x.deployment = x.failed
			x.countAttempts()
			return x.route.Err()
		}
		if err := x.wait(next.Wait); err != nil {
			return err
		}
	}
}

// ending is how an attempt ended that may be followed by another: the call
// failed, or was not made. The zero value is the end of the request.
type ending struct {
	failure *route.Failure
	refused *barred
}

// try makes one attempt. An error is the end of the request.
func (x *exchange) try(next *route.Attempt) (ending, error) {
	if f, mocked := x.route.Mock(); mocked {
		x.failed, x.account.called = x.deployment, true
		return ending{failure: new(f)}, nil
	}
	if refused, err := x.enter(x.deployment.ModelName); refused != nil || err != nil {
		return ending{refused: refused}, err
	}
	x.failed = x.deployment
	x.route.Started()
	began := time.Now()
	err := x.attempt()
	switch {
	case err == nil:
		x.route.Finished(x.outcome(began))
		x.store()
		return ending{}, nil
	case errors.Is(err, errClientGone):
		o := x.outcome(began)
		o.Aborted = true
		x.route.Finished(o)
		return ending{}, err
	case x.headerSent:
		o := x.outcome(began)
		o.Failure = x.routeFailure(err)
		x.settle(o.Failure.Status, o.Failure.Class) // where the stream has not done so
		x.blame(o.Failure, next.Group)
		x.route.Finished(o)
		return ending{}, nil // the client was told in the stream
	}
	f := x.routeFailure(err)
	x.blame(f, next.Group)
	x.leave(quota.Cost{Requests: 1})
	return ending{failure: f}, nil
}

// blame lets a failure count against the model, for limits that hold only while
// it fails.
func (x *exchange) blame(f *route.Failure, g *route.Group) {
	if g != nil && failedStatus(f.Status) && !f.CallersTimeout && !f.CallersKey {
		x.state.groups.of(g).fail(minuteOf(time.Now()))
	}
}

func (x *exchange) outcome(began time.Time) route.Outcome {
	o := route.Outcome{Took: time.Since(began), Tokens: x.tokens.Input + x.tokens.Output, OutputTokens: x.tokens.Output}
	if x.usage.FirstMS > 0 {
		o.FirstByte = max(time.UnixMilli(x.usage.FirstMS).Sub(began), time.Millisecond)
	}
	return o
}

// routeFailure is a failure as the router judges it and the client may be told.
func (x *exchange) routeFailure(err error) *route.Failure {
	f := x.understandFailure(err)
	return &route.Failure{
		Status: f.status, Class: f.class, RetryAfter: f.retry, Err: f.public(x.deployment.Provider),
		CallersTimeout: f.class == classTimeout && x.callersTimeout, CallersKey: x.callersKey,
	}
}

// take makes the exchange ready for an attempt.
func (x *exchange) take(next *route.Attempt) error {
	x.deployment = next.Deployment
	x.usage.ModelGroup = next.Name
	x.tokens, x.measures = tokens{}, price.Usage{}
	if x.said != nil {
		*x.said = (*x.said)[:0]
	}
	x.lookup.answer = x.lookup.answer[:0]
	x.usage.Stream, x.usage.Estimated, x.usage.FirstMS = false, false, 0
	x.countAttempts()
	if err := x.pickBackend(); err != nil {
		return err
	}
	if !next.Fallback {
		return nil
	}
	if x.own == nil && next.Merge == nil {
		return nil
	}
	return x.merge(next.Merge)
}

// countAttempts notes how many attempts there were.
func (x *exchange) countAttempts() { x.usage.Retries, x.usage.Fallbacks = x.route.Attempts() }

// merge makes the body of a fallback: the request's own, with the members that
// the fallback changes.
func (x *exchange) merge(changes []byte) error {
	if x.call.ContentType != "" {
		return nil // a form stays what it is
	}
	if x.own == nil {
		x.own = slices.Clone(*x.body)
	}
	x.modelJSON = slices.Clone(x.modelJSON)
	x.chat = nil
	x.setBody(append((*x.body)[:0], x.own...))
	if changes == nil {
		return nil
	}
	added, err := jsonx.Members(nil, changes)
	if err != nil {
		return apierr.BadRequest("Invalid fallback: not an object").Because(err)
	}
	var edits []jsonx.Change
	var extra [][]byte
	for _, m := range added {
		at := slices.IndexFunc(x.members, func(own provider.Member) bool { return string(own.Name) == string(m.Name) })
		if at >= 0 {
			edits = append(edits, jsonx.Change{Index: at, Value: m.Value.Of(changes)})
		} else {
			extra = append(extra, m.All.Of(changes))
		}
	}
	slices.SortFunc(edits, func(a, b jsonx.Change) int { return a.Index - b.Index })
	x.setBody(slices.Concat(jsonx.Rewrite(nil, *x.body, x.members, edits, extra...)...))
	return nil
}

// wait waits before an attempt, as long as the client does.
func (x *exchange) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-x.r.Context().Done():
		return errClientGone
	}
}

// ask is what the router has to know of the request. What few requests have is
// looked for only where the body has a member of that name.
func (x *exchange) ask() route.Ask {
	a := route.Ask{
		Target: x.target, Stream: x.call.Stream, Retries: x.retriesAsked(), InputTokens: x.count, AllowGroup: x.allow, Region: x.region,
	}
	if !x.master {
		a.TeamID = x.identity.Key.TeamID
	}
	if x.state.config.Router.TagFiltering {
		a.Tags, a.UserAgent = x.tags(), x.r.UserAgent()
	}
	for i := range x.members {
		m := &x.members[i]
		value := m.Value.Of(*x.body)
		switch string(m.Name) {
		case "fallbacks":
			a.Fallbacks = value
		case "context_window_fallbacks":
			a.ContextWindowFallbacks = value
		case "content_policy_fallbacks":
			a.ContentPolicyFallbacks = value
		case "disable_fallbacks":
			a.DisableFallbacks = string(value) == "true"
		case "num_retries":
			if n, err := strconv.Atoi(string(value)); err == nil && a.Retries == nil {
				a.Retries = &n
			}
		case "mock_testing_fallbacks":
			a.Mock |= mockIf(value, route.MockFallbacks)
		case "mock_testing_context_fallbacks", "mock_testing_context_window_fallbacks":
			a.Mock |= mockIf(value, route.MockContextFallbacks)
		case "mock_testing_content_policy_fallbacks":
			a.Mock |= mockIf(value, route.MockContentPolicyFallbacks)
		case "mock_testing_rate_limit_error":
			a.Mock |= mockIf(value, route.MockRateLimitError)
		}
	}
	a.Fallbacks = slices.Clone(a.Fallbacks) // the body may be made anew
	return a
}

func mockIf(value []byte, m route.Mock) route.Mock {
	if string(value) == "true" {
		return m
	}
	return 0
}

// retriesAsked is what a header asks for.
func (x *exchange) retriesAsked() *int {
	for _, name := range [...]string{"X-Tianji-Num-Retries", "X-Litellm-Num-Retries"} {
		if v := x.r.Header[name]; len(v) > 0 {
			if n, err := strconv.Atoi(v[0]); err == nil && n >= 0 {
				return &n
			}
		}
	}
	return nil
}

// timeouts are those of the present attempt.
func (x *exchange) timeouts() (route.Timeouts, error) {
	ask := route.TimeoutAsk{Stream: x.call.Stream}
	var err error
	if ask.Header, err = timeoutHeader(x.r.Header, "X-Tianji-Timeout", "X-Litellm-Timeout"); err != nil {
		return route.Timeouts{}, err
	}
	if ask.HeaderStream, err = timeoutHeader(x.r.Header, "X-Tianji-Stream-Timeout", "X-Litellm-Stream-Timeout"); err != nil {
		return route.Timeouts{}, err
	}
	for i := range x.members {
		switch m := &x.members[i]; string(m.Name) {
		case "timeout":
			ask.BodyTimeout = seconds(m.Value.Of(*x.body))
		case "stream_timeout":
			ask.BodyStreams = seconds(m.Value.Of(*x.body))
		}
	}
	x.callersTimeout = ask.Header > 0 || ask.HeaderStream > 0 || ask.BodyTimeout > 0 || ask.BodyStreams > 0
	t := x.state.table.Timeouts(x.deployment, &ask)
	if t.Head == 0 {
		t.Head = time.Duration(x.state.config.General.TimeoutMS) * time.Millisecond
	}
	if !x.call.Stream && t.Head < bodyPatience { // who must begin in time must not stall either
		t.Idle = t.Head
	}
	return t, nil
}

// bodyPatience is how long backends wait for more of an answer unless they are
// told otherwise.
const bodyPatience = 300 * time.Second

// maxTimeout bounds what a client may ask for.
const maxTimeout = 6000 * time.Second

func timeoutHeader(h http.Header, names ...string) (time.Duration, error) {
	for _, name := range names {
		v := h[name]
		if len(v) == 0 {
			continue
		}
		if d := seconds([]byte(v[0])); d > 0 {
			return d, nil
		}
		return 0, apierr.BadRequest("Header %s: want a number of seconds up to %d", name, int(maxTimeout.Seconds()))
	}
	return 0, nil
}

// seconds reads a number of seconds; what is none, or out of bounds, is 0.
func seconds(text []byte) time.Duration {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || n <= 0 || n > maxTimeout.Seconds() {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
