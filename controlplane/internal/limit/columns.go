package limit

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Columns point at the columns of a row that are about limits. Tables of keys,
// teams and users have the same ones.
type Columns struct {
	RPM, TPM, RPH, TPH, RPD, TPD, MaxParallel **int64
	// MaxBudget and SoftBudget are nano-dollars.
	MaxBudget, SoftBudget **int64
	BudgetDuration        **string
	BudgetResetAt         **time.Time
	BudgetLimits          *json.RawMessage
	ModelMaxBudget        *json.RawMessage
	// Metadata is where LiteLLM keeps the rest: see Fields.
	Metadata *json.RawMessage
}

// OfKey are the columns of a key.
func OfKey(k *db.VerificationToken) Columns {
	return Columns{
		RPM: &k.RpmLimit, TPM: &k.TpmLimit, RPH: &k.RphLimit, TPH: &k.TphLimit, RPD: &k.RpdLimit, TPD: &k.TpdLimit,
		MaxParallel: &k.MaxParallelRequests, MaxBudget: &k.MaxBudgetNano, SoftBudget: &k.SoftBudgetNano,
		BudgetDuration: &k.BudgetDuration, BudgetResetAt: &k.BudgetResetAt,
		BudgetLimits: &k.BudgetLimits, ModelMaxBudget: &k.ModelMaxBudget, Metadata: &k.Metadata,
	}
}

// OfTeam are the columns of a team.
func OfTeam(t *db.TeamTable) Columns {
	return Columns{
		RPM: &t.RpmLimit, TPM: &t.TpmLimit, RPH: &t.RphLimit, TPH: &t.TphLimit, RPD: &t.RpdLimit, TPD: &t.TpdLimit,
		MaxParallel: &t.MaxParallelRequests, MaxBudget: &t.MaxBudgetNano, SoftBudget: &t.SoftBudgetNano,
		BudgetDuration: &t.BudgetDuration, BudgetResetAt: &t.BudgetResetAt,
		BudgetLimits: &t.BudgetLimits, ModelMaxBudget: &t.ModelMaxBudget, Metadata: &t.Metadata,
	}
}

// OfUser are the columns of a user.
func OfUser(u *db.UserTable) Columns {
	return Columns{
		RPM: &u.RpmLimit, TPM: &u.TpmLimit, RPH: &u.RphLimit, TPH: &u.TphLimit, RPD: &u.RpdLimit, TPD: &u.TpdLimit,
		MaxParallel: &u.MaxParallelRequests, MaxBudget: &u.MaxBudgetNano, SoftBudget: &u.SoftBudgetNano,
		BudgetDuration: &u.BudgetDuration, BudgetResetAt: &u.BudgetResetAt,
		BudgetLimits: &u.BudgetLimits, ModelMaxBudget: &u.ModelMaxBudget, Metadata: &u.Metadata,
	}
}
