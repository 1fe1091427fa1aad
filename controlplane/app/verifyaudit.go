package app

import (
	"context"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// AuditVerdict is what VerifyAudit found.
type AuditVerdict = trail.Verdict

// VerifyAudit goes through the hash chain of the audit trail. It reads the
// database itself: a control plane that was tampered with could say anything.
// Progress, which may be nil, is told how many entries were read.
func VerifyAudit(ctx context.Context, database secret.String, progress func(entries int64)) (AuditVerdict, error) {
	st, err := openDatabase(ctx, database, true, nil)
	if err != nil {
		return AuditVerdict{}, err
	}
	defer st.Close()
	return trail.New(st).Verify(ctx, progress)
}
