package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/conversation"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/responses"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Conversations keeps responses for their owners.
type Conversations interface {
	Put(ctx context.Context, id string, r *conversation.Record) error
	Get(ctx context.Context, id string) (*conversation.Record, error)
	Delete(ctx context.Context, id string) error
}

// recall puts what was said before in front of a request that is translated.
func (x *exchange) recall(req *chat.Request) error {
	in, _ := req.Origin.(*responses.Request)
	if in == nil || in.PreviousResponseID == nil {
		return nil
	}
	record := x.recalled.ours
	switch {
	case record != nil:
	case x.recalled.previous != "":
		return apierr.BadRequest("The previous response is kept by another provider than the one of model '%s': send its output as input instead", x.model)
	default:
		return responseMissing(*in.PreviousResponseID)
	}
	var messages []chat.Message
	rest := req.Messages
	if in.Instructions != nil && *in.Instructions != "" {
		messages, rest = append(messages, rest[0]), rest[1:]
	}
	req.Messages = slices.Concat(messages, record.Messages, rest)
	return nil
}

func (x *exchange) owner() conversation.Owner {
	if x.master {
		return conversation.Owner{}
	}
	k := x.identity.Key
	return conversation.Owner{KeyHash: k.Hash, UserID: x.identity.UserID(), TeamID: k.TeamID}
}

// keep stores a response that was made out of a chat, before the client has
// the end of it and can go on from it. That it could not be kept is logged: the
// answer itself is worth more.
func (x *exchange) keep(r *responses.Response) {
	in, _ := x.chat.Origin.(*responses.Request)
	if r == nil || in == nil || in.Store != nil && !*in.Store {
		return
	}
	response, err := json.Marshal(r)
	if err == nil {
		messages := x.chat.Messages
		if in.Instructions != nil && *in.Instructions != "" {
			messages = messages[1:]
		}
		record := &conversation.Record{Owner: x.owner(), Messages: append(slices.Clip(messages), r.Message()), Response: response, Input: in.Input}
		err = x.p.opts.Conversations.Put(context.WithoutCancel(x.r.Context()), r.ID, record)
	}
	if err != nil {
		x.p.opts.Logger.LogAttrs(x.r.Context(), slog.LevelWarn, "response not kept", slog.String("call_id", x.callID), slog.Any("error", err))
	}
}

// answered is an encoder of the Responses API behind its end.
type answered interface{ Answer() *responses.Response }

func decodeResponse(body []byte) *responses.Response {
	r := &responses.Response{}
	if json.Unmarshal(body, r) != nil {
		return nil
	}
	return r
}

// ServeResponse answers a request about a response: what follows the id in the
// path is "", "/cancel" or "/input_items".
func (p *Pipeline) ServeResponse(w http.ResponseWriter, r *http.Request, id, action string) {
	p.serve(w, r, Endpoint{Surface: provider.Responses, Name: "/responses/{id}" + action, Dialect: responses.Dialect{}}, func(x *exchange) error {
		if err := x.authenticate(); err != nil {
			return err
		}
		kept, ok, err := x.openID(id)
		if err != nil {
			return err
		}
		x.account.gratis = true // the answer was paid for when it was made
		if err := x.admit(); err != nil {
			return err
		}
		x.account.called = true
		if ok {
			x.sealed = sealedID{kept.VendorID, id} // it stays what the client calls it
			return x.vendorResponse(&kept, action)
		}
		return x.keptResponse(id, action)
	})
}

// vendorResponse asks the vendor who keeps a response.
func (x *exchange) vendorResponse(kept *conversation.Kept, action string) error {
	d := x.state.table.Deployment(kept.Deployment)
	if d == nil {
		return &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeInvalidRequest, Message: "The response is kept by a deployment that does not exist any more."}
	}
	target, _ := x.state.table.ResolveFor(x.team(), kept.Deployment)
	if by := x.denied(d.ModelName, d.ModelName, target); by != "" || d.TeamID != "" && d.TeamID != x.team() && !x.master {
		return modelDenied(cmp.Or(by, "team"), d.ModelName, x.state.compat)
	}
	forwarder, ok := d.Backend.(provider.Forwarder)
	if !ok {
		return provider.ErrUnsupported
	}
	x.deployment = d
	if !d.Wild() {
		x.modelJSON = jsonx.Quote(d.ModelName)
	}
	x.usage.CallType, x.usage.Provider, x.usage.DeploymentID, x.usage.APIBase = "aget_responses", d.Provider, d.ID, d.APIBase
	path := "/responses/" + url.PathEscape(kept.VendorID) + action
	if x.r.URL.RawQuery != "" {
		path += "?" + x.r.URL.RawQuery
	}
	reply, err := forwarder.Forward(x.r.Context(), &provider.Forward{Method: x.r.Method, Path: path, Header: passed(x.r.Header, goesOut)})
	if err != nil {
		f := x.understandFailure(err)
		return f.public(d.Provider)
	}
	defer func() { _ = reply.Close() }()
	x.free = true
	return x.handOn(reply)
}

// keptResponse answers from the store.
func (x *exchange) keptResponse(id, action string) error {
	record, err := x.recorded(id)
	if err != nil {
		return err
	}
	switch {
	case record == nil:
		return responseMissing(id)
	case action == "/cancel":
		return apierr.BadRequest("Only responses created with background=true can be cancelled")
	case action == "/input_items":
		return x.sendJSON(inputItems(id, record.Input))
	case x.r.Method == http.MethodDelete:
		if err := x.p.opts.Conversations.Delete(x.r.Context(), id); err != nil {
			return apierr.Unavailable(apierr.TypeUnavailable, "The response could not be deleted. Please retry shortly.", retrySoon).Because(err)
		}
		return x.sendJSON(json.Marshal(map[string]any{"id": id, "object": "response", "deleted": true}))
	}
	return x.sendJSON(record.Response, nil)
}

func (x *exchange) sendJSON(body []byte, err error) error {
	if err != nil {
		return err
	}
	x.beginWhole(nil, len(body))
	_, err = x.w.Write(body)
	return x.clientError(err)
}

// inputItems lists what a response was asked, newest first as OpenAI does.
func inputItems(id string, input json.RawMessage) ([]byte, error) {
	var items []json.RawMessage
	if strings.HasPrefix(string(input), `"`) {
		items = []json.RawMessage{json.RawMessage(`{"type":"message","role":"user","content":[{"type":"input_text","text":` + string(input) + `}]}`)}
	} else if err := json.Unmarshal(input, &items); err != nil {
		return nil, errors.New("stored input is not a list")
	}
	data := make([]map[string]json.RawMessage, 0, len(items))
	for i, raw := range slices.Backward(items) {
		var item map[string]json.RawMessage
		if json.Unmarshal(raw, &item) != nil {
			continue
		}
		if _, ok := item["id"]; !ok {
			item["id"] = jsonx.Quote(fmt.Sprintf("item_%s_%d", strings.TrimPrefix(id, "resp_"), i))
		}
		if _, ok := item["type"]; !ok {
			item["type"] = json.RawMessage(`"message"`)
		}
		data = append(data, item)
	}
	list := map[string]any{"object": "list", "data": data, "has_more": false}
	if len(data) > 0 {
		list["first_id"], list["last_id"] = data[0]["id"], data[len(data)-1]["id"]
	}
	return json.Marshal(list)
}
