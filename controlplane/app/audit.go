package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/period"
)

// keepAudit prepares the audit trail: whether it is kept, how long, and where
// what is too old goes.
func (a *App) keepAudit(cfg *proxyconfig.Config) error {
	o := cfg.General.Audit
	a.store.KeepAudit(store.AuditOptions{Keep: cfg.Settings.StoreAuditLogs, Chain: o.Chain})
	a.retention = &trail.Retention{Store: a.store, Logger: a.log}
	if o.Retention != "" {
		p, err := period.Parse(o.Retention)
		if err != nil {
			return fmt.Errorf("general_settings.audit_retention: %w", err)
		}
		epoch := time.Unix(0, 0)
		a.retention.Age = p.After(epoch).Sub(epoch)
	}
	if o.Archive == "" {
		return nil
	}
	if strings.Contains(o.Archive, "://") {
		return fmt.Errorf("general_settings.audit_archive: %q is not a directory; mount the bucket, or archive the directory", o.Archive)
	}
	a.retention.Archive = trail.Dir(o.Archive)
	return nil
}
