package report

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// maxUsers bounds the reply of /spend/users.
const maxUsers = 1000

// Users are users by what they spent, who spent most first.
func (s *Service) Users(ctx context.Context, who caller.Caller, id *string) ([]person.View, error) {
	of, err := scopeOf(who, id, nil)
	if err != nil {
		return nil, err
	}
	if of.key != nil { // a key of nobody
		return []person.View{}, nil
	}
	rows, err := s.store.UsersBySpend(ctx, s.read, db.UsersBySpendParams{UserID: of.user, PageSize: maxUsers})
	if err != nil {
		return nil, fmt.Errorf("list users by spend: %w", err)
	}
	return convert(rows, person.Show), nil
}
