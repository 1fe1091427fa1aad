package trail

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// batch is how many entries are read at one time.
const batch = 1000

// Verdict is what came out of a verification.
type Verdict struct {
	// Entries were linked as they should be; Unlinked were written while no
	// chain was kept.
	Entries, Unlinked int64
	// Broken is the first entry that is not what was written, or nil.
	Broken *Entry
	// Truncated says that the last entries are missing.
	Truncated bool
}

// Sound reports whether nothing was changed and nothing removed.
func (v *Verdict) Sound() bool { return v.Broken == nil && !v.Truncated }

// Verify goes through the chain of the trail from where it was last archived.
// Progress, which may be nil, is told how many entries were read.
func (s *Service) Verify(ctx context.Context, progress func(entries int64)) (Verdict, error) {
	var v Verdict
	chain, err := s.store.AuditChain(ctx, s.store.DB())
	if err != nil {
		return v, fmt.Errorf("read the end of the chain: %w", err)
	}
	previous, seq := chain.ArchivedHash, chain.ArchivedSeq
	reached := bytes.Equal(previous, chain.Hash) // entries may be added while we read
	for {
		rows, err := s.store.AuditAfter(ctx, s.store.DB(), db.AuditAfterParams{Seq: seq, PageSize: batch})
		if err != nil {
			return v, fmt.Errorf("read audit logs: %w", err)
		}
		for i := range rows {
			r := &rows[i]
			seq = r.Seq
			if len(r.Hash) == 0 {
				v.Unlinked++
				continue
			}
			if !bytes.Equal(r.Hash, rowOf(r).Hash(previous)) {
				e := show(r)
				v.Broken = &e
				return v, nil
			}
			previous = r.Hash
			reached = reached || bytes.Equal(previous, chain.Hash)
			v.Entries++
		}
		if progress != nil && len(rows) > 0 {
			progress(v.Entries + v.Unlinked)
		}
		if len(rows) < batch {
			break
		}
	}
	v.Truncated = !reached
	return v, nil
}

func rowOf(r *db.AuditLog) *audit.Row {
	return &audit.Row{
		ID: r.ID.Bytes, UpdatedAt: r.UpdatedAt.UTC().Truncate(time.Microsecond), Before: r.BeforeValue, After: r.UpdatedValues,
		Entry: audit.Entry{
			Actor: audit.Actor{ID: r.ChangedBy, KeyHash: r.ChangedByApiKey}, Action: audit.Action(r.Action), Table: audit.Table(r.TableName), ObjectID: r.ObjectID,
		},
	}
}
