package model

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
)

// priceFields are the prices that a deployment names. What litellm_params say
// comes before model_info.
func priceFields(m proxyconfig.Model) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	maps.Copy(fields, m.Info.Price.Fields)
	maps.Copy(fields, m.Params.Price.Fields)
	return fields
}

// rateOf returns the prices that a deployment names, or nil when it names
// none.
func rateOf(m proxyconfig.Model) (*price.Rate, error) {
	fields := priceFields(m)
	if len(fields) == 0 {
		return nil, nil //nolint:nilnil // the price table's prices hold
	}
	if m.Info.Mode != "" {
		fields["mode"] = quoted(m.Info.Mode) // decides what some prices are for
	}
	object, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encode prices: %w", err)
	}
	rate, _, problems := price.ParseLiteLLM(object)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return rate, nil
}

// ByName returns a deployment behind a name that clients ask for, or nil: for
// what it costs. Where several share the name it is the first.
func (s *Service) ByName(ctx context.Context, name string) (*contract.Deployment, error) {
	if alias, ok := s.aliases[name]; ok {
		name = alias.Model
	}
	for _, id := range s.order {
		if m := s.file[id]; m.Name == name {
			return s.Deployment(ctx, id, nil)
		}
	}
	rows, err := s.store.ModelList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	for _, row := range rows {
		if row.ModelName == name {
			return s.Deployment(ctx, row.ModelID, nil)
		}
	}
	return nil, nil //nolint:nilnil // there is none
}
