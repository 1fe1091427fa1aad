package user

import (
	"context"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const (
	// mostAtOnce is how many users one request may change by name.
	mostAtOnce = 500
	// mostPasswords is how many of them may get a password: each takes a part of a
	// second to hash.
	mostPasswords = 20
	// mostOfAll is how many users all of them may be, page of which are changed in
	// one transaction.
	mostOfAll = 5000
	page      = 250
)

// BulkRequest is the body of /user/bulk_update: changes of users by name, or one
// change of all users.
type BulkRequest struct {
	Users    []UpdateRequest `json:"users"`
	AllUsers bool            `json:"all_users"`
	Updates  *UpdateRequest  `json:"user_updates"`
}

// Result is what became of one user.
type Result struct {
	UserID      *string `json:"user_id"`
	UserEmail   *string `json:"user_email"`
	Success     bool    `json:"success"`
	Error       *string `json:"error"`
	UpdatedUser *View   `json:"updated_user"`
}

// BulkUpdated is the reply of /user/bulk_update.
type BulkUpdated struct {
	Results    []Result `json:"results"`
	Total      int      `json:"total_requested"`
	Successful int      `json:"successful_updates"`
	Failed     int      `json:"failed_updates"`
}

func (r *BulkRequest) check() error {
	bad := func(format string, args ...any) error {
		return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, format, args...)
	}
	passwords := 0
	for i := range r.Users {
		if r.Users[i].Password.Ptr() != nil {
			passwords++
		}
	}
	switch {
	case r.AllUsers && r.Updates != nil && len(r.Users) == 0:
		if r.Updates.UserID.Sent || r.Updates.UserEmail.Sent || r.Updates.Password.Sent {
			return bad("user_updates: user_id, user_email and password can not be the same for all users")
		}
		if role := r.Updates.UserRole.Ptr(); role != nil {
			return checkRole(*role)
		}
		return nil
	case r.AllUsers || len(r.Users) == 0:
		return bad("Must specify either 'users' for individual updates or 'all_users=True' with 'user_updates' for bulk updates")
	case len(r.Users) > mostAtOnce:
		return bad("Maximum %d users can be updated at once. Found %d users.", mostAtOnce, len(r.Users))
	case passwords > mostPasswords:
		return bad("Maximum %d passwords can be set at once. Found %d passwords.", mostPasswords, passwords)
	}
	return nil
}

// BulkUpdate changes many users. One that can not be changed keeps no other one
// from it.
func (s *Service) BulkUpdate(ctx context.Context, who caller.Caller, r *BulkRequest) (BulkUpdated, error) {
	if err := r.check(); err != nil {
		return BulkUpdated{}, err
	}
	if r.AllUsers {
		return s.updateAll(ctx, who, r.Updates)
	}
	out := BulkUpdated{Results: []Result{}}
	for i := range r.Users {
		one := &r.Users[i]
		result := Result{UserID: one.UserID.Ptr(), UserEmail: one.UserEmail.Ptr()}
		if updated, err := s.Update(ctx, who, one); err != nil {
			result.Error = new(store.Public(err).Message)
		} else {
			result.UserID, result.Success, result.UpdatedUser = &updated.UserID, true, &updated.Data
		}
		out.add(result)
	}
	return out, nil
}

func (b *BulkUpdated) add(results ...Result) {
	for _, r := range results {
		b.Total++
		if r.Success {
			b.Successful++
		} else {
			b.Failed++
		}
	}
	b.Results = append(b.Results, results...)
}

// updateAll changes all users, a page of them in one transaction.
func (s *Service) updateAll(ctx context.Context, who caller.Caller, r *UpdateRequest) (BulkUpdated, error) {
	out := BulkUpdated{Results: []Result{}}
	total, err := s.totals(ctx)
	if err != nil {
		return out, err
	}
	if total.Users > mostOfAll {
		return out, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "Maximum %d users can be updated at once. Found %d users.", mostOfAll, total.Users)
	}
	c, err := newChange(r)
	if err != nil {
		return out, err
	}
	for after := ""; ; {
		ids, err := s.idsAfter(ctx, after)
		if err != nil || len(ids) == 0 {
			return out, err
		}
		after = ids[len(ids)-1]
		results, err := s.updatePage(ctx, who, ids, c)
		if err != nil {
			message := store.Public(err).Message
			for _, id := range ids {
				out.add(Result{UserID: &id, Error: &message})
			}
			continue
		}
		out.add(results...)
	}
}

func (s *Service) updatePage(ctx context.Context, who caller.Caller, ids []string, c *change) ([]Result, error) {
	var results []Result
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		rows, err := s.store.UsersLock(ctx, tx, ids)
		if err != nil {
			return read("", err)
		}
		changed := make([]string, 0, len(rows))
		results = make([]Result, 0, len(rows))
		for _, row := range rows {
			if row, err = s.change(ctx, tx, who, row, c); err != nil {
				return err
			}
			shown := person.Show(row)
			results = append(results, Result{UserID: &shown.UserID, UserEmail: shown.UserEmail, Success: true, UpdatedUser: &shown})
			changed = append(changed, row.UserID)
		}
		return tx.ChangedAll(ctx, store.KindUser, changed)
	})
	return results, err
}
