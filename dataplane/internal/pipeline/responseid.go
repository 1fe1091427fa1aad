package pipeline

import (
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/conversation"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Responses are kept where they were made: by the vendor, under an id that
// only the gateway sees, or here. The ids that clients get lead to either, and
// only whoever owns a response gets there.

// remembered is what a request of the Responses API goes on from.
type remembered struct {
	// deployment is where the vendor keeps the previous response, previous the
	// vendor's id of it, and shown the one that the client knows.
	deployment, previous, shown string
	// ours is the previous response where the gateway keeps it: then the request
	// is a chat, whatever the vendor offers.
	ours *conversation.Record
}

// previous reads what the request goes on from.
func (x *exchange) previous() error {
	id := splice.Text(x.call.Lookup("previous_response_id"))
	if id == "" {
		return nil
	}
	kept, ok, err := x.openID(id)
	switch {
	case err != nil:
		return err
	case ok:
		x.recalled = remembered{deployment: kept.Deployment, previous: kept.VendorID, shown: id}
		return nil
	}
	x.recalled.ours, err = x.recorded(id)
	switch {
	case err != nil:
		return err
	case x.recalled.ours != nil:
	case !x.master && !x.state.config.General.OpenResponses && !x.state.config.General.ForeignResponses:
		return apierr.Forbidden("Forbidden. This response id was not issued by this proxy, so the proxy cannot tell who owns it. To let keys address responses " +
			"this proxy did not issue, set general_settings::allow_unmanaged_response_ids to True in the config.yaml file.")
	}
	return nil
}

// openID returns the response that a vendor keeps under one of our ids, or the
// refusal of somebody else's.
func (x *exchange) openID(id string) (kept conversation.Kept, ok bool, err error) {
	open := x.state.config.General.OpenResponses
	if x.state.ids != nil {
		kept, ok = x.state.ids.Open(id)
	}
	switch {
	case ok && !open && !x.master:
		if err := x.responseDenied(kept.Owner); err != nil {
			return kept, false, err
		}
	case !ok && (open || x.master):
		kept.Deployment, kept.VendorID, ok = conversation.ParseNative(id)
	}
	return kept, ok, nil
}

// recorded returns what the gateway keeps under an id, or nil; somebody else's
// is refused.
func (x *exchange) recorded(id string) (*conversation.Record, error) {
	if x.p.opts.Conversations == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	record, err := x.p.opts.Conversations.Get(x.r.Context(), id)
	switch {
	case err != nil:
		return nil, apierr.Unavailable(apierr.TypeUnavailable, "Stored responses are not available at present. Please retry shortly.", retrySoon).Because(err)
	case record != nil && !x.master && !x.state.config.General.OpenResponses:
		return record, x.responseDenied(record.Owner)
	}
	return record, nil
}

// responseDenied is the refusal of a response that is somebody else's.
func (x *exchange) responseDenied(owner conversation.Owner) error {
	why := owner.Refuses(x.owner())
	if why == "" {
		return nil
	}
	return apierr.Forbidden("Forbidden. The response id is not associated with the %s, who this key belongs to. To disable this security feature, "+
		"set general_settings::disable_responses_id_security to True in the config.yaml file.", why)
}

// vendorBody makes the body for the vendor, who knows its own ids only.
func (x *exchange) vendorBody() {
	if x.recalled.previous == "" {
		return
	}
	at := slices.IndexFunc(x.members, func(m jsonx.Member) bool { return string(m.Name) == "previous_response_id" })
	if at >= 0 {
		x.replaceMember(at, jsonx.Quote(x.recalled.previous))
	}
}

// identified is a dialect whose answers have an id that leads back to them.
type identified interface {
	ID(data []byte) jsonx.Span
	PreviousID(data []byte) jsonx.Span
}

// sealedID remembers the id of an answer: each of its events shows it.
type sealedID struct{ vendor, shown string }

// idEdits puts ids that lead back here in place of the vendor's.
func (x *exchange) idEdits(all []jsonx.Edit, d identified, data []byte) []jsonx.Edit {
	at := d.ID(data)
	if id := splice.Text(at.Of(data)); !at.Empty() && id != "" {
		all = append(all, jsonx.Edit{At: at, New: jsonx.Quote(x.clientID(id))})
	}
	if at := d.PreviousID(data); x.recalled.shown != "" && !at.Empty() {
		all = append(all, jsonx.Edit{At: at, New: jsonx.Quote(x.recalled.shown)})
	}
	slices.SortFunc(all, func(a, b jsonx.Edit) int { return a.At.Start - b.At.Start })
	return all
}

// clientID is the id that the client gets of a vendor's response.
func (x *exchange) clientID(vendorID string) string {
	if x.sealed.vendor == vendorID {
		return x.sealed.shown
	}
	d := x.deployment
	shown := conversation.Native(d.Provider, d.ID, vendorID)
	if x.state.ids != nil && !x.state.config.General.OpenResponses {
		shown = x.state.ids.Seal(&conversation.Kept{Owner: x.owner(), Deployment: d.ID, VendorID: vendorID})
	}
	x.sealed = sealedID{vendorID, shown}
	return shown
}

// responseMissing is OpenAI's answer to an id that nobody knows.
func responseMissing(id string) error {
	return &apierr.Error{
		Status: http.StatusNotFound, Type: apierr.TypeInvalidRequest, Param: "previous_response_id",
		Message: "Response with id '" + bounded(id) + "' not found.",
	}
}
