package report

import (
	"context"
	"fmt"
)

// mostCustomers bounds a list that LiteLLM does not page.
const mostCustomers = 10_000

// CustomerNames are the customers that requests have named.
func (s *Service) CustomerNames(ctx context.Context) ([]string, error) {
	names, err := s.store.CustomerNames(ctx, s.read, mostCustomers)
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	return names, nil
}
