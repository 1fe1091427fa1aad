package litellm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// retries bounds how often a page is tried again because somebody else took a
// name in between.
const retries = 3

const deletedHere = "it was deleted here since an earlier import"

// outcome is what became of a page.
type outcome struct {
	written map[string]bool
	gone    []*item // deleted here
	there   int64
}

// write brings one page into our table, in a transaction of its own, and reports
// what became of it.
func (r *run) write(ctx context.Context, p *plan, page []*item) error {
	if len(page) == 0 {
		return nil
	}
	var out outcome
	var err error
	for range retries {
		err = r.Store.InTx(ctx, func(tx *store.Tx) error {
			var err error
			if out, err = r.merge(ctx, tx, p, page); err == nil && r.DryRun {
				err = errDryRun
			}
			return err
		})
		if _, taken := store.Duplicate(err); !taken {
			break
		}
	}
	switch {
	case store.Refused(err):
		return r.writeEach(ctx, p, page, err)
	case err != nil && !errors.Is(err, errDryRun):
		return err
	}
	p.report.Written += int64(len(out.written))
	p.report.Unchanged += out.there
	if err := r.grown(ctx, p); err != nil {
		return err
	}
	for _, it := range out.gone {
		r.skip(p, it, deletedHere)
	}
	for _, it := range page {
		if out.written[it.key] {
			r.tellOf(p, it)
		}
	}
	return nil
}

// grown lets Postgres count a table that has grown by as much as it was: plans
// that suit an empty one read all of it for each page.
func (r *run) grown(ctx context.Context, p *plan) error {
	if r.DryRun || p.report.Written < max(pageRows, 2*p.planned) {
		return nil
	}
	p.planned = p.report.Written
	return r.Store.Analyze(ctx, p.to, "litellm_import")
}

// writeEach finds the row for which Postgres refused a page, and goes on without
// it.
func (r *run) writeEach(ctx context.Context, p *plan, page []*item, refused error) error {
	if len(page) == 1 {
		r.skip(p, page[0], "our database refuses it: "+store.Refusal(refused))
		return nil
	}
	half := len(page) / 2
	if err := r.write(ctx, p, page[:half]); err != nil {
		return err
	}
	return r.write(ctx, p, page[half:])
}

// tellOf reports what of a row that was written is not as it was.
func (r *run) tellOf(p *plan, it *item) {
	for _, note := range it.notes {
		p.report.because(false, note, it.label)
		r.list.add(Line{p.name, it.label, "changed", note})
	}
	for _, column := range it.lost {
		p.report.lost(column)
		r.list.add(Line{p.name, it.label, "lost", "no place for column " + column})
	}
}

func (r *run) merge(ctx context.Context, tx *store.Tx, p *plan, page []*item) (outcome, error) {
	out := outcome{written: map[string]bool{}}
	wanted, err := r.wanted(ctx, tx, p, page, &out)
	if err != nil {
		return out, err
	}
	if err := p.distinguish(ctx, tx, wanted); err != nil {
		return out, err
	}
	if len(wanted) == 0 {
		return out, r.announce(ctx, tx, p, page, &out)
	}
	var before map[string]json.RawMessage
	if p.merge.Replace { // else none of them is here
		if before, err = r.stored(ctx, tx, p, wanted); err != nil {
			return out, err
		}
	}
	if out.written, err = tx.Merge(ctx, &p.merge, encoded(wanted)); err != nil {
		return out, err
	}
	out.there += int64(len(wanted) - len(out.written))
	if err := r.audit(ctx, tx, p, wanted, &out, before); err != nil {
		return out, err
	}
	return out, r.announce(ctx, tx, p, page, &out)
}

