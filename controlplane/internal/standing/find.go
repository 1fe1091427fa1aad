package standing

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// found is whom a request is about.
type found struct {
	id     string // as it is shown
	exists bool
	limits []limits.Limit
	// of reports whether a caller may see it.
	of func(caller.Caller) bool
}

// kinds are what a request may be about.
func kinds() []string {
	return []string{"key", "user", "team", "organization", "customer", "tag", "model", "provider", "proxy"}
}

func nobody(caller.Caller) bool { return false }

// find reads what data planes are told. An error of the bus is one that nothing
// can be known of.
func (s *Service) find(ctx context.Context, kind, id string) (found, error) {
	f := found{id: id, of: nobody}
	var err error
	switch kind {
	case "key":
		err = s.key(ctx, &f)
	case "user":
		var u contract.User
		f.of = func(c caller.Caller) bool { return id != "" && id == c.UserID }
		if f.exists, err = s.record(ctx, s.names.PrincipalsBucket(), contract.UserKey(id), &u); f.exists {
			f.add(limits.OfUser(&u))
		}
	case "team":
		var t contract.Team
		f.of = func(c caller.Caller) bool { return id != "" && id == c.TeamID }
		if f.exists, err = s.record(ctx, s.names.PrincipalsBucket(), contract.TeamKey(id), &t); f.exists {
			f.add(limits.OfTeam(&t))
		}
	case "organization":
		var o contract.Organization
		if f.exists, err = s.record(ctx, s.names.PrincipalsBucket(), contract.OrgKey(id), &o); f.exists {
			f.add(limits.OfOrg(&o))
		}
	case "customer":
		err = s.customer(ctx, &f)
	case "tag", "provider", "proxy":
		err = s.configured(ctx, kind, &f)
	case "model":
		err = s.model(ctx, &f)
	default:
		return f, apierr.BadRequest("unknown kind %q: want one of %s", kind, strings.Join(kinds(), ", "))
	}
	if err != nil {
		return f, away(err)
	}
	return f, nil
}

// add adds all limits of a set, those for single models in the order of these.
func (f *found) add(set *limits.Set) {
	f.limits = slices.Concat(f.limits, set.Always, set.Dynamic)
	for _, model := range slices.Sorted(maps.Keys(set.Models)) {
		f.limits = append(f.limits, set.Models[model]...)
	}
}

// key is found by its text or its hash, and shown by its hash.
func (s *Service) key(ctx context.Context, f *found) error {
	var k contract.VirtualKey
	f.id = ident.KeyToken(f.id)
	var err error
	if !ident.IsHash(f.id) {
		return nil
	}
	f.exists, err = s.record(ctx, s.names.PrincipalsBucket(), contract.VirtualKeyKey(f.id), &k)
	if !f.exists || err != nil {
		return err
	}
	f.of = func(c caller.Caller) bool { return c.KeyHash == k.Hash || c.UserID != "" && c.UserID == k.UserID }
	f.add(limits.OfKey(&k))
	return nil
}

// customer has the limits for everybody when it has none itself.
func (s *Service) customer(ctx context.Context, f *found) error {
	var c contract.Customer
	var general contract.LimitSettings
	known, err := s.record(ctx, s.names.PrincipalsBucket(), contract.CustomerKey(f.id), &c)
	if err != nil {
		return err
	}
	if _, err := s.record(ctx, s.names.ConfigBucket(), contract.KeyLimitSettings, &general); err != nil {
		return err
	}
	set := limits.OfCustomer(f.id, &c.Limits)
	if set.Empty() && general.Customers != nil {
		known, set = true, limits.OfCustomer(f.id, general.Customers)
	}
	f.exists = known
	f.add(set)
	return nil
}

// configured are those whose limits are in the settings. A tag has a budget
// from there when it has none itself.
func (s *Service) configured(ctx context.Context, kind string, f *found) error {
	var l contract.LimitSettings
	if _, err := s.record(ctx, s.names.ConfigBucket(), contract.KeyLimitSettings, &l); err != nil {
		return err
	}
	switch kind {
	case "proxy":
		f.exists = true
		f.add(limits.OfProxy(&l.Proxy))
	case "provider":
		if b, ok := l.Providers[f.id]; ok {
			f.exists = true
			f.add(limits.OfProvider(f.id, &contract.Limits{Budgets: []contract.Budget{b}}))
		}
	case "tag":
		var t contract.Tag
		known, err := s.record(ctx, s.names.PrincipalsBucket(), contract.TagKey(f.id), &t)
		if err != nil {
			return err
		}
		f.exists = known
		f.add(limits.OfTag(f.id, &t.Limits))
		if b, ok := l.Tags[f.id]; ok && len(t.Limits.Budgets) == 0 {
			f.exists = true
			f.add(limits.OfTag(f.id, &contract.Limits{Budgets: []contract.Budget{b}}))
		}
	}
	return nil
}

// record reads a record, and reports whether it exists.
func (s *Service) record(ctx context.Context, bucket, key string, into contract.Record) (bool, error) {
	kv, err := s.js.KeyValue(ctx, bucket)
	if err != nil {
		return false, err
	}
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(entry.Value(), into); err != nil {
		return false, err
	}
	return !into.Header().Deleted, nil
}
