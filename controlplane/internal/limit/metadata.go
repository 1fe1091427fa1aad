package limit

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Members of metadata that are about limits.
const (
	modelRPM     = "model_rpm_limit"
	modelTPM     = "model_tpm_limit"
	rpmType      = "rpm_limit_type"
	tpmType      = "tpm_limit_type"
	tempIncrease = "temp_budget_increase"
	tempExpiry   = "temp_budget_expiry"
)

type hoistedMember struct {
	name string
	sent raw
}

// hoisted are the members that are kept inside metadata.
func (f *Fields) hoisted() []hoistedMember {
	return []hoistedMember{
		{modelRPM, f.ModelRPM},
		{modelTPM, f.ModelTPM},
		{rpmType, f.RPMType},
		{tpmType, f.TPMType},
		{tempIncrease, f.TempIncrease},
		{tempExpiry, f.TempExpiry},
	}
}

func (f *Fields) applyMetadata(c Columns, r Rules) error {
	if f.TempIncrease.Sent != f.TempExpiry.Sent || f.TempIncrease.Null != f.TempExpiry.Null {
		return invalid("value_error", "Value error, temp_budget_increase and temp_budget_expiry must be set together")
	}
	meta := members(*c.Metadata)
	changed := false
	for _, m := range f.hoisted() {
		switch {
		case !m.sent.Sent:
			continue
		case m.sent.Null:
			delete(meta, m.name)
		default:
			meta[m.name] = m.sent.Value
		}
		changed = true
	}
	if changed || len(*c.Metadata) == 0 {
		b, err := json.Marshal(meta)
		if err != nil {
			return apierr.BadRequest("metadata can not be encoded: %v", err)
		}
		*c.Metadata = b
	}
	if changed || r.Metadata {
		return checkMetadata(meta, r.Types)
	}
	return nil
}

// members returns the members of metadata; it is never nil.
func members(metadata json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(metadata, &m) != nil || m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

func checkMetadata(meta map[string]json.RawMessage, types []contract.RateType) error {
	for _, name := range []string{modelRPM, modelTPM} {
		if _, err := modelCounts(meta, name); err != nil {
			return err
		}
	}
	for _, name := range []string{rpmType, tpmType} {
		if _, err := rateType(meta, name, types); err != nil {
			return err
		}
	}
	_, _, err := increase(meta)
	return err
}

// modelCounts reads a mapping of models to whole numbers. What can not be read
// is left out of what it returns with the error.
func modelCounts(meta map[string]json.RawMessage, name string) (map[string]int64, error) {
	if null(meta[name]) {
		return nil, nil
	}
	models, err := object(meta[name], name)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(models))
	var first error
	for model, value := range models {
		if null(value) {
			continue
		}
		n, err := countAt(value, name, model)
		switch {
		case model == "":
			first = invalid("value_error", "Value error, a model has no name", name)
		case err != nil:
			first = err
		default:
			out[model] = *n
		}
	}
	return out, first
}

func rateType(meta map[string]json.RawMessage, name string, types []contract.RateType) (contract.RateType, error) {
	if null(meta[name]) {
		return "", nil
	}
	var t contract.RateType
	if json.Unmarshal(meta[name], &t) == nil && slices.Contains(types, t) {
		return t, nil
	}
	quoted := make([]string, len(types))
	for i, t := range types {
		quoted[i] = "'" + string(t) + "'"
	}
	last := len(quoted) - 1
	return "", invalid("literal_error", "Input should be "+strings.Join(quoted[:last], ", ")+" or "+quoted[last], name)
}

// increase reads a temporary increase of the budget, in nano-dollars, and when
// it ends.
func increase(meta map[string]json.RawMessage) (nano int64, until time.Time, err error) {
	if null(meta[tempIncrease]) || null(meta[tempExpiry]) {
		return 0, time.Time{}, nil
	}
	n, err := dollars(meta[tempIncrease], tempIncrease)
	if err != nil {
		return 0, time.Time{}, err
	}
	until, ok := moment(meta[tempExpiry])
	if !ok {
		return 0, time.Time{}, invalid("datetime_parsing", "Input should be a valid datetime or date, for example 2026-12-31 or 2026-12-31T18:00:00Z", tempExpiry)
	}
	return int64(n), until, nil
}

// moment reads a time as LiteLLM takes it. One without a zone is in UTC.
func moment(value json.RawMessage) (time.Time, bool) {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