// wanted are the rows of a page that are to be written.
func (r *run) wanted(ctx context.Context, tx *store.Tx, p *plan, page []*item, out *outcome) ([]*item, error) {
	if p.merge.Replace {
		return page, nil
	}
	there, err := tx.Present(ctx, &p.merge, encoded(page))
	if err != nil {
		return nil, err
	}
	gone, err := r.gone(ctx, tx, p, page)
	if err != nil {
		return nil, err
	}
	var wanted []*item
	for _, it := range page {
		switch {
		case there[it.key]:
			out.there++
		case gone[it.id]:
			out.gone = append(out.gone, it)
		default:
			wanted = append(wanted, it)
		}
	}
	return wanted, nil
}

// gone are the ids of what was here once. Keys that were deleted, or got another
// text, must not work again, even when no import brought them.
func (r *run) gone(ctx context.Context, tx *store.Tx, p *plan, page []*item) (map[string]bool, error) {
	ids := idsOf(page, func(*item) bool { return p.once })
	known, err := r.Store.ImportKnown(ctx, tx, db.ImportKnownParams{Kind: string(p.kind), ObjectIds: ids})
	if err != nil {
		return nil, fmt.Errorf("read what was imported before: %w", err)
	}
	if p.kind == store.KindKey {
		deleted, err := r.Store.ImportDeletedKeys(ctx, tx, ids)
		if err != nil {
			return nil, fmt.Errorf("read deleted keys: %w", err)
		}
		known = append(known, deleted...)
	}
	gone := make(map[string]bool, len(known))
	for _, id := range known {
		gone[id] = true
	}
	return gone, nil
}

// idsOf are the ids of those items of a page that are meant.
func idsOf(page []*item, meant func(*item) bool) []string {
	ids := make([]string, 0, len(page))
	for _, it := range page {
		if meant(it) {
			ids = append(ids, it.id)
		}
	}
	return ids
}

// announce tells data planes, and remembers what was brought.
func (r *run) announce(ctx context.Context, tx *store.Tx, p *plan, page []*item, out *outcome) error {
	changed := idsOf(page, func(it *item) bool { return out.written[it.key] && p.published(it) })
	kind := p.kind
	if kind == kindCredential {
		var err error
		if changed, err = r.users(ctx, tx, idsOf(page, func(it *item) bool { return out.written[it.key] })); err != nil {
			return err
		}
		kind = store.KindModel
	}
	if err := tx.ChangedAll(ctx, kind, changed); err != nil {
		return err
	}
	if !p.once {
		return nil
	}
	all := idsOf(page, func(it *item) bool { return !slices.Contains(out.gone, it) })
	if err := r.Store.ImportRemember(ctx, tx, db.ImportRememberParams{Kind: string(p.kind), ObjectIds: all}); err != nil {
		return fmt.Errorf("remember what was imported: %w", err)
	}
	return nil
}

// published reports whether data planes are told of a row.
func (p *plan) published(it *item) bool {
	switch p.kind {
	case "", kindOrgMember, kindPermission, kindCredential, kindGroup:
		return false
	case store.KindCustomer:
		return string(it.rec["managed"]) == "true"
	default:
		return true
	}
}

// distinguish gives rows another name that have one which somebody else has.
func (p *plan) distinguish(ctx context.Context, tx *store.Tx, page []*item) error {
	u := p.unique
	if u == nil {
		return nil
	}
	var all []string
	for _, it := range page {
		if v := text(it.rec[u.column]); v != "" {
			all = append(all, v)
		}
	}
	holders, err := tx.Holders(ctx, &p.merge, u.column, u.anyCase, all)
	if err != nil {
		return err
	}
	for _, it := range page {
		holder, taken := holders[text(it.rec[u.column])]
		if !taken || holder == it.key {
			continue
		}
		if err := u.give(it, "another one here"); err != nil {
			return err
		}
	}
	return nil
}

// give makes another name for a row.
func (u *unique) give(it *item, whose string) error {
	value, note := u.replace(it, whose)
	it.note("%s", note)
	delete(it.rec, u.column)
	if value != "" {
		it.rec[u.column] = quote(value)
	}
	return it.encode()
}

// encoded are rows as one JSON array.
func encoded(page []*item) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, it := range page {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(it.raw)
	}
	b.WriteByte(']')
	return b.Bytes()
}
