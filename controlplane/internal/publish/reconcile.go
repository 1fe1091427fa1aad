package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	reconcilePage = 1000
	// tombstoneAge is how long a deleted object is remembered: longer than any
	// write can be late.
	tombstoneAge = 24 * time.Hour
)

// Reconcile compares both buckets with the tables and the config file, and
// publishes every difference: what a crash between commit and publish left
// out, what a wiped or restored NATS lost, and objects that exist no more.
// When it returns, the principals bucket is known to be complete.
func (p *Publisher) Reconcile(ctx context.Context) error {
	begin := time.Now()
	if err := p.writeSettings(ctx); err != nil {
		return err
	}
	seen := map[string]bool{}
	if err := p.reconcileModels(ctx, seen); err != nil {
		return err
	}
	if err := p.reconcileAccessGroups(ctx, seen); err != nil {
		return err
	}
	if err := p.removeUnknown(ctx, p.names.ConfigBucket(), []string{contract.PrefixDeployment, contract.PrefixAccessGroup}, seen); err != nil {
		return err
	}
	seen = map[string]bool{}
	if err := p.reconcilePrincipals(ctx, seen); err != nil {
		return err
	}
	prefixes := []string{
		contract.PrefixVirtualKey, contract.PrefixTeam, contract.PrefixUser,
		contract.PrefixMember, contract.PrefixOrg, contract.PrefixCustomer, contract.PrefixTag,
		contract.PrefixJWTMapping,
	}
	if err := p.removeUnknown(ctx, p.names.PrincipalsBucket(), prefixes, seen); err != nil {
		return err
	}
	err := write(ctx, p, p.names.ConfigBucket(), contract.KeyPrincipalsState, func(context.Context, *contract.PrincipalsState) (*contract.PrincipalsState, error) {
		return &contract.PrincipalsState{Complete: true}, nil
	})
	if err != nil {
		return err
	}
	p.log.LogAttrs(ctx, slog.LevelInfo, "buckets reconciled with the database",
		slog.Int("principals", len(seen)), slog.Duration("took", time.Since(begin)))
	return nil
}

func (p *Publisher) writeSettings(ctx context.Context) error {
	err := write(ctx, p, p.names.ConfigBucket(), contract.KeyAuthSettings, func(context.Context, *contract.AuthSettings) (*contract.AuthSettings, error) {
		s := p.settings.Auth
		return &s, nil
	})
	if err != nil {
		return err
	}
	err = write(ctx, p, p.names.ConfigBucket(), contract.KeyGeneralSettings, func(context.Context, *contract.GeneralSettings) (*contract.GeneralSettings, error) {
		s := p.settings.General
		return &s, nil
	})
	if err != nil {
		return err
	}
	if err := p.writeRouter(ctx); err != nil {
		return err
	}
	err = write(ctx, p, p.names.ConfigBucket(), contract.KeyCacheSettings, func(context.Context, *contract.CacheSettings) (*contract.CacheSettings, error) {
		s := p.settings.Cache
		return &s, nil
	})
	if err != nil {
		return err
	}
	if err := p.writeLimits(ctx); err != nil {
		return err
	}
	return write(ctx, p, p.names.ConfigBucket(), contract.KeyPassThroughSettings, func(_ context.Context, prev *contract.PassThroughSettings) (*contract.PassThroughSettings, error) {
		if p.settings.PassThrough == nil {
			return &contract.PassThroughSettings{}, nil
		}
		return p.settings.PassThrough(prev)
	})
}

func (p *Publisher) writeLimits(ctx context.Context) error {
	return write(ctx, p, p.names.ConfigBucket(), contract.KeyLimitSettings, func(ctx context.Context, _ *contract.LimitSettings) (*contract.LimitSettings, error) {
		s := p.settings.Limits
		if p.settings.CustomerLimits == nil {
			return &s, nil
		}
		l, err := p.settings.CustomerLimits(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the budget of customers: %w", err)
		}
		if l != nil {
			s.Customers = l
		}
		return &s, nil
	})
}

func (p *Publisher) reconcileModels(ctx context.Context, seen map[string]bool) error {
	ids, err := p.deployments.IDs(ctx)
	if err != nil {
		return fmt.Errorf("list deployments: %w", err)
	}
	for _, id := range ids {
		seen[contract.DeploymentKey(id)] = true
	}
	return p.reconcileObjects(ctx, store.KindModel, ids)
}

