package customer

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Block blocks customers, and makes those that are not known.
func (s *Service) Block(ctx context.Context, who caller.Caller, ids []string) ([]Stored, error) {
	if err := bounds.CheckIDs("user_ids", ids); err != nil {
		return nil, err
	}
	var out []Stored
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.meet(ctx, tx, who, ids); err != nil {
			return err
		}
		before, err := s.store.CustomersLock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read customers: %w", err)
		}
		rows, err := s.store.CustomersBlock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("block customers: %w", err)
		}
		if out, err = s.views(ctx, tx, rows); err != nil {
			return err
		}
		for i := range before {
			if before[i].Blocked {
				continue
			}
			if err := auditBlocking(ctx, tx, who, before[i].UserID, true); err != nil {
				return err
			}
		}
		return tx.ChangedAll(ctx, store.KindCustomer, userIDs(rows))
	})
	return out, err
}

// meet makes the customers that are not known.
func (s *Service) meet(ctx context.Context, tx *store.Tx, who caller.Caller, ids []string) error {
	made, err := s.store.CustomersMeet(ctx, tx, ids)
	if err != nil {
		return fmt.Errorf("write customers: %w", err)
	}
	views, err := s.views(ctx, tx, made)
	if err != nil {
		return err
	}
	for i := range views {
		if err := tx.Audited(ctx, entry(who, audit.Created, views[i].UserID, nil, views[i])); err != nil {
			return err
		}
	}
	return nil
}

// Unblock ends the blocking of customers and returns the ids of those that are
// still blocked. LiteLLM forgets to write it down.
func (s *Service) Unblock(ctx context.Context, who caller.Caller, ids []string) ([]string, error) {
	if err := bounds.CheckIDs("user_ids", ids); err != nil {
		return nil, err
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		rows, err := s.store.CustomersUnblock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("unblock customers: %w", err)
		}
		for i := range rows {
			if err := auditBlocking(ctx, tx, who, rows[i].UserID, false); err != nil {
				return err
			}
		}
		return tx.ChangedAll(ctx, store.KindCustomer, userIDs(rows))
	})
	if err != nil {
		return nil, err
	}
	blocked, err := s.store.CustomersBlocked(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list blocked customers: %w", err)
	}
	return blocked, nil
}

func userIDs(rows []db.EndUserTable) []string {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].UserID
	}
	return ids
}

func entry(who caller.Caller, action audit.Action, id string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Customers, ObjectID: id, Before: before, After: after}
}

// blocking is all of a customer that changes when it is blocked.
type blocking struct {
	UserID  string `json:"user_id"`
	Blocked bool   `json:"blocked"`
}

func auditBlocking(ctx context.Context, tx *store.Tx, who caller.Caller, id string, blocked bool) error {
	action := audit.Unblocked
	if blocked {
		action = audit.Blocked
	}
	return tx.AuditedChange(ctx, entry(who, action, id, blocking{id, !blocked}, blocking{id, blocked}))
}

func (s *Service) auditDeleted(ctx context.Context, tx *store.Tx, who caller.Caller, rows []db.EndUserTable) error {
	views, err := s.views(ctx, tx, rows)
	if err != nil {
		return err
	}
	for i := range views {
		if err := tx.Audited(ctx, entry(who, audit.Deleted, views[i].UserID, views[i], audit.Nothing{})); err != nil {
			return err
		}
	}
	return nil
}
