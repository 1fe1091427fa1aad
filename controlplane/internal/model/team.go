package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// noModels stands in a list that allows nothing: an empty one allows all.
const noModels = "no-default-models"

// owned is the team that a deployment is for, and how the team calls it.
type owned struct{ team, name string }

func ownerOf(name string, info json.RawMessage) owned {
	var about struct {
		Team   string `json:"team_id"`
		Public string `json:"team_public_model_name"`
	}
	if json.Unmarshal(info, &about) != nil || about.Team == "" {
		return owned{}
	}
	if about.Public != "" {
		name = about.Public
	}
	return owned{about.Team, name}
}

// moveTeam brings the lists of models of the teams to what has become of a
// deployment, which is written.
func (s *Service) moveTeam(ctx context.Context, tx *store.Tx, who caller.Caller, before, after owned) error {
	if before == after {
		return nil
	}
	if before.team != "" {
		if err := s.teamLoses(ctx, tx, who, before.team, before.name); err != nil {
			return err
		}
	}
	if after.team == "" {
		return nil
	}
	return s.teamGains(ctx, tx, who, after.team, after.name)
}

// teamGains adds a name to what a team may use. A list that is empty allows
// everything and stays so.
func (s *Service) teamGains(ctx context.Context, tx *store.Tx, who caller.Caller, team, name string) error {
	row, err := s.store.ModelTeamForUpdate(ctx, tx, team)
	if errors.Is(err, store.ErrNotFound) {
		return noTeam(team)
	}
	if err != nil {
		return fmt.Errorf("read team: %w", err)
	}
	if len(row.Models) == 0 || slices.Contains(row.Models, name) {
		return nil
	}
	return s.setTeam(ctx, tx, who, row, append(slices.Clone(row.Models), name))
}

// teamLoses takes a name from what a team may use, unless it has another
// deployment of that name.
func (s *Service) teamLoses(ctx context.Context, tx *store.Tx, who caller.Caller, team, name string) error {
	row, err := s.store.ModelTeamForUpdate(ctx, tx, team)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read team: %w", err)
	}
	names, err := s.store.ModelTeamNames(ctx, tx, team)
	if err != nil {
		return fmt.Errorf("read the models of a team: %w", err)
	}
	if !slices.Contains(row.Models, name) || slices.Contains(names, name) {
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(row.Models), func(m string) bool { return m == name })
	if len(left) == 0 {
		left = []string{noModels}
	}
	return s.setTeam(ctx, tx, who, row, left)
}

func (s *Service) setTeam(ctx context.Context, tx *store.Tx, who caller.Caller, row db.ModelTeamForUpdateRow, models []string) error {
	if err := s.store.ModelTeamSet(ctx, tx, db.ModelTeamSetParams{TeamID: row.TeamID, Models: models}); err != nil {
		return fmt.Errorf("write team: %w", err)
	}
	change := &audit.Entry{
		Actor: who.Actor(), Action: audit.Updated, Table: audit.Teams, ObjectID: row.TeamID,
		Before: map[string][]string{"models": row.Models}, After: map[string][]string{"models": models},
	}
	if err := tx.Audited(ctx, change); err != nil {
		return err
	}
	return tx.Changed(ctx, store.KindTeam, row.TeamID)
}