func (p *Publisher) reconcilePrincipals(ctx context.Context, seen map[string]bool) error {
	pages := append([]page{
		{store.KindKey, contract.VirtualKeyKey, func(after string) ([]string, error) {
			rows, err := p.store.KeysAfter(ctx, p.store.DB(), db.KeysAfterParams{After: after, PageSize: reconcilePage})
			return collect(rows, func(r db.VerificationToken) string { return r.Token }), err
		}},
		{store.KindKey, contract.VirtualKeyKey, func(after string) ([]string, error) {
			return p.store.KeyFormerAfter(ctx, p.store.DB(), db.KeyFormerAfterParams{After: after, PageSize: reconcilePage})
		}},
		{store.KindTeam, contract.TeamKey, func(after string) ([]string, error) {
			rows, err := p.store.TeamsAfter(ctx, p.store.DB(), db.TeamsAfterParams{After: after, PageSize: reconcilePage})
			return collect(rows, func(r db.TeamTable) string { return r.TeamID }), err
		}},
		{store.KindUser, contract.UserKey, func(after string) ([]string, error) {
			rows, err := p.store.UsersAfter(ctx, p.store.DB(), db.UsersAfterParams{After: after, PageSize: reconcilePage})
			return collect(rows, func(r db.UserTable) string { return r.UserID }), err
		}},
	}, p.budgetedPages(ctx)...)
	for _, page := range pages {
		after := ""
		for {
			ids, err := page.next(after)
			if err != nil {
				return fmt.Errorf("read %ss: %w", page.kind, err)
			}
			if len(ids) == 0 {
				break
			}
			for _, id := range ids {
				seen[page.key(id)] = true
			}
			if err := p.reconcileObjects(ctx, page.kind, ids); err != nil {
				return err
			}
			after = ids[len(ids)-1]
		}
	}
	return nil
}

func collect[Row any](rows []Row, id func(Row) string) []string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = id(r)
	}
	return ids
}

func (p *Publisher) reconcileObjects(ctx context.Context, kind store.Kind, ids []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, id := range ids {
		g.Go(func() error { return p.publish(ctx, store.Change{Kind: kind, ObjectID: id}) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("reconcile %ss: %w", kind, err)
	}
	return nil
}

// removeUnknown publishes the end of objects that the bucket holds and the
// tables do not, and forgets those that ended long ago.
func (p *Publisher) removeUnknown(ctx context.Context, bucket string, prefixes []string, seen map[string]bool) error {
	kv, err := p.js.KeyValue(ctx, bucket)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	lister, err := kv.ListKeys(ctx)
	if err != nil {
		return fmt.Errorf("list bucket %s: %w", bucket, err)
	}
	var unknown []string
	for key := range lister.Keys() {
		if !seen[key] && hasPrefix(key, prefixes) {
			unknown = append(unknown, key)
		}
	}
	for _, key := range unknown {
		if err := p.remove(ctx, kv, key); err != nil {
			return err
		}
	}
	return nil
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func (p *Publisher) remove(ctx context.Context, kv jetstream.KeyValue, key string) error {
	entry, err := kv.Get(ctx, key)
	if err != nil {
		return nil //nolint:nilerr // gone in the meantime, or the next round sees it again
	}
	var head contract.Head
	if json.Unmarshal(entry.Value(), &head) == nil && head.Deleted {
		if time.Since(head.At) > tombstoneAge {
			if err := kv.Purge(ctx, key, jetstream.LastRevision(entry.Revision())); err != nil {
				return fmt.Errorf("purge %s: %w", kv.Bucket(), err)
			}
		}
		return nil
	}
	kind, id, err := objectOf(key)
	if err != nil {
		return err
	}
	// Publishing reads the table again: an object that was made since the
	// listing is not taken for a deleted one.
	return p.publish(ctx, store.Change{Kind: kind, ObjectID: id})
}

func objectOf(key string) (store.Kind, string, error) {
	class, token, _ := strings.Cut(key, ".")
	kinds := map[string]store.Kind{
		"key": store.KindKey, "team": store.KindTeam, "user": store.KindUser, "model": store.KindModel, "accessgroup": store.KindAccessGroup,
		"member": store.KindMember, "org": store.KindOrg, "customer": store.KindCustomer, "tag": store.KindTag,
		"jwt": store.KindJWTMapping,
	}
	kind, ok := kinds[class]
	if !ok {
		return "", "", fmt.Errorf("bucket key of unknown class %q", class)
	}
	if kind == store.KindKey || kind == store.KindMember || kind == store.KindJWTMapping {
		return kind, token, nil
	}
	id, err := contract.IDOfToken(token)
	if err != nil {
		return "", "", fmt.Errorf("bucket key of class %q: %w", class, err)
	}
	return kind, id, nil
}
