package transport

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/customer"
	"github.com/tianjillm/tianjillm/controlplane/internal/organization"
	"github.com/tianjillm/tianjillm/controlplane/internal/tag"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
)

type budgetIDs struct {
	Budgets *[]string `json:"budgets"`
}

func (s *server) budgetInfo(ctx context.Context, who caller.Caller, r *budgetIDs) ([]tier.Row, error) {
	if r.Budgets == nil {
		return nil, missing("budgets")
	}
	return s.Tiers.Info(ctx, who, *r.Budgets)
}

func (s *server) budgetSettings(c echo.Context) error {
	out, err := s.Tiers.Settings(c.Request().Context(), callerOf(c), c.QueryParam("budget_id"))
	return reply(c, out, err)
}

type objectID struct {
	ID string `json:"id"`
}

func (s *server) budgetDelete(ctx context.Context, who caller.Caller, r *objectID) (tier.Row, error) {
	return s.Tiers.Delete(ctx, who, r.ID)
}

type userIDs struct {
	UserIDs *[]string `json:"user_ids"`
}

func (r *userIDs) get() ([]string, error) {
	if r.UserIDs == nil {
		return nil, missing("user_ids")
	}
	return *r.UserIDs, nil
}

func (s *server) customerDelete(ctx context.Context, who caller.Caller, r *userIDs) (customer.Deleted, error) {
	ids, err := r.get()
	if err != nil {
		return customer.Deleted{}, err
	}
	return s.Customers.Delete(ctx, who, ids)
}

type blockedUsers[T any] struct {
	Users []T `json:"blocked_users"`
}

func (s *server) customerBlock(ctx context.Context, who caller.Caller, r *userIDs) (blockedUsers[customer.Stored], error) {
	ids, err := r.get()
	if err != nil {
		return blockedUsers[customer.Stored]{}, err
	}
	rows, err := s.Customers.Block(ctx, who, ids)
	return blockedUsers[customer.Stored]{rows}, err
}

func (s *server) customerUnblock(ctx context.Context, who caller.Caller, r *userIDs) (blockedUsers[string], error) {
	ids, err := r.get()
	if err != nil {
		return blockedUsers[string]{}, err
	}
	left, err := s.Customers.Unblock(ctx, who, ids)
	return blockedUsers[string]{left}, err
}

func (s *server) customerInfo(c echo.Context) error {
	out, err := s.Customers.Info(c.Request().Context(), callerOf(c), c.QueryParam("end_user_id"))
	return reply(c, out, err)
}

type organizationIDs struct {
	IDs           *[]string `json:"organization_ids"`
	Organizations *[]string `json:"organizations"`
}

func (s *server) organizationDelete(ctx context.Context, who caller.Caller, r *organizationIDs) ([]organization.Row, error) {
	if r.IDs == nil {
		return nil, missing("organization_ids")
	}
	return s.Organizations.Delete(ctx, who, *r.IDs)
}

func (s *server) organizationInfos(ctx context.Context, who caller.Caller, r *organizationIDs) ([]organization.Full, error) {
	if r.Organizations == nil {
		return nil, missing("organizations")
	}
	return s.Organizations.Infos(ctx, who, *r.Organizations)
}

func (s *server) organizationList(c echo.Context) error {
	out, err := s.Organizations.List(c.Request().Context(), callerOf(c), optional(c, "org_id"), optional(c, "org_alias"))
	return reply(c, out, err)
}

func (s *server) organizationInfo(c echo.Context) error {
	out, err := s.Organizations.Info(c.Request().Context(), callerOf(c), c.QueryParam("organization_id"))
	return reply(c, out, err)
}

type tagNames struct {
	Names *[]string `json:"names"`
	Name  string    `json:"name"`
}

func (s *server) tagInfo(ctx context.Context, who caller.Caller, r *tagNames) (map[string]tag.Info, error) {
	if r.Names == nil {
		return nil, missing("names")
	}
	return s.Tags.Info(ctx, who, *r.Names)
}

func (s *server) tagDelete(ctx context.Context, who caller.Caller, r *tagNames) (map[string]string, error) {
	message, err := s.Tags.Delete(ctx, who, r.Name)
	return map[string]string{"message": message}, err
}
