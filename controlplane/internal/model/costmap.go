package model

import (
	"strings"

	"github.com/tianjillm/tianjillm/shared/price"
)

// CostMap returns the prices in use as LiteLLM's model_cost_map: a model by its
// name, with its provider in front where that is not its maker.
func (s *Service) CostMap() map[string]map[string]any {
	all := map[string]map[string]any{}
	for m := range s.prices().All() {
		name := m.Name
		if m.Source == price.Table && m.Provider != "openai" && m.Provider != "anthropic" && !strings.HasPrefix(name, m.Provider+"/") {
			name = m.Provider + "/" + name
		}
		if _, taken := all[name]; taken {
			continue // what is laid over the table comes first
		}
		about := map[string]any{"litellm_provider": m.Provider}
		tell(m, func(name string, value any) { about[name] = value })
		all[name] = about
	}
	return all
}
