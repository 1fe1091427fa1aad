package team

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/seal"
)

// Members of metadata, and of the objects in them, that hold the credentials of
// callbacks. The second is that of older versions of LiteLLM.
const (
	logging          = "logging"
	callbackSettings = "callback_settings"
	callbackVars     = "callback_vars"
)

// redacted stands for a secret in answers. Sent back, it leaves what is there.
const redacted = "***REDACTED***"

var errNoBox = errors.New("can not seal the secrets of callbacks: there is no salt key")

// plainVar reports whether a variable of a callback says where something is
// logged, and not with which credentials.
func plainVar(name string) bool {
	return slices.ContainsFunc([]string{
		"_host", "_base_url", "_project", "_project_name", "_bucket_name", "_prompt_version", "_sampling_rate", "_space_id", "turn_off_message_logging",
	}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// loggers are the objects inside metadata that may hold secrets, by what tells
// them apart.
func loggers(meta json.RawMessage) map[string]map[string]json.RawMessage {
	all := map[string]map[string]json.RawMessage{}
	eachLogger(meta, func(id string, l map[string]json.RawMessage) bool {
		all[id] = l
		return false
	})
	return all
}

// eachLogger calls f with each of them, and returns metadata with those that f
// changed. What has another form is left as it is: nobody reads it.
func eachLogger(meta json.RawMessage, f func(id string, l map[string]json.RawMessage) bool) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(meta, &all) != nil {
		return meta
	}
	different := false
	var list []map[string]json.RawMessage
	if json.Unmarshal(all[logging], &list) == nil {
		here := false
		for _, l := range list {
			if l != nil {
				here = f(string(l["callback_name"])+" "+string(l["callback_type"]), l) || here
			}
		}
		if here {
			all[logging], different = encoded(list), true
		}
	}
	var old map[string]json.RawMessage
	if json.Unmarshal(all[callbackSettings], &old) == nil && old != nil && f(callbackSettings, old) {
		all[callbackSettings], different = encoded(old), true
	}
	if !different {
		return meta
	}
	return encoded(all)
}

// encoded is JSON of what was decoded from JSON.
func encoded(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("{}")
	}
	return b
}

// vars are the variables of a logger. Those that are no text are none.
func vars(l map[string]json.RawMessage) map[string]string {
	var loose map[string]any
	if json.Unmarshal(l[callbackVars], &loose) != nil {
		return nil
	}
	out := make(map[string]string, len(loose))
	for name, value := range loose {
		switch v := value.(type) {
		case nil:
		case string:
			out[name] = v
		default:
			out[name] = string(encoded(v))
		}
	}
	return out
}

// masked is metadata without secrets, for answers.
func masked(meta json.RawMessage) json.RawMessage {
	return eachLogger(meta, func(_ string, l map[string]json.RawMessage) bool {
		all := vars(l)
		if len(all) == 0 {
			return false
		}
		l[callbackVars] = encoded(maskedVars(all))
		return true
	})
}

func maskedVars(all map[string]string) map[string]string {
	out := make(map[string]string, len(all))
	for name, value := range all {
		if !plainVar(name) {
			value = redacted
		}
		out[name] = value
	}
	return out
}

// sealed is metadata that a client sent, with its secrets sealed. former is what
// the team has: what a client sends back as it was shown stays.
func (s *Service) sealed(teamID string, meta, former json.RawMessage) (json.RawMessage, error) {
	had := loggers(former)
	var failed error
	out := eachLogger(meta, func(id string, l map[string]json.RawMessage) bool {
		all := vars(l)
		was := vars(had[id])
		for name, value := range all {
			if plainVar(name) {
				continue
			}
			if value != redacted {
				all[name], failed = sealText(s.box, teamID, value, failed)
				continue
			}
			switch value = was[name]; {
			case value == "":
				failed = apierr.BadRequest("metadata: %.64s of a callback is masked, and there is no former value of it", name)
			case strings.HasPrefix(value, contract.SealedText):
				all[name] = value
			default: // of before secrets were sealed
				all[name], failed = sealText(s.box, teamID, value, failed)
			}
		}
		if len(all) > 0 {
			l[callbackVars] = encoded(all)
		}
		return len(all) > 0
	})
	return out, failed
}

// sealText seals one value, unless something has failed already.
func sealText(box *seal.Box, teamID, value string, failed error) (string, error) {
	switch {
	case failed != nil:
		return "", failed
	case box == nil:
		return "", errNoBox
	}
	return contract.SealedText + base64.StdEncoding.EncodeToString(box.Seal(value, contract.TeamCallbackPurpose(teamID))), nil
}

// Reseal seals the secrets of all teams with another box, and returns how many
// teams have some. It is for a salt key that changes.
func (s *Service) Reseal(ctx context.Context, tx *store.Tx, to *seal.Box) (int, error) {
	const page = 200
	n, after := 0, ""
	for {
		rows, err := s.store.TeamsSealed(ctx, tx, db.TeamsSealedParams{After: after, PageSize: page})
		if err != nil {
			return n, fmt.Errorf("read callbacks of teams: %w", err)
		}
		for i := range rows {
			meta, err := s.resealed(rows[i].TeamID, rows[i].Metadata, to)
			if err != nil {
				return n, err
			}
			if _, err := s.store.TeamSetMetadata(ctx, tx, db.TeamSetMetadataParams{TeamID: rows[i].TeamID, Metadata: meta}); err != nil {
				return n, fmt.Errorf("write callbacks of team: %w", err)
			}
			after = rows[i].TeamID
			n++
		}
		if len(rows) < page {
			return n, nil
		}
	}
}

func (s *Service) resealed(teamID string, meta json.RawMessage, to *seal.Box) (json.RawMessage, error) {
	var failed error
	out := eachLogger(meta, func(_ string, l map[string]json.RawMessage) bool {
		all := vars(l)
		for name, value := range all {
			text, was := strings.CutPrefix(value, contract.SealedText)
			if !was || failed != nil {
				continue
			}
			plain, err := open(s.box, teamID, text)
			if err != nil {
				failed = fmt.Errorf("open callback of team %s: %w", teamID, err)
				continue
			}
			all[name], failed = sealText(to, teamID, plain, nil)
		}
		if len(all) > 0 {
			l[callbackVars] = encoded(all)
		}
		return len(all) > 0
	})
	return out, failed
}

func open(box *seal.Box, teamID, text string) (string, error) {
	if box == nil {
		return "", errNoBox
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("decode: %w", err)
	}
	return box.Open(b, contract.TeamCallbackPurpose(teamID)) //nolint:wrapcheck // it says what it is
}
