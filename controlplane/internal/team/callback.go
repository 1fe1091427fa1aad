package team

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const (
	onSuccess = "success"
	onFailure = "failure"
	onBoth    = "success_and_failure"
)

// knownVars are the variables that a callback may have: LiteLLM's
// StandardCallbackDynamicParams.
func knownVars() []string {
	return []string{
		"langfuse_public_key", "langfuse_secret_key", "langfuse_secret", "langfuse_host", "langfuse_prompt_version", "gcs_bucket_name",
		"gcs_path_service_account", "langsmith_api_key", "langsmith_project", "langsmith_base_url", "langsmith_sampling_rate", "humanloop_api_key",
		"arize_api_key", "arize_space_key", "arize_space_id", "posthog_api_key", "posthog_host", "braintrust_api_key", "braintrust_project_name",
		"braintrust_host", "slack_webhook_url", "lunary_public_key", "turn_off_message_logging",
	}
}

// CallbackRequest is the body of POST /team/{team_id}/callback.
type CallbackRequest struct {
	Name string            `json:"callback_name"`
	Type *string           `json:"callback_type"`
	Vars map[string]string `json:"callback_vars"`
}

// callback is a callback as it is stored.
type callback struct {
	Name string            `json:"callback_name"`
	Type string            `json:"callback_type"`
	Vars map[string]string `json:"callback_vars"`
}

// Callbacks are those of a team.
type Callbacks struct {
	TeamID  string   `json:"team_id"`
	Success []string `json:"success_callbacks"`
	Failure []string `json:"failure_callbacks"`
}

// Done is the reply to a change of callbacks.
type Done struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
	Data    any    `json:"data"`
}

const success = "success"

func (r *CallbackRequest) callback() (callback, error) {
	c := callback{Name: r.Name, Type: onBoth, Vars: r.Vars}
	if r.Type != nil {
		c.Type = *r.Type
	}
	if err := bounds.CheckID("callback_name", c.Name); err != nil {
		return c, err
	}
	if c.Type != onSuccess && c.Type != onFailure && c.Type != onBoth {
		return c, apierr.Invalid("literal_error", "callback_type", "Input should be 'success', 'failure' or 'success_and_failure'")
	}
	if c.Vars == nil {
		return c, apierr.Invalid("missing", "callback_vars", "Field required")
	}
	for name, value := range c.Vars {
		if !slices.Contains(knownVars(), name) {
			return c, apierr.Invalid("value_error", "callback_vars", "Value error, Invalid callback variable: "+short(name)+". Must be one of "+bounds.Repr(knownVars()))
		}
		if err := bounds.CheckText("callback_vars", value, bounds.Object/len(knownVars())); err != nil {
			return c, err
		}
	}
	return c, nil
}

func short(s string) string { return s[:min(len(s), 64)] }

// callbacks reads those of a team. Entries of another form are none.
func callbacks(meta json.RawMessage) []callback {
	all := []callback{}
	var m struct {
		Logging []map[string]json.RawMessage `json:"logging"`
	}
	_ = json.Unmarshal(meta, &m) // what has another form is nothing
	for _, l := range m.Logging {
		var c callback
		if json.Unmarshal(encoded(map[string]json.RawMessage{"callback_name": l["callback_name"], "callback_type": l["callback_type"]}), &c) != nil || c.Name == "" {
			continue
		}
		if c.Type == "" {
			c.Type = onBoth
		}
		c.Vars = vars(l)
		all = append(all, c)
	}
	return all
}

// show lists the callbacks of a team, without secrets.
func show(teamID string, all []callback) Callbacks {
	out := Callbacks{TeamID: teamID, Success: []string{}, Failure: []string{}}
	for _, c := range all {
		if c.Type != onFailure && !slices.Contains(out.Success, c.Name) {
			out.Success = append(out.Success, c.Name)
		}
		if c.Type != onSuccess && !slices.Contains(out.Failure, c.Name) {
			out.Failure = append(out.Failure, c.Name)
		}
	}
	return out
}

