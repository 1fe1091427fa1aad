package team

import (
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const (
	// noModels stands in a list that allows nothing: an empty one allows all.
	noModels  = "no-default-models"
	allModels = "all-proxy-models"
)

// ModelsRequest is the body of /team/model/add and /team/model/delete.
type ModelsRequest struct {
	TeamID string   `json:"team_id"`
	Models []string `json:"models"`
}

func (r *ModelsRequest) check() error {
	if r.Models == nil {
		return apierr.Invalid("missing", "models", "Field required")
	}
	return bounds.CheckNames("models", r.Models)
}

// AddModels adds to what a team may use. A team that may use everything still
// may.
func (s *Service) AddModels(ctx context.Context, who caller.Caller, r *ModelsRequest) (View, error) {
	return s.changeModels(ctx, who, r, "/team/model/add", func(models []string) []string {
		if len(models) == 0 {
			models = []string{allModels}
		}
		if len(r.Models) > 0 {
			models = slices.DeleteFunc(models, func(m string) bool { return m == noModels })
		}
		for _, m := range r.Models {
			if !slices.Contains(models, m) {
				models = append(models, m)
			}
		}
		return models
	})
}

// DeleteModels takes from what a team may use. Who loses the last one may use
// none, and not all.
func (s *Service) DeleteModels(ctx context.Context, who caller.Caller, r *ModelsRequest) (View, error) {
	return s.changeModels(ctx, who, r, "/team/model/delete", func(models []string) []string {
		left := slices.DeleteFunc(slices.Clone(models), func(m string) bool { return slices.Contains(r.Models, m) })
		if len(left) == 0 && len(models) > 0 {
			return []string{noModels}
		}
		return left
	})
}

func (s *Service) changeModels(ctx context.Context, who caller.Caller, r *ModelsRequest, path string, change func([]string) []string) (View, error) {
	if err := r.check(); err != nil {
		return View{}, err
	}
	var out View
	err := s.governed(ctx, who, r.TeamID, path, func(tx *store.Tx, row db.TeamTable) error {
		wanted := row
		wanted.Models = change(slices.Clone(row.Models))
		if err := bounds.CheckNames("models", wanted.Models); err != nil {
			return err
		}
		if err := s.fits(ctx, tx, newModels(&row, &wanted)); err != nil {
			return err
		}
		after, err := s.store.TeamSetModels(ctx, tx, db.TeamSetModelsParams{TeamID: row.TeamID, Models: wanted.Models})
		if err != nil {
			return fmt.Errorf("write team: %w", err)
		}
		out = Show(after)
		return changed(ctx, tx, who, &row, &after)
	})
	return out, err
}

// newModels is a change of the models alone, of which those that the team has
// already are not asked about.
func newModels(before, after *db.TeamTable) *change {
	added := *after
	added.Models = slices.DeleteFunc(slices.Clone(after.Models), func(m string) bool { return slices.Contains(before.Models, m) })
	r := &Request{}
	r.Models.Sent = true
	return &change{before, &added, r}
}
