package litellm

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
)

// keepAudit lets the import leave its entries in the audit trail, where there is
// one: whether control planes keep it is in their config.yaml, which is not here.
func (r *run) keepAudit(ctx context.Context) error {
	found, err := r.Store.ImportAudited(ctx, r.Store.DB())
	if err != nil {
		return fmt.Errorf("read our audit trail: %w", err)
	}
	r.Audit = r.Audit || found.Kept
	r.Store.KeepAudit(store.AuditOptions{Keep: r.Audit, Chain: found.Chained || r.AuditChain})
	return nil
}

// stored are the rows of a page as our table has them, by their keys, for those
// that the audit trail tells of.
func (r *run) stored(ctx context.Context, tx *store.Tx, p *plan, page []*item) (map[string]json.RawMessage, error) {
	if !r.Audit || p.audited == "" {
		return nil, nil //nolint:nilnil // nobody wants them
	}
	return tx.Stored(ctx, &p.merge, encoded(page))
}

// audit leaves an entry for each row that was written, in the same transaction.
func (r *run) audit(ctx context.Context, tx *store.Tx, p *plan, page []*item, out *outcome, before map[string]json.RawMessage) error {
	after, err := r.stored(ctx, tx, p, page)
	if err != nil || after == nil {
		return err
	}
	for _, it := range page {
		if !out.written[it.key] || p.kind == store.KindCustomer && !p.published(it) { // LiteLLM's own doing
			continue
		}
		e := &audit.Entry{Actor: audit.Actor{ID: importer}, Action: audit.Created, Table: p.audited, ObjectID: it.id, After: shown(after[it.key])}
		write := tx.Audited
		if was := before[it.key]; was != nil {
			e.Action, e.Before = audit.Updated, shown(was)
			write = tx.AuditedChange
		}
		if err := write(ctx, e); err != nil {
			return err //nolint:wrapcheck // it says what it is
		}
	}
	return nil
}

// shown is a row without what is sealed or hashed in it.
func shown(row json.RawMessage) object {
	o := maps.Clone(members(row))
	delete(o, "sealed_params")
	delete(o, "sealed_values")
	delete(o, "password")
	return o
}
