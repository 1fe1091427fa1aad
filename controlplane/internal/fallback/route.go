package fallback

import (
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// lists are the fallbacks of the settings, by their types.
func lists(s *contract.RouterSettings) map[string]*[]contract.Fallback {
	return map[string]*[]contract.Fallback{
		general: &s.Fallbacks, contextWindow: &s.ContextWindowFallbacks, contentPolicy: &s.ContentPolicyFallbacks,
	}
}

// inFile returns the fallbacks of the config file, or nil.
func (s *Service) inFile(model, of string) []string {
	list := *lists(&s.file)[of]
	i := slices.IndexFunc(list, func(f contract.Fallback) bool { return f.Model == model })
	if i < 0 {
		return nil
	}
	models := []string{}
	for _, to := range list[i].To {
		models = append(models, to.Model)
	}
	return models
}

// Route lays the stored fallbacks over the settings of the config file.
func (s *Service) Route(ctx context.Context, settings *contract.RouterSettings) error {
	rows, err := s.store.FallbackList(ctx, s.store.DB())
	if err != nil {
		return fmt.Errorf("list fallbacks: %w", err)
	}
	all := lists(settings)
	for of, list := range all { // those of the file are shared with others
		*all[of] = slices.Clone(*list)
	}
	for _, row := range rows {
		list := all[row.FallbackType]
		if list == nil {
			continue
		}
		one := contract.Fallback{Model: row.Model}
		for _, m := range row.FallbackModels {
			one.To = append(one.To, contract.FallbackTarget{Model: m})
		}
		*list = slices.DeleteFunc(*list, func(f contract.Fallback) bool { return f.Model == row.Model })
		*list = append(*list, one)
	}
	return nil
}
