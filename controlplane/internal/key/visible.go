package key

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// restrict narrows a list to what the caller may see.
func (s *Service) restrict(ctx context.Context, who caller.Caller, f *db.KeyTokensParams) error {
	may := who.May()
	if may.Sees() {
		return nil
	}
	l := policy.Listing{UserID: f.UserID, OrgID: f.OrganizationID}
	if f.TeamID != nil {
		t, err := s.teamRow(ctx, s.store.DB(), f.TeamID)
		if err != nil {
			return err
		}
		if t == nil {
			t = &db.TeamTable{TeamID: *f.TeamID}
		}
		l.Team = who.In(t)
	}
	if err := may.ListKeys(&l); err != nil {
		return err
	}
	switch {
	case f.TeamID != nil || f.OrganizationID != nil:
	case who.UserID == "":
		f.Token = &who.KeyHash // a key without a user owns itself alone
	default:
		f.UserID = &who.UserID
	}
	return nil
}

// widen adds to the keys of a user what the query asks for besides.
func (s *Service) widen(ctx context.Context, who caller.Caller, q *ListQuery, f *db.KeyTokensParams) error {
	if f.UserID == nil || f.TeamID != nil || f.OrganizationID != nil || !q.TeamKeys && !q.CreatedKeys {
		return nil
	}
	if *f.UserID != who.UserID {
		who = caller.Caller{UserID: *f.UserID}
	}
	joined, led, err := s.teamsOf(ctx, who)
	if err != nil {
		return err
	}
	if q.CreatedKeys {
		f.CreatedBy, f.Teams = f.UserID, joined
	}
	if q.TeamKeys {
		f.LedTeams, f.JoinedTeams = led, joined
	}
	return nil
}

// teamsOf are the teams that somebody is in, and those of them that they lead.
func (s *Service) teamsOf(ctx context.Context, who caller.Caller) (joined, led []string, err error) {
	rows, err := s.store.KeyTeamsOf(ctx, s.store.DB(), who.UserID)
	if err != nil {
		return nil, nil, fmt.Errorf("read teams of user: %w", err)
	}
	joined, led = []string{}, []string{}
	for i := range rows {
		switch who.In(&rows[i]).Role {
		case policy.TeamAdmin:
			led = append(led, rows[i].TeamID)
			joined = append(joined, rows[i].TeamID)
		case policy.TeamMember:
			joined = append(joined, rows[i].TeamID)
		}
	}
	return joined, led, nil
}
