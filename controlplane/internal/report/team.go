package report

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// led returns the teams all of whose activity a caller sees, where it is
// narrowed to their own. It refuses teams that are asked for and are nothing to
// the caller.
func (s *Service) led(ctx context.Context, who caller.Caller, asked []string) ([]string, error) {
	if who.May().SeesSpend() {
		return []string{}, nil
	}
	teams, err := s.teamsOf(ctx, who, asked)
	if err != nil {
		return nil, err
	}
	led, known := []string{}, map[string]bool{who.TeamID: true}
	for i := range teams {
		t := who.In(&teams[i])
		if who.May().SeesTeam(t) {
			known[t.ID] = true
		}
		if who.May().SeesTeamActivity(t) {
			led = append(led, t.ID)
		}
	}
	for _, id := range asked {
		if !known[id] {
			return nil, apierr.Detail(http.StatusNotFound, "User does not belong to Team= %.128s. Call `/user/info` to see user's teams", id)
		}
	}
	return led, nil
}

// teamsOf are the teams that are asked for, and else those that a caller has to
// do with.
func (s *Service) teamsOf(ctx context.Context, who caller.Caller, asked []string) ([]db.TeamTable, error) {
	if len(asked) > 0 {
		teams, err := s.store.TeamsByIDs(ctx, s.read, asked)
		if err != nil {
			return nil, fmt.Errorf("read teams: %w", err)
		}
		return teams, nil
	}
	var teams []db.TeamTable
	if who.UserID != "" {
		own, err := s.store.TeamsOfUser(ctx, s.read, who.UserID)
		if err != nil {
			return nil, fmt.Errorf("read teams of user: %w", err)
		}
		teams = append(teams, own...)
	}
	if orgs := who.May().Administered(); len(orgs) > 0 {
		theirs, err := s.store.OrgsTeams(ctx, s.read, orgs)
		if err != nil {
			return nil, fmt.Errorf("read teams of organizations: %w", err)
		}
		teams = append(teams, theirs...)
	}
	return teams, nil
}

// teamActivity are the rows of teams: of all that a caller leads, and of their
// own keys in the others.
func (s *Service) teamActivity(ctx context.Context, p *db.UserActivityParams, led []string) ([]db.UserActivityRow, error) {
	rows, err := s.store.TeamActivity(ctx, s.read, db.TeamActivityParams{
		StartDate: p.StartDate, EndDate: p.EndDate, Entities: p.Entities, Excluded: p.Excluded, ApiKey: p.ApiKey, Model: p.Model, Owner: p.Owner,
		Led: led, PageSize: p.PageSize, Skip: p.Skip,
	})
	return convert(rows, func(r db.TeamActivityRow) db.UserActivityRow { return db.UserActivityRow(r) }), err
}

func (s *Service) teamActivityCount(ctx context.Context, p *db.UserActivityParams, led []string) (int64, error) {
	return s.store.TeamActivityCount(ctx, s.read, db.TeamActivityCountParams{
		StartDate: p.StartDate, EndDate: p.EndDate, Entities: p.Entities, Excluded: p.Excluded, ApiKey: p.ApiKey, Model: p.Model, Owner: p.Owner, Led: led,
	})
}
