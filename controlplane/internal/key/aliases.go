package key

import (
	"context"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// AliasQuery is the query of /key/aliases.
type AliasQuery struct {
	Page, Size int
	// Search is a part of an alias, in whatever case.
	Search string
}

// Aliases is the reply of /key/aliases.
type Aliases struct {
	Aliases     []string `json:"aliases"`
	TotalCount  int64    `json:"total_count"`
	CurrentPage int      `json:"current_page"`
	TotalPages  int64    `json:"total_pages"`
	Size        int      `json:"size"`
}

// Aliases returns one page of the aliases of keys in their order: of all keys, or
// of the caller's own and those of their teams.
func (s *Service) Aliases(ctx context.Context, who caller.Caller, q AliasQuery) (Aliases, error) {
	p := db.KeyAliasesParams{
		PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	}
	if q.Search != "" {
		p.Search = new("%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Search) + "%")
	}
	switch may := who.May(); {
	case may.Sees():
	case who.UserID == "":
		p.Token = &who.KeyHash
	default:
		teams, _, err := s.teamsOf(ctx, who)
		if err != nil {
			return Aliases{}, err
		}
		p.UserID, p.Teams = &who.UserID, teams
	}
	names, err := s.store.KeyAliases(ctx, s.store.Reader(), p)
	if err != nil {
		return Aliases{}, fmt.Errorf("list aliases of keys: %w", err)
	}
	f := db.KeyAliasCountParams{Search: p.Search, Token: p.Token, UserID: p.UserID, Teams: p.Teams}
	total, err := s.counted(ctx, "aliases of keys", f, func(ctx context.Context) (int64, error) { return s.store.KeyAliasCount(ctx, s.store.Reader(), f) })
	if err != nil {
		return Aliases{}, err
	}
	size := int64(q.Size)
	return Aliases{Aliases: names, TotalCount: total, CurrentPage: q.Page, TotalPages: (total + size - 1) / size, Size: q.Size}, nil
}
