package offline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/app"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// importOptions are the flags of import-litellm.
type importOptions struct {
	target

	from                        secret.String
	theirSalt, theirMaster, own secret.String
	theirConfig                 string
	credentials                 []string
	dryRun, overwrite           bool
	audit, auditChain           bool
	report                      string
}

func (o *importOptions) define(set *config.Set, lookup config.Lookup) {
	set.WithoutTwins()
	set.About("Moves an installation of LiteLLM in: keys (which go on working), teams, users, organizations, customers, budgets, tags, models, credentials, what they\n" +
		"spent, and the sums a day. LiteLLM's database is only read, and may be in use. It can be repeated: what exists here stays, and what was deleted\n" +
		"here stays deleted. It can be interrupted, and goes on when it is started again.\n" +
		"A control plane that runs publishes what was moved at once; any other does when it starts. See docs/moving-from-litellm.md.")
	set.Examples("tianji import-litellm --from postgres://litellm:...@db/litellm --dry-run\n" +
		"LITELLM_SALT_KEY=... TIANJI_SALT_KEY=... tianji import-litellm --from postgres://litellm:...@db/litellm --to postgres://tianji:...@db/tianji\n" +
		"tianji import-litellm --from postgres://... --salt-key sk-... --data-dir ./data --report skipped.jsonl\n" +
		"tianji import-litellm --config /etc/litellm/config.yaml --data-dir ./data")
	set.Secret(&o.from, "from", "", "LiteLLM's database, as `URL`", "LITELLM_DATABASE_URL")
	o.target.define(set, lookup, "to")
	set.String(&o.theirConfig, "config", "", "LiteLLM's config.yaml, a `FILE` that tells its database, its keys and its credential_list where flags and variables do not")
	set.Secret(&o.theirSalt, "salt-key", "", "LiteLLM's salt `KEY`, which its models are sealed with", "LITELLM_SALT_KEY")
	set.Secret(&o.theirMaster, "master-key", "", "LiteLLM's master `KEY`, which they are sealed with when it has no salt key", "LITELLM_MASTER_KEY")
	set.Secret(&o.own, "tianji-salt-key", "", "our salt `KEY`; known by itself for 'tianji standalone'", "TIANJI_SALT_KEY")
	set.Bool(&o.dryRun, "dry-run", false, "do everything but commit it")
	set.Bool(&o.overwrite, "overwrite", false, "LiteLLM's version replaces what is here, and what was deleted here comes back")
	set.Bool(&o.audit, "audit", false, "leave an entry in the audit trail for each object, as it is done anyway where there are entries already, or the file of --config says so")
	set.String(&o.report, "report", "", "write each row that was skipped or changed to this `FILE`, as lines of JSON")
}

// ImportLiteLLM moves an installation of LiteLLM in.
func ImportLiteLLM(ctx context.Context, t *Terminal, args []string) (err error) {
	var o importOptions
	set := config.New("tianji import-litellm", t.Out, t.Lookup)
	o.define(set, t.Lookup)
	if ends, err := parsed(set.Parse(args)); ends {
		return err
	}
	if err := errors.Join(o.choose(set, "to"), o.readConfig(t)); err != nil {
		return err
	}
	if o.from.IsZero() {
		return UsageError{errors.New("--from is missing: the URL of LiteLLM's database, as in its DATABASE_URL")}
	}
	list, closeList, err := o.list()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeList()) }()
	url, salt, closing, err := o.open(ctx, t, !o.dryRun)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	if !o.own.IsZero() {
		salt = o.own
	}
	line := newProgress(t)
	r, err := app.ImportLiteLLM(ctx, app.ImportOptions{
		From: o.from, To: url, SaltKey: salt, TheirKeys: []secret.String{o.theirSalt, o.theirMaster}, FileCredentials: o.credentials,
		Overwrite: o.overwrite, DryRun: o.dryRun, Audit: o.audit, AuditChain: o.auditChain, List: list, Note: t.say,
		Progress: func(p app.ImportProgress) { line.show(line.bar(p.Table, p.Done, p.Total), p.Table, p.Done == p.Total) },
	})
	line.end()
	if err != nil && r != nil && !o.dryRun {
		err = unfinished{err}
	}
	return errors.Join(err, o.tell(t, r))
}

// unfinished is why an import ended on the way.
type unfinished struct{ error }

// Error implements error.
func (u unfinished) Error() string {
	why := u.error.Error()
	if errors.Is(u.error, context.Canceled) {
		why = "interrupted"
	}
	return why + "; what is in the table above is here and whole, and it goes on when it is started again"
}

// Unwrap returns the reason.
func (u unfinished) Unwrap() error { return u.error }

// readConfig takes from LiteLLM's config.yaml what was not given.
func (o *importOptions) readConfig(t *Terminal) error {
	if o.theirConfig == "" {
		return nil
	}
	c, err := app.ReadLiteLLMConfig(o.theirConfig, t.Lookup)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	for _, v := range []struct {
		to   *secret.String
		from secret.String
	}{{&o.from, c.Database}, {&o.theirSalt, c.SaltKey}, {&o.theirMaster, c.MasterKey}} {
		if v.to.IsZero() {
			*v.to = v.from
		}
	}
	o.credentials = c.Credentials
	o.audit, o.auditChain = o.audit || c.Audit, c.AuditChain
	return nil
}

// list opens the file of the full report.
func (o *importOptions) list() (io.Writer, func() error, error) {
	if o.report == "" {
		return nil, func() error { return nil }, nil
	}
	f, err := os.OpenFile(o.report, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("--report: %w", err)
	}
	b := bufio.NewWriter(f)
	return b, func() error {
		if err := errors.Join(b.Flush(), f.Close()); err != nil {
			return fmt.Errorf("write %s: %w", o.report, err)
		}
		return nil
	}, nil
}

// tell prints the report.
func (o *importOptions) tell(t *Terminal, r *app.ImportReport) error {
	if r == nil {
		return nil
	}
	if _, err := r.WriteTo(t.Out); err != nil {
		return err
	}
	switch {
	case r.Took == 0: // it failed on the way
		return nil
	case r.DryRun:
		t.say("\nA dry run: nothing was written. It took %s.", r.Took.Round(time.Millisecond))
	default:
		t.say("\nMoved in %s.", r.Took.Round(time.Millisecond))
	}
	if o.report != "" {
		t.say("%s holds each row that was skipped or changed.", o.report)
	}
	return nil
}
