package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/bucket"
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
	switch scheme, _, is := strings.Cut(o.Archive, "://"); {
	case !is:
		a.retention.Archive = trail.Dir(o.Archive)
		return nil
	case scheme != "s3":
		return fmt.Errorf("general_settings.audit_archive: %q is neither a directory nor s3://bucket/prefix", o.Archive)
	}
	b, err := bucket.New(a.bucketOptions(&o))
	if err != nil {
		return fmt.Errorf("general_settings.audit_archive: %w", err)
	}
	a.retention.Archive = b
	return nil
}

// bucketOptions takes from the environment what the configuration does not say,
// by the names that AWS's own tools read.
func (a *App) bucketOptions(o *proxyconfig.Audit) *bucket.Options {
	or := func(configured string, names ...string) string {
		for _, name := range names {
			if configured == "" && a.opts.Lookup != nil {
				configured, _ = a.opts.Lookup(name)
			}
		}
		return configured
	}
	out := &bucket.Options{
		URL: o.Archive, Region: or(o.ArchiveRegion, "AWS_REGION", "AWS_DEFAULT_REGION"),
		Endpoint:  or(o.ArchiveEndpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
		AccessKey: or(o.ArchiveKeyID, "AWS_ACCESS_KEY_ID"), SecretKey: or(o.ArchiveSecret.Reveal(), "AWS_SECRET_ACCESS_KEY"),
	}
	if o.ArchiveKeyID == "" { // a session is of the key beside it
		out.SessionToken = or("", "AWS_SESSION_TOKEN")
	}
	return out
}
