package customer

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Request is the body of /customer/new and /customer/update.
type Request struct {
	limit.Fields

	UserID             field.Of[string]  `json:"user_id"`
	Alias              field.Of[string]  `json:"alias"`
	Blocked            field.Of[bool]    `json:"blocked"`
	BudgetID           field.Of[string]  `json:"budget_id"`
	Spend              field.Of[float64] `json:"spend"`
	AllowedModelRegion field.Of[string]  `json:"allowed_model_region"`
	DefaultModel       field.Of[string]  `json:"default_model"`
}

// fresh is the row of a new customer, without a budget.
func (s *Service) fresh(ctx context.Context, r *Request) (db.EndUserTable, error) {
	var row db.EndUserTable
	if r.BudgetID.Or("") != "" && r.MaxBudget.Ptr() != nil {
		return row, apierr.Invalid("value_error", "", "Value error, Set either 'max_budget' or 'budget_id', not both.")
	}
	if err := s.check(ctx, r); err != nil {
		return row, err
	}
	spend, err := money.FromUSD(r.Spend.Or(0))
	if err != nil || spend < 0 {
		return row, apierr.Invalid("greater_than_equal", "spend", "Input should be greater than or equal to 0")
	}
	row.UserID, row.SpendNano = r.UserID.Value, int64(spend)
	r.apply(&row)
	return row, nil
}

func (s *Service) check(ctx context.Context, r *Request) error {
	if !r.UserID.Sent || r.UserID.Null {
		return apierr.Invalid("missing", "user_id", "Field required")
	}
	if err := bounds.CheckID("user_id", r.UserID.Value); err != nil {
		return err
	}
	if err := bounds.CheckText("alias", r.Alias.Value, bounds.Text); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "eu", "us"}, r.AllowedModelRegion.Or("")) {
		return apierr.Invalid("literal_error", "allowed_model_region", "Input should be 'eu' or 'us'")
	}
	if r.DefaultModel.Or("") == "" {
		return nil
	}
	groups, err := s.models.Groups(ctx)
	if err != nil {
		return err
	}
	if len(groups) == 0 || !access.Model(groups, r.DefaultModel.Value) {
		return apierr.Detail(http.StatusUnprocessableEntity, "Default Model not on proxy! Configured models: %s", bounds.Repr(groups))
	}
	return nil
}

// dropFalsy forgets what Python takes for false: an update does not change
// anything to that.
func (r *Request) dropFalsy() {
	for _, f := range []*field.Of[json.RawMessage]{
		&r.RPM, &r.TPM, &r.RPH, &r.TPH, &r.RPD, &r.TPD, &r.MaxParallel, &r.MaxBudget, &r.SoftBudget, &r.BudgetDuration, &r.BudgetLimits,
		&r.ModelMaxBudget, &r.ModelRPM, &r.ModelTPM, &r.RPMType, &r.TPMType, &r.TempIncrease, &r.TempExpiry,
	} {
		if f.Null || slices.Contains([]string{"0", "0.0", `""`, "[]", "{}", "false"}, string(f.Value)) {
			*f = field.Of[json.RawMessage]{}
		}
	}
	for _, f := range []*field.Of[string]{&r.Alias, &r.BudgetID, &r.AllowedModelRegion, &r.DefaultModel} {
		f.Sent = f.Or("") != ""
	}
	r.Blocked.Sent = r.Blocked.Or(false)
}

func (r *Request) apply(row *db.EndUserTable) {
	r.Alias.Into(&row.Alias)
	r.Blocked.IntoValue(&row.Blocked)
	r.AllowedModelRegion.Into(&row.AllowedModelRegion)
	r.DefaultModel.Into(&row.DefaultModel)
	for _, text := range []**string{&row.Alias, &row.AllowedModelRegion, &row.DefaultModel} {
		if *text != nil && **text == "" {
			*text = nil
		}
	}
}

func insertParams(c db.EndUserTable) db.CustomerInsertParams {
	return db.CustomerInsertParams{
		UserID: c.UserID, Alias: c.Alias, SpendNano: c.SpendNano, AllowedModelRegion: c.AllowedModelRegion, DefaultModel: c.DefaultModel, Blocked: c.Blocked,
	}
}

func updateParams(c db.EndUserTable) db.CustomerUpdateParams {
	return db.CustomerUpdateParams{
		UserID: c.UserID, Alias: c.Alias, AllowedModelRegion: c.AllowedModelRegion, DefaultModel: c.DefaultModel, BudgetID: c.BudgetID, Blocked: c.Blocked,
	}
}
