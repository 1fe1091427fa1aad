package key

import (
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// Infos is the reply of /v2/key/info.
type Infos struct {
	Key  []string `json:"key"`
	Info []Row    `json:"info"`
}

// Infos returns several keys, by text or hash, in that order. Those that do not
// exist, or that the caller may not see, are left out.
func (s *Service) Infos(ctx context.Context, who caller.Caller, sent []string) (Infos, error) {
	if err := bounds.CheckLen("keys", len(sent)); err != nil {
		return Infos{}, err //nolint:wrapcheck // it is for the client
	}
	tokens := make([]string, len(sent))
	for i, k := range sent {
		tokens[i] = ident.KeyToken(k)
	}
	rows, err := s.store.KeysRead(ctx, s.store.DB(), tokens)
	if err != nil {
		return Infos{}, fmt.Errorf("read keys: %w", err)
	}
	out := Infos{Key: sent, Info: make([]Row, 0, len(rows))}
	for i := range rows {
		k, err := s.rights(ctx, s.store.DB(), who, &rows[i])
		if err != nil {
			return Infos{}, err
		}
		if who.May().SeesKey(k) {
			out.Info = append(out.Info, View(rows[i]))
		}
	}
	slices.SortFunc(out.Info, func(a, b Row) int { return slices.Index(tokens, a.Token) - slices.Index(tokens, b.Token) })
	infos := make([]*Info, len(out.Info))
	for i := range out.Info {
		infos[i] = &out.Info[i].Info
	}
	return out, s.complete(ctx, s.store.DB(), infos...)
}
