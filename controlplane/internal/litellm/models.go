package litellm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

const credentialName = "litellm_credential_name" //nolint:gosec // a member's name

// credential is a row of LiteLLM_CredentialsTable, open.
type credential struct {
	values object
	err    error
}

// readCredentials opens the credentials that models share by name.
func (r *run) readCredentials(ctx context.Context) (map[string]credential, error) {
	all := map[string]credential{}
	if !r.source.has(credentialTable, "credential_name", "credential_values") {
		return all, nil
	}
	err := r.source.each(ctx, "SELECT to_jsonb(t) FROM "+r.source.name(credentialTable)+" t", func(row object) error {
		values := members(row["credential_values"])
		all[text(row["credential_name"])] = credential{values, r.Opener.openAll(values, "")}
		return nil
	})
	return all, err
}

// adaptModel opens the parameters of a deployment and seals them as ours are.
func adaptModel(r *run, row object, it *item) error {
	if err := checkIDs(it, "model_id"); err != nil {
		return err
	}
	if string(row["blocked"]) == "true" && it.rec["blocked"] == nil {
		return skip("it is blocked, and models can not be blocked here")
	}
	params := members(row["litellm_params"])
	if len(params) == 0 {
		return skip("its litellm_params are no object")
	}
	if err := r.Opener.openAll(params, "model"); err != nil {
		return skip(err.Error())
	}
	if err := r.share(params, it); err != nil {
		return err
	}
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
	it.rec["sealed_params"] = quote(fmt.Sprintf(`\x%x`, stored.SealedParams))
	it.rec["model_info"] = stored.ModelInfo
	return nil
}

// share puts the values of a named credential into a deployment: there is no
// table for credentials here.
func (r *run) share(params object, it *item) error {
	name := text(params[credentialName])
	if name == "" {
		return nil
	}
	c, ok := r.credentials[name]
	if !ok && slices.Contains(r.FileCredentials, name) {
		return nil
	}
	if !ok {
		it.note("its credential %q is not in LiteLLM's database: it must be in credential_list of config.yaml", name)
		return nil
	}
	if c.err != nil {
		return skip(fmt.Sprintf("its credential %q can not be opened: %v", name, c.err))
	}
	delete(params, credentialName)
	for member, value := range c.values {
		if null(params[member]) {
			params[member] = value
		}
	}
	it.note("the values of credential %q were put into it", name)
	return nil
}
