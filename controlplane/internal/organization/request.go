package organization

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Request is the body of /organization/new and /organization/update.
type Request struct {
	limit.Fields

	OrganizationID    field.Of[string]         `json:"organization_id"`
	OrganizationAlias field.Of[string]         `json:"organization_alias"`
	Models            field.Of[[]string]       `json:"models"`
	BudgetID          field.Of[string]         `json:"budget_id"`
	Metadata          field.Of[map[string]any] `json:"metadata"`
	Spend             field.Of[float64]        `json:"spend"`
	// Budget is the limits in one object, as replies have them.
	Budget field.Of[limit.Fields] `json:"litellm_budget_table"`
}

// limits are what stands in the request itself, or else in the object.
func (r *Request) limits() *limit.Fields {
	if !r.SetsLimits() && r.Budget.Ptr() != nil {
		return &r.Budget.Value
	}
	return &r.Fields
}

// apply changes row by what was sent, but for limits and spend.
func (r *Request) apply(row *db.OrganizationTable) error {
	if alias := r.OrganizationAlias; alias.Sent && !alias.Null {
		row.OrganizationAlias = alias.Value
	}
	if err := bounds.CheckText("organization_alias", row.OrganizationAlias, bounds.Text); err != nil {
		return err
	}
	if r.Models.Sent {
		row.Models = r.Models.Or([]string{})
	}
	if row.Models == nil {
		row.Models = []string{}
	}
	if err := bounds.CheckNames("models", row.Models); err != nil {
		return err
	}
	if n, err := money.FromUSD(r.Spend.Or(0)); err != nil || n < 0 {
		return apierr.Detail(http.StatusBadRequest, "spend must be a non-negative number of dollars")
	}
	return r.applyMetadata(row)
}

func (r *Request) applyMetadata(row *db.OrganizationTable) error {
	all := map[string]any{}
	if len(row.Metadata) > 0 {
		if err := json.Unmarshal(row.Metadata, &all); err != nil {
			all = map[string]any{}
		}
	}
	maps.Copy(all, r.Metadata.Or(nil))
	var err error
	if row.Metadata, err = bounds.Encode("metadata", all); err != nil {
		return err
	}
	// Limits may stand in there too.
	checked := db.BudgetTable{Metadata: row.Metadata}
	var none limit.Fields
	return tier.Detail(none.ApplyLimits(tier.Columns(&checked), limit.Rules{Types: limit.OwnerTypes(), Metadata: true, Now: time.Now()}))
}

func (r *Request) spend() *int64 {
	if r.Spend.Ptr() == nil {
		return nil
	}
	n, err := money.FromUSD(r.Spend.Value)
	if err != nil {
		return nil // apply refused it
	}
	return new(int64(n))
}

func insertParams(o db.OrganizationTable) db.OrgInsertParams {
	return db.OrgInsertParams{
		OrganizationID: o.OrganizationID, OrganizationAlias: o.OrganizationAlias, Metadata: o.Metadata, Models: o.Models, CreatedBy: o.CreatedBy,
	}
}

func updateParams(o db.OrganizationTable, spend *int64, by string) db.OrgUpdateParams {
	return db.OrgUpdateParams{
		OrganizationID: o.OrganizationID, OrganizationAlias: o.OrganizationAlias, BudgetID: o.BudgetID, Metadata: o.Metadata, Models: o.Models,
		SetSpendNano: spend, UpdatedBy: by,
	}
}
