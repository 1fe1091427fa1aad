package key

import (
	"context"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// Generate makes a key. That of a user who is no admin is their own, unless
// they may make keys of a team for its members.
func (s *Service) Generate(ctx context.Context, who caller.Caller, r *Request) (Generated, error) {
	if !who.May().Admin() && r.UserID.Or("") == "" && who.UserID != "" {
		r.UserID = sent(who.UserID)
	}
	return s.generate(ctx, who, r, routeGenerate)
}

// GenerateServiceAccount makes a key of a team that is nobody's, so that it
// outlives whoever made it.
func (s *Service) GenerateServiceAccount(ctx context.Context, who caller.Caller, r *Request) (Generated, error) {
	if r.TeamID.Or("") == "" {
		return Generated{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest,
			"team_id is required for service account keys. Please specify `team_id` in the request body.")
	}
	team, err := s.teamRow(ctx, s.store.DB(), &r.TeamID.Value)
	if err != nil {
		return Generated{}, err
	}
	if team == nil {
		return Generated{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest,
			"team_id does not exist in the database. Please specify a valid `team_id` in the request body.")
	}
	r.UserID = field.Of[string]{}
	return s.generate(ctx, who, r, routeServiceAccount)
}

// IssueIn makes a key, within the transaction, for a user whom the caller makes:
// nothing more is asked.
func (s *Service) IssueIn(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request) (Generated, error) {
	return s.createIn(ctx, tx, who, r, ident.NewKey(), false)
}

func (s *Service) generate(ctx context.Context, who caller.Caller, r *Request, path string) (Generated, error) {
	return s.create(ctx, who, r, func(tx *store.Tx) error {
		if err := s.mayGenerate(ctx, tx, who, r, path); err != nil {
			return err
		}
		s.rules.fill(r)
		if path == routeServiceAccount {
			r.UserID = field.Of[string]{}
		}
		return nil
	})
}

// create makes a key once prepare has agreed to it.
func (s *Service) create(ctx context.Context, who caller.Caller, r *Request, prepare func(*store.Tx) error) (made Generated, err error) {
	plain, chosen := r.Key.Or(""), true
	if plain == "" {
		plain, chosen = ident.NewKey(), false
	}
	if err := wellFormed(plain); err != nil {
		return Generated{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		if err := prepare(tx); err != nil {
			return err
		}
		made, err = s.createIn(ctx, tx, who, r, plain, chosen)
		return err
	})
	if err != nil {
		return Generated{}, err
	}
	return made, nil
}

func (s *Service) createIn(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request, plain string, chosen bool) (Generated, error) {
	row, err := s.newRow(who, r, plain)
	if err != nil {
		return Generated{}, err
	}
	stored, err := s.insert(ctx, tx, who, r, row, chosen)
	if err != nil {
		return Generated{}, err
	}
	made := generated(plain, stored, r.Duration.Ptr())
	if err := s.complete(ctx, tx, &made.Info); err != nil {
		return Generated{}, err
	}
	if err := tx.Audited(ctx, entry(who, audit.Created, stored.Token, nil, View(stored))); err != nil {
		return Generated{}, err
	}
	return made, tx.Changed(ctx, store.KindKey, stored.Token)
}

// insert writes a new key. chosen says that somebody chose its text.
func (s *Service) insert(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request, row *db.VerificationToken, chosen bool) (db.VerificationToken, error) {
	if err := s.permit(ctx, tx, row, r); err != nil {
		return *row, err
	}
	if err := s.admit(ctx, tx, &db.VerificationToken{}, row); err != nil {
		return *row, err
	}
	stored, err := s.store.KeyInsert(ctx, tx, insertParams(*row))
	if err != nil {
		return stored, duplicate(err, row.KeyAlias)
	}
	if stored, err = s.delegate(ctx, tx, who, stored, nil); err != nil || !chosen {
		return stored, err
	}
	return stored, s.untaken(ctx, tx, stored.Token)
}

// newRow is the key that a request asks for, held to what the settings say.
func (s *Service) newRow(who caller.Caller, r *Request, plain string) (*db.VerificationToken, error) {
	name, now := ident.KeyName(plain), time.Now()
	row := &db.VerificationToken{
		Token: ident.HashKey(plain), KeyName: &name, CreatedBy: who.ID(), Models: []string{}, AllowedRoutes: []string{}, AllowedCacheControls: []string{},
	}
	if err := r.apply(row, now); err != nil {
		return nil, err
	}
	return row, s.rules.hold(r, row, true, now)
}