// AddCallback lets the calls of a team be logged somewhere besides.
func (s *Service) AddCallback(ctx context.Context, who caller.Caller, id string, r *CallbackRequest) (Done, error) {
	c, err := r.callback()
	if err != nil {
		return Done{}, err
	}
	var out View
	err = s.managed(ctx, who, id, "/team/{team_id}/callback", func(tx *store.Tx, row db.TeamTable) error {
		all := callbacks(row.Metadata)
		if slices.ContainsFunc(all, func(other callback) bool { return other.Name == c.Name && other.Type == c.Type }) {
			return apierr.Detail(http.StatusBadRequest, "callback_name = %s already exists, for callback_type = %s. team_id = %s", c.Name, c.Type, id)
		}
		for name, value := range c.Vars {
			if plainVar(name) {
				continue
			}
			if value == redacted {
				return apierr.Invalid("value_error", "callback_vars", "Value error, "+name+" is masked: send the value itself")
			}
			var err error
			if c.Vars[name], err = sealText(s.box, id, value, nil); err != nil {
				return err
			}
		}
		after, err := s.setLogging(ctx, tx, who, &row, append(all, c))
		out = Show(after)
		return err
	})
	return Done{Status: success, Data: out}, err
}

// setLogging stores the callbacks of a team; nil takes away those of older
// versions, too.
func (s *Service) setLogging(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.TeamTable, all []callback) (db.TeamTable, error) {
	meta := members(row.Metadata)
	if all == nil {
		all = []callback{}
		if _, there := meta[callbackSettings]; there {
			meta[callbackSettings] = map[string]any{"success_callback": []string{}, "failure_callback": []string{}}
		}
	}
	meta[logging] = all
	stored, err := bounds.Encode("metadata", meta)
	if err != nil {
		return *row, err
	}
	after, err := s.store.TeamSetMetadata(ctx, tx, db.TeamSetMetadataParams{TeamID: row.TeamID, Metadata: stored})
	if err != nil {
		return after, fmt.Errorf("write team: %w", err)
	}
	about := func(t *db.TeamTable) any { return map[string]json.RawMessage{"metadata": masked(t.Metadata)} }
	if err := tx.Audited(ctx, entry(who, audit.Updated, row.TeamID, about(row), about(&after))); err != nil {
		return after, err
	}
	return after, tx.Changed(ctx, store.KindTeam, row.TeamID)
}

// Callbacks returns the callbacks of a team, their secrets masked.
func (s *Service) Callbacks(ctx context.Context, who caller.Caller, id string) (Done, error) {
	const path = "/team/{team_id}/callback"
	row, err := s.store.TeamByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return Done{}, lost(who, id, path)
	}
	if err != nil {
		return Done{}, fmt.Errorf("read team: %w", err)
	}
	if err := who.May().SeeTeamPermissions(who.In(&row), path); err != nil {
		return Done{}, err
	}
	all := callbacks(row.Metadata)
	shown := struct {
		Callbacks

		Vars map[string]string `json:"callback_vars"`
	}{show(id, all), map[string]string{}}
	for _, c := range all {
		maps.Copy(shown.Vars, maskedVars(c.Vars))
	}
	return Done{Status: success, Data: shown}, nil
}

// DeleteCallback ends one callback of a team.
func (s *Service) DeleteCallback(ctx context.Context, who caller.Caller, id, name string) (Done, error) {
	var out Callbacks
	err := s.managed(ctx, who, id, "/team/{team_id}/callback", func(tx *store.Tx, row db.TeamTable) error {
		all := callbacks(row.Metadata)
		left := slices.DeleteFunc(slices.Clone(all), func(c callback) bool { return c.Name == name })
		if len(left) == len(all) {
			return apierr.Detail(http.StatusNotFound, "Callback %.64s not found for team_id=%s", name, id)
		}
		out = show(id, left)
		_, err := s.setLogging(ctx, tx, who, &row, left)
		return err
	})
	return Done{Status: success, Message: "Callback " + short(name) + " deleted for team " + id, Data: out}, err
}

// DisableLogging ends all callbacks of a team.
func (s *Service) DisableLogging(ctx context.Context, who caller.Caller, id string) (Done, error) {
	err := s.managed(ctx, who, id, "/team/{team_id}/disable_logging", func(tx *store.Tx, row db.TeamTable) error {
		_, err := s.setLogging(ctx, tx, who, &row, nil)
		return err
	})
	return Done{Status: success, Message: "Logging disabled for team " + id, Data: show(id, nil)}, err
}
