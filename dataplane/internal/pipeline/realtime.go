package pipeline

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// maxEventBytes bounds one message either way; audio comes in small pieces.
	maxEventBytes   = 16 << 20
	realtimeConnect = 15 * time.Second
	// maxSession is how long OpenAI lets a session live, twice.
	maxSession = 2 * time.Hour
)

// Realtime connects a client with a deployment's realtime API: messages pass
// both ways as they are, and each answer's usage is added up and booked once,
// at the end.
//
// Wire facts: https://platform.openai.com/docs/guides/realtime-websocket
func (p *Pipeline) Realtime(w http.ResponseWriter, r *http.Request) {
	p.sessions.Add(1)
	defer p.sessions.Done()
	endpoint := Endpoint{Surface: provider.ChatCompletions, Name: "/realtime"}
	p.serve(w, r, endpoint, func(x *exchange) error { return x.realtime() })
}

// keySubprotocol carries the key of browsers, which can not set headers.
const keySubprotocol = "openai-insecure-api-key."

func (x *exchange) realtime() error {
	x.usage.CallType = "_arealtime"
	x.keyFromSubprotocol()
	if err := x.authenticate(); err != nil {
		return err
	}
	x.model = x.r.URL.Query().Get("model")
	if x.model == "" || len(x.model) > maxClientText {
		return apierr.BadRequest("The query parameter 'model' is missing")
	}
	if err := x.meet(); err != nil {
		return err
	}
	if err := x.authorise(); err != nil {
		return err
	}
	if err := x.admit(); err != nil {
		return err
	}
	if err := x.pickSession(); err != nil {
		return err
	}
	backend, ok := x.backend.(provider.Realtime)
	if !ok {
		f := x.understandFailure(provider.ErrUnsupported)
		return f.public(x.deployment.Provider)
	}
	d := x.deployment
	x.usage.Model, x.usage.DeploymentID, x.usage.Provider, x.usage.APIBase = d.Model, d.ID, d.Provider, d.APIBase
	return x.connect(backend)
}

// pickSession picks a deployment that may be called.
func (x *exchange) pickSession() error {
	if _, err := x.route.Begin(x.p.opts.Router, x.state.table, x.ask()); err != nil {
		return err
	}
	next := x.route.Current()
	for {
		if err := x.take(&next); err != nil {
			return err
		}
		refused, err := x.enter(x.deployment.ModelName)
		if refused == nil {
			return err
		}
		var ok bool
		if next, ok = x.instead(refused); !ok {
			x.deployment = nil // none was called
			return x.route.Err()
		}
	}
}

func (x *exchange) keyFromSubprotocol() {
	if _, err := credential.Key(x.r.Header, x.state.config.Auth.KeyHeader); err == nil {
		return
	}
	for _, list := range x.r.Header.Values("Sec-Websocket-Protocol") {
		for item := range strings.SplitSeq(list, ",") {
			if key, ok := strings.CutPrefix(strings.TrimSpace(item), keySubprotocol); ok {
				x.r.Header.Set("Authorization", "Bearer "+key)
			}
		}
	}
}

// connect opens the vendor's side first, so that its refusal is an HTTP answer.
func (x *exchange) connect(backend provider.Realtime) error {
	ctx, cancel := context.WithTimeout(x.r.Context(), maxSession)
	defer cancel()
	url, header, err := backend.Realtime(ctx)
	if err != nil {
		return err
	}
	if beta := x.r.Header.Get("Openai-Beta"); beta != "" {
		header.Set("OpenAI-Beta", beta)
	}
	x.route.Started()
	began := time.Now()
	dialing, stop := context.WithTimeout(ctx, realtimeConnect)
	vendor, resp, err := websocket.Dial( //nolint:bodyclose // the library closes it: https://pkg.go.dev/github.com/coder/websocket#Dial
		dialing, url, &websocket.DialOptions{HTTPClient: x.p.sockets, HTTPHeader: header, Subprotocols: []string{"realtime"}},
	)
	stop()
	if err != nil {
		return x.notConnected(err, resp)
	}
	defer func() { _ = vendor.CloseNow() }()
	vendor.SetReadLimit(maxEventBytes)
	x.setHeaders(x.w.Header(), nil)
	client, err := websocket.Accept(x.w, x.r, &websocket.AcceptOptions{Subprotocols: []string{"realtime"}, InsecureSkipVerify: true}) // the key decides, not the origin
	if err != nil {
		return errClientGone
	}
	x.headerSent = true
	defer func() { _ = client.CloseNow() }()
	client.SetReadLimit(maxEventBytes)
	x.talk(ctx, client, vendor)
	x.route.Finished(x.outcome(began))
	x.settle(http.StatusSwitchingProtocols, "")
	return nil
}

func (x *exchange) notConnected(err error, resp *http.Response) error {
	if resp != nil && resp.StatusCode >= http.StatusBadRequest {
		refused := &provider.Failure{Status: resp.StatusCode, Header: resp.Header.Get}
		if body, err := io.ReadAll(resp.Body); err == nil { // its beginning, which the library has read
			refused.Explain(body)
		}
		err = refused
	}
	f := x.routeFailure(err)
	if _, again := x.route.Next(*f); again {
		x.route.Reset() // a session is not moved: the client connects again, to another deployment
	}
	return f.Err
}

// talk passes messages until one side ends, or the data plane does, and waits
// for both directions.
func (x *exchange) talk(ctx context.Context, client, vendor *websocket.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() {
		defer cancel()
		pass(ctx, client, vendor, nil)
	})
	all.Go(func() {
		defer cancel()
		pass(ctx, vendor, client, x.meterEvent)
	})
	all.Go(func() {
		select {
		case <-ctx.Done():
		case <-x.p.ending:
			_ = client.Close(websocket.StatusGoingAway, "the gateway restarts: connect again") // it may be gone as well
		}
	})
	all.Wait()
}

// pass copies messages from one side to the other, and its closing too.
func pass(ctx context.Context, from, to *websocket.Conn, look func([]byte)) {
	for {
		kind, message, err := from.Read(ctx)
		if err != nil {
			code, reason := websocket.StatusGoingAway, ""
			if closed, ok := errors.AsType[websocket.CloseError](err); ok {
				code, reason = closed.Code, closed.Reason
			}
			_ = to.Close(code, reason) // it may be gone as well
			return
		}
		if look != nil && kind == websocket.MessageText {
			look(message)
		}
		if write(ctx, to, kind, message) != nil {
			return
		}
	}
}

func write(ctx context.Context, to *websocket.Conn, kind websocket.MessageType, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	return to.Write(ctx, kind, message)
}

// meterEvent adds the usage of an answer that is done.
func (x *exchange) meterEvent(message []byte) {
	kind, err := jsonx.Unquote(jsonx.Lookup(message, "type").Of(message))
	if err != nil || kind != "response.done" {
		return
	}
	response := jsonx.Lookup(message, "response").Of(message)
	var u chat.Usage
	if !u.Read(jsonx.Lookup(response, "usage").Of(response)) {
		return
	}
	t := &x.tokens
	t.known = true
	t.Input += u.Input
	t.Output += u.Output
	t.CachedInput += u.CachedInput
	t.AudioInput += u.AudioInput
	t.AudioOutput += u.AudioOutput
}
