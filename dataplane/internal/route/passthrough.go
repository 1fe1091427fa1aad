package route

import (
	"cmp"
	"slices"
)

// Provider returns the deployments of a provider that belong to no team, those
// meant for pass-through routes first. One whose name is a pattern stands for
// its provider, without a model.
func (t *Table) Provider(slug string) []*Deployment {
	var found []*Deployment
	for _, d := range t.byID {
		if d.Provider != slug || d.TeamID != "" {
			continue
		}
		if d.models != nil {
			d = d.bare()
		}
		if d != nil {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b *Deployment) int {
		if x, y := a.passThrough(), b.passThrough(); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return found
}

// passThrough reports whether use_in_pass_through is set.
func (d *Deployment) passThrough() bool {
	return string(d.record.Params["use_in_pass_through"]) == "true"
}

// bare returns the deployment of a pattern without a model, or nil where it
// can not be made. It is kept like those of models.
func (d *Deployment) bare() *Deployment {
	m := d.models
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.byName[""]; known != nil {
		return known.deployment
	}
	cfg := m.config
	cfg.Model = ""
	backend, err := m.builder.Build(cfg)
	if err != nil {
		return nil
	}
	rec := *d.record
	rec.Model = ""
	made := newDeployment(&rec, m.registry.Model(d.ID, ""))
	made.Backend = backend
	m.byName[""] = &model{deployment: made}
	return made
}
