package tier

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Request is the body of /budget/new and /budget/update.
type Request struct {
	limit.Fields

	BudgetID field.Of[string] `json:"budget_id"`
}

func (r *Request) apply(row *db.BudgetTable, now time.Time) error {
	for name, sent := range map[string]field.Of[json.RawMessage]{"max_budget": r.MaxBudget, "soft_budget": r.SoftBudget} {
		if amount, err := strconv.ParseFloat(string(sent.Value), 64); err == nil && amount < 0 {
			return apierr.Detail(http.StatusBadRequest, "%s must be a non-negative finite number. Received: %s", name, python(amount))
		}
	}
	return Detail(r.ApplyLimits(Columns(row), rules(now)))
}

func rules(now time.Time) limit.Rules { return limit.Rules{Types: limit.OwnerTypes(), Now: now} }

// python writes a float as LiteLLM does.
func python(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Detail puts a refusal of a value into the envelope of endpoints that do not
// wrap theirs.
func Detail(err error) error {
	e, ok := errors.AsType[*apierr.Error](err)
	if !ok || e.Invalid != nil || e.Status != http.StatusBadRequest {
		return err
	}
	return apierr.Detail(e.Status, "%s", e.Message)
}

// Renamed gives the members that a refusal names the names that they have in
// the request.
func Renamed(err error, names map[string]string) error {
	e, ok := errors.AsType[*apierr.Error](err)
	if !ok {
		return err
	}
	renamed := *e
	for was, is := range names {
		if rest, ok := strings.CutPrefix(e.Message, was); ok {
			renamed.Message = is + rest
		}
		if e.Invalid != nil {
			invalid := *e.Invalid
			invalid.Loc = slices.Clone(invalid.Loc)
			for i, part := range invalid.Loc {
				if part == was {
					invalid.Loc[i] = is
				}
			}
			renamed.Invalid = &invalid
		}
		if renamed.Message != e.Message {
			break
		}
	}
	return &renamed
}
