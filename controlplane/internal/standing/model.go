package standing

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// model is one deployment, or all of a model group and what priorities have of
// it.
func (s *Service) model(ctx context.Context, f *found) error {
	var router contract.RouterSettings
	if _, err := s.record(ctx, s.names.ConfigBucket(), contract.KeyRouterSettings, &router); err != nil {
		return err
	}
	var d contract.Deployment
	known, err := s.record(ctx, s.names.ConfigBucket(), contract.DeploymentKey(f.id), &d)
	if err != nil {
		return err
	}
	if known {
		f.deployment(&d, &router)
		return nil
	}
	group, err := s.group(ctx, f.id)
	if err != nil {
		return err
	}
	var capacity limits.Capacity
	for i := range group {
		f.deployment(&group[i], &router)
		capacity.Add(&group[i])
	}
	var settings contract.LimitSettings
	if _, err := s.record(ctx, s.names.ConfigBucket(), contract.KeyLimitSettings, &settings); err != nil {
		return err
	}
	if p := settings.Priorities; p != nil {
		f.limits = append(f.limits, capacity.Limits(f.id)...)
		shares := capacity.Shares(f.id, p)
		for _, priority := range slices.Sorted(maps.Keys(shares)) {
			f.limits = append(f.limits, shares[priority]...)
		}
	}
	return nil
}

// deployment adds the limits of one, whose names are its id: a group has
// several.
func (f *found) deployment(d *contract.Deployment, router *contract.RouterSettings) {
	set := limits.Enforced(d, router)
	for i := range set.Always {
		set.Always[i].Name = d.ID
	}
	f.exists = true
	f.add(set)
}

// group reads the deployments of a model group.
func (s *Service) group(ctx context.Context, name string) ([]contract.Deployment, error) {
	kv, err := s.js.KeyValue(ctx, s.names.ConfigBucket())
	if err != nil {
		return nil, err
	}
	w, err := kv.Watch(ctx, contract.PrefixDeployment+">", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Stop() }() // fails only when the connection is closed
	var all []contract.Deployment
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e, open := <-w.Updates():
			if !open {
				return nil, jetstream.ErrConsumerDeleted
			}
			if e == nil {
				return all, nil
			}
			var d contract.Deployment
			if json.Unmarshal(e.Value(), &d) == nil && !d.Deleted && d.ModelName == name {
				all = append(all, d)
			}
		}
	}
}
