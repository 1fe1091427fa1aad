package litellm

import (
	"errors"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// adaptModel opens the parameters of a deployment and seals them as ours are.
func adaptModel(r *run, row object, it *item) error {
	if err := checkIDs(it, "model_id"); err != nil {
		return err
	}
	params := members(row["litellm_params"])
	if len(params) == 0 {
		return skip("its litellm_params are no object")
	}
	if err := r.Opener.openAll(params, "model"); err != nil {
		return skip(err.Error())
	}
	r.missed(params, it)
	madeBy(it)
	id := text(it.rec["model_id"])
	stored, err := r.models.Foreign(id, text(row["model_name"]), params, members(row["model_info"]), r.sealed[id])
	if err != nil {
		why := err.Error()
		if public, ok := errors.AsType[*apierr.Error](err); ok {
			why = public.Message
		}
		return skip("it can not be used here: " + why)
	}
	it.rec["sealed_params"] = bytea(stored.SealedParams)
	it.rec["model_info"] = stored.ModelInfo
	return nil
}
