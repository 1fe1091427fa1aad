package model

import (
	"context"
	"maps"
	"slices"
)

// Groups returns the names that requests can ask for, patterns such as openai/*
// among them.
func (s *Service) Groups(ctx context.Context) ([]string, error) {
	byID, err := s.Named(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(s.aliases)), maps.Values(byID))
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Named returns the model group of each deployment by its id.
func (s *Service) Named(ctx context.Context) (map[string]string, error) {
	byID := map[string]string{}
	err := s.each(ctx, func(d *deployment) { byID[d.ID] = called(&d.Model) })
	return byID, err
}
