package offline

import (
	"context"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/app"
	"github.com/tianjillm/tianjillm/shared/config"
)

// errTampered is what a verification that failed ends with.
var errTampered = errors.New("the audit trail is not what was written")

// VerifyAudit goes through the hash chain of the audit trail.
func VerifyAudit(ctx context.Context, t *Terminal, args []string) (err error) {
	var to target
	set := config.New("tianji audit verify", t.Out, t.Lookup)
	set.WithoutTwins()
	set.About("Goes through the hash chain of the audit trail, which general_settings.audit_chain: true keeps: was an entry changed, or removed?\n" +
		"It reads the database itself and ends with status 1 when something is wrong.")
	set.Examples("DATABASE_URL=postgres://... tianji audit verify\ntianji audit verify --data-dir ./data")
	to.define(set, t.Lookup, "database-url")
	if ends, err := parsed(set.Parse(args)); ends {
		return err
	}
	if err := to.choose(set, "database-url"); err != nil {
		return err
	}
	url, _, closing, err := to.open(ctx, t, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	line := newProgress(t)
	v, err := app.VerifyAudit(ctx, url, func(n int64) { line.show(fmt.Sprintf("%d entries", n), "", false) })
	line.end()
	if err != nil {
		return fmt.Errorf("audit verify: %w", err)
	}
	_, err = fmt.Fprintf(t.Out, "linked entries    %d\nentries without   %d\n", v.Entries, v.Unlinked)
	switch {
	case err != nil:
		return fmt.Errorf("write: %w", err)
	case v.Broken != nil:
		return fmt.Errorf("%w: entry %s of %s (%s %s %s) was changed, or the one before it removed", errTampered,
			v.Broken.ID, v.Broken.UpdatedAt.Format("2006-01-02 15:04:05Z07:00"), v.Broken.Action, v.Broken.TableName, v.Broken.ObjectID)
	case v.Truncated:
		return fmt.Errorf("%w: its last entries are missing", errTampered)
	}
	verdict := "the chain is sound"
	if v.Entries == 0 {
		verdict = "no entry is linked, so nothing could be verified: set general_settings.audit_chain: true"
	}
	_, err = fmt.Fprintln(t.Out, verdict)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
