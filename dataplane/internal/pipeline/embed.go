package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxVector bounds an answer that holds one vector.
const maxVector = 4 << 20

// Embed turns a text into a vector with a model group, for the gateway itself.
// What it costs is booked for no key.
func (p *Pipeline) Embed(ctx context.Context, model, text string) ([]float32, error) {
	s := p.state.Load()
	if s == nil {
		return nil, errors.New("not configured yet")
	}
	target, ok := s.table.Resolve(model)
	if !ok {
		return nil, fmt.Errorf("no model %q for embeddings", model)
	}
	var way route.Route
	defer way.Reset()
	d, err := way.Begin(p.opts.Router, s.table, route.Ask{Target: target, DisableFallbacks: true})
	if err != nil {
		return nil, err
	}
	x := &exchange{p: p, state: s, start: time.Now(), id: ident.NewUUID(time.Now()), deployment: d, endpoint: Endpoint{Surface: provider.Embeddings, Name: "/embeddings"}}
	way.Started()
	vector, err := x.embed(ctx, text)
	way.Finished(route.Outcome{Took: time.Since(x.start), Tokens: x.tokens.Input, Aborted: err != nil})
	return vector, err
}

func (x *exchange) embed(ctx context.Context, text string) ([]float32, error) {
	body := append([]byte(`{"model":"","input":`), jsonx.Quote(text)...)
	body = append(body, '}')
	members, err := jsonx.Members(nil, body)
	if err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	reply, err := x.deployment.Backend.Do(ctx, &provider.Call{Surface: provider.Embeddings, Body: body, Members: members})
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Close() }()
	if reply.Status() >= http.StatusBadRequest {
		return nil, provider.ReadFailure(reply)
	}
	answer, err := io.ReadAll(io.LimitReader(reply, maxVector))
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []struct {
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &list); err != nil || len(list.Data) != 1 {
		return nil, errors.New("the answer is not one vector")
	}
	x.tokens.known = x.tokens.Read(jsonx.Lookup(answer, "usage").Of(answer))
	x.book()
	return list.Data[0].Embedding, nil
}

// book records a call of the gateway's own.
func (x *exchange) book() {
	u, d, now := &x.usage, x.deployment, time.Now()
	u.V, u.ID, u.StartMS, u.EndMS = contract.SchemaVersion, x.id.String(), x.start.UnixMilli(), now.UnixMilli()
	u.CallType, u.Replica, u.HTTPStatus, u.Status = x.endpoint.Surface.String(), x.p.opts.Replica, http.StatusOK, contract.Success
	u.Model, u.ModelGroup, u.DeploymentID, u.Provider, u.APIBase = d.Model, d.ModelName, d.ID, d.Provider, d.APIBase
	u.InputTokens = x.tokens.Input
	u.CostNano = int64(x.cost())
	x.p.opts.Recorder.Record(u)
}
