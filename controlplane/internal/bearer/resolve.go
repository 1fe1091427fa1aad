package bearer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// resolve replaces whom a token names by those whom the database has, and makes
// them where the settings say so.
func (s *Service) resolve(ctx context.Context, subject *jwtauth.Subject) error {
	u, err := s.user(ctx, subject)
	if err != nil {
		return err
	}
	if err := s.teamsOf(ctx, subject); err != nil {
		return err
	}
	if s.settings.Sync && u != nil {
		return s.sync(ctx, subject, u)
	}
	return nil
}

// self is who the audit trail says made a user: the user, by their token.
func self(subject *jwtauth.Subject) caller.Caller {
	who := caller.Caller{Master: true, ChangedBy: subject.UserID}
	if who.ChangedBy == "" && len(subject.Teams) > 0 {
		who.ChangedBy = subject.Teams[0]
	}
	return who
}

// user finds or makes the user of a token; nil is none.
func (s *Service) user(ctx context.Context, subject *jwtauth.Subject) (*db.UserTable, error) {
	if subject.UserID == "" {
		return nil, nil //nolint:nilnil // see above
	}
	u, err := s.find(ctx, subject)
	if u == nil && err == nil && s.settings.UpsertUsers {
		if err = s.make(ctx, subject); err == nil {
			u, err = s.find(ctx, subject)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case u != nil:
		subject.UserID = u.UserID
	case subject.NeedsUser():
		return nil, jwtauth.UnknownUser(subject.UserID)
	}
	return u, nil
}

// find looks a user up by id, by the id of single sign-on, and by the address.
func (s *Service) find(ctx context.Context, subject *jwtauth.Subject) (*db.UserTable, error) {
	conn := s.Store.DB()
	for _, look := range []func() (db.UserTable, error){
		func() (db.UserTable, error) { return s.Store.UserByID(ctx, conn, subject.UserID) },
		func() (db.UserTable, error) { return s.Store.UserBySSOID(ctx, conn, subject.UserID) },
		func() (db.UserTable, error) {
			if subject.Email == "" {
				return db.UserTable{}, store.ErrNotFound
			}
			return s.Store.UserByEmail(ctx, conn, subject.Email)
		},
	} {
		u, err := look()
		if err == nil {
			return &u, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("read user: %w", err)
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// make makes the user of a token. Whoever came first has made the same.
func (s *Service) make(ctx context.Context, subject *jwtauth.Subject) error {
	r := &user.Request{UserID: sent(subject.UserID), AutoCreateKey: sent(false)}
	if subject.Email != "" {
		r.UserEmail = sent(subject.Email)
	}
	if ofUser(subject.Role) {
		r.UserRole = sent(string(subject.Role))
	}
	_, err := s.Users.New(ctx, self(subject), r)
	if e, ok := errors.AsType[*apierr.Error](err); ok && e.Status == http.StatusConflict {
		return nil
	}
	return err
}

// ofUser reports whether a role is one that users have.
func ofUser(r policy.Role) bool {
	return r != policy.NoRole && r != policy.TeamToken && r != policy.Customer
}

func sent[T any](value T) field.Of[T] { return field.Of[T]{Sent: true, Value: value} }

// teamsOf replaces the teams of a token by those that there are.
func (s *Service) teamsOf(ctx context.Context, subject *jwtauth.Subject) error {
	if err := s.byAlias(ctx, subject); err != nil || len(subject.Teams) == 0 {
		return err
	}
	known, err := s.Store.TeamsKnown(ctx, s.Store.DB(), subject.Teams)
	if err != nil {
		return fmt.Errorf("read teams: %w", err)
	}
	var there []string
	for _, id := range subject.Teams {
		if !slices.Contains(known, id) {
			if !s.settings.UpsertTeams {
				continue
			}
			if err := s.makeTeam(ctx, subject, &team.Request{TeamID: sent(id), TeamAlias: sent(id)}); err != nil {
				return err
			}
		}
		there = append(there, id)
	}
	if len(there) == 0 && subject.NeedsTeam() {
		return jwtauth.UnknownTeam(subject.Teams[0])
	}
	subject.Teams = there
	return nil
}

func (s *Service) byAlias(ctx context.Context, subject *jwtauth.Subject) error {
	if subject.TeamAlias == "" {
		return nil
	}
	ids, err := s.Store.TeamsByAlias(ctx, s.Store.DB(), subject.TeamAlias)
	switch {
	case err != nil:
		return fmt.Errorf("read teams: %w", err)
	case len(ids) > 1:
		return apierr.Forbidden("Several teams have the alias '%s' that the token names.", subject.TeamAlias)
	case len(ids) == 0 && !s.settings.UpsertTeams:
		return jwtauth.UnknownTeam(subject.TeamAlias)
	case len(ids) == 0:
		ids = []string{subject.TeamAlias}
		if err := s.makeTeam(ctx, subject, &team.Request{TeamID: sent(subject.TeamAlias), TeamAlias: sent(subject.TeamAlias)}); err != nil {
			return err
		}
	}
	others := slices.DeleteFunc(subject.Teams, func(id string) bool { return id == ids[0] })
	subject.Teams = slices.Concat(ids, others)
	return nil
}

// makeTeam makes a team. Whoever came first has made the same.
func (s *Service) makeTeam(ctx context.Context, subject *jwtauth.Subject, r *team.Request) error {
	_, err := s.Teams.New(ctx, self(subject), r)
	if err == nil {
		return nil
	}
	if known, again := s.Store.TeamsKnown(ctx, s.Store.DB(), []string{r.TeamID.Value}); again == nil && len(known) > 0 {
		return nil
	}
	return err
}

// sync brings a user's role and teams to what the token says. A token that names
// no team says nothing of teams.
func (s *Service) sync(ctx context.Context, subject *jwtauth.Subject, u *db.UserTable) error {
	who := self(subject)
	if ofUser(subject.Role) && (u.UserRole == nil || *u.UserRole != string(subject.Role)) {
		body, err := json.Marshal(map[string]string{"user_id": u.UserID, "user_role": string(subject.Role)})
		if err != nil {
			return fmt.Errorf("encode change of user: %w", err)
		}
		var r user.UpdateRequest
		if err := json.Unmarshal(body, &r); err != nil {
			return fmt.Errorf("encode change of user: %w", err)
		}
		if _, err := s.Users.Update(ctx, who, &r); err != nil {
			return fmt.Errorf("bring role of user to the token's: %w", err)
		}
	}
	if len(subject.Teams) == 0 {
		return nil
	}
	for _, id := range subject.Teams {
		if slices.Contains(u.Teams, id) {
			continue
		}
		r := &team.AddRequest{TeamID: id, Member: field.List[team.Member]{Items: []team.Member{{UserID: &u.UserID, Role: policy.TeamMember}}}}
		if _, err := s.Teams.AddMembers(ctx, who, r); err != nil {
			return fmt.Errorf("bring teams of user to the token's: %w", err)
		}
	}
	for _, id := range u.Teams {
		if slices.Contains(subject.Teams, id) {
			continue
		}
		if _, err := s.Teams.DeleteMember(ctx, who, &team.ChangeRequest{TeamID: id, Name: person.Name{UserID: &u.UserID}}); err != nil {
			return fmt.Errorf("bring teams of user to the token's: %w", err)
		}
	}
	return nil
}
