package app

import (
	"context"
	"errors"
	"io"

	"github.com/tianjillm/tianjillm/controlplane/internal/litellm"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// ImportOptions say what ImportLiteLLM moves.
type ImportOptions struct {
	// From is the URL of LiteLLM's database, To that of ours.
	From, To secret.String
	// SaltKey seals provider credentials here, as that of the control planes.
	SaltKey secret.String
	// TheirKeys are what LiteLLM may have sealed with: its salt key, its master
	// key. Empty ones are passed over.
	TheirKeys []secret.String
	// FileCredentials are the names of credentials that are in config.yaml.
	FileCredentials []string
	// Overwrite lets LiteLLM's version win over what exists here.
	Overwrite bool
	// DryRun commits nothing.
	DryRun bool
	// Audit leaves an entry in the audit trail for each object even when there is
	// no trail yet. Where there is one, they are left anyway.
	Audit bool
	// AuditChain links these entries where the trail is not linked yet.
	AuditChain bool
	// List gets a line of JSON for each row that was skipped or changed. May be
	// nil.
	List io.Writer
	// Progress is told how far it is. May be nil.
	Progress func(ImportProgress)
	// Note is told what takes long before that. May be nil.
	Note func(format string, args ...any)
}

// ImportProgress is how far an import is.
type ImportProgress = litellm.Progress

// ImportReport is what an import did.
type ImportReport = litellm.Report

// ImportLiteLLM moves an installation of LiteLLM in. It needs no control plane to
// run; one that runs publishes what was moved. With an error comes the report of
// what was done until then, unless nothing was.
func ImportLiteLLM(ctx context.Context, o ImportOptions) (*ImportReport, error) {
	keys := make([]string, len(o.TheirKeys))
	for i, k := range o.TheirKeys {
		keys[i] = k.Reveal()
	}
	opener, err := litellm.NewOpener(keys...)
	if err != nil {
		return nil, err
	}
	if err := litellm.RefuseTheirs(ctx, o.To.Reveal()); err != nil {
		return nil, err
	}
	st, err := openDatabase(ctx, o.To, o.DryRun, o.Note)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return litellm.Import(ctx, litellm.Options{
		From: o.From.Reveal(), Store: st, Salt: o.SaltKey.Reveal(), Opener: opener,
		FileCredentials: o.FileCredentials, Overwrite: o.Overwrite, DryRun: o.DryRun, Audit: o.Audit, AuditChain: o.AuditChain, List: o.List, Progress: o.Progress,
	})
}

// LiteLLMConfig is what LiteLLM's config.yaml says of where it keeps things. What
// it does not say is empty.
type LiteLLMConfig struct {
	Database, SaltKey, MasterKey secret.String
	// Credentials are the names in credential_list.
	Credentials []string
	// Audit and AuditChain say whether an audit trail is kept with this file.
	Audit, AuditChain bool
}

// ReadLiteLLMConfig reads a config.yaml of LiteLLM's.
func ReadLiteLLMConfig(path string, lookup config.Lookup) (*LiteLLMConfig, error) {
	file, _, err := proxyconfig.Load(path, lookup) // warnings are of settings that nothing is done with
	if err != nil {
		return nil, err
	}
	c := &LiteLLMConfig{
		Database: known(file.General.DatabaseURL), MasterKey: known(file.General.MasterKey), SaltKey: known(file.Environment["LITELLM_SALT_KEY"]),
		Audit: file.Settings.StoreAuditLogs, AuditChain: file.General.Audit.Chain,
	}
	for i := range file.Credentials {
		c.Credentials = append(c.Credentials, file.Credentials[i].Name)
	}
	return c, nil
}

// known is a value that is not of a variable which is not set here.
func known(value secret.String) secret.String {
	if _, reference := proxyconfig.Reference(value.Reveal()); reference {
		return secret.String{}
	}
	return value
}

// openDatabase opens our database for a command at a terminal, and brings its
// schema up to date unless nothing may change.
func openDatabase(ctx context.Context, url secret.String, asItIs bool, note func(string, ...any)) (*store.Store, error) {
	if url.IsZero() {
		return nil, errors.New("no database: set DATABASE_URL")
	}
	if note == nil {
		note = func(string, ...any) {}
	}
	if !asItIs {
		if err := store.Migrate(ctx, url.Reveal(), migrations.FS, store.Progress(note)); err != nil {
			return nil, err
		}
	}
	const connections = 4
	return store.Open(ctx, url.Reveal(), connections)
}
