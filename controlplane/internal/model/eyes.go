package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/access"
)

// Eyes are what somebody sees of the deployments: what they may call, by the
// rule of the data planes.
type Eyes struct {
	all    bool
	team   string
	grants []access.Grant
}

// Everything sees all deployments.
func Everything() *Eyes { return &Eyes{all: true} }

// Eyes returns those of a caller.
func (s *Service) Eyes(ctx context.Context, who caller.Caller) (*Eyes, error) {
	if who.May().Sees() {
		return Everything(), nil
	}
	e := &Eyes{team: who.TeamID}
	if who.KeyHash != "" {
		row, err := s.store.KeyByToken(ctx, s.store.DB(), who.KeyHash)
		if err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		if err := e.grant(ctx, s, row.Models, row.AccessGroupIds); err != nil {
			return nil, err
		}
	}
	if who.TeamID != "" {
		row, err := s.store.TeamByID(ctx, s.store.DB(), who.TeamID)
		if err == nil {
			err = e.grant(ctx, s, row.Models, row.AccessGroupIds)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("read team: %w", err)
		}
		return e, nil
	}
	if who.UserID != "" {
		row, err := s.store.UserByID(ctx, s.store.DB(), who.UserID)
		if err == nil {
			err = e.grant(ctx, s, row.Models, nil)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("read user: %w", err)
		}
	}
	return e, nil
}

func (e *Eyes) grant(ctx context.Context, s *Service, models, groups []string) error {
	g := access.Grant{Models: models}
	if len(groups) > 0 && len(models) > 0 {
		lists, err := s.store.AccessGroupModels(ctx, s.store.DB(), groups)
		if err != nil {
			return fmt.Errorf("read access groups: %w", err)
		}
		for _, list := range lists {
			g.More = append(g.More, list...)
		}
	}
	e.grants = append(e.grants, g)
	return nil
}

// see reports whether a deployment is seen.
func (e *Eyes) see(m *proxyconfig.Model) bool {
	if e.all {
		return true
	}
	if m.Info.TeamID != "" && m.Info.TeamID != e.team {
		return false
	}
	for i := range e.grants {
		g := &e.grants[i]
		if !g.Allows(called(m), m.Info.AccessGroups) && !g.Allows(m.Name, m.Info.AccessGroups) {
			return false
		}
	}
	return true
}

// called is the name that clients ask for.
func called(m *proxyconfig.Model) string {
	if m.Info.TeamID != "" && m.Info.TeamPublicName != "" {
		return m.Info.TeamPublicName
	}
	return m.Name
}
