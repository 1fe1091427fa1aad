package report

import (
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/money"
)

// TagSpend is what was spent with a tag.
type TagSpend struct {
	Name     string  `json:"name"`
	Spend    float64 `json:"spend"`
	LogCount int64   `json:"log_count"`
}

// IndividualTag is the same as /spend/tags shows it.
type IndividualTag struct {
	Tag        string  `json:"individual_request_tag"`
	LogCount   int64   `json:"log_count"`
	TotalSpend float64 `json:"total_spend"`
}

// TagQuery asks for what was spent with tags.
type TagQuery struct {
	Range

	Tags          []string // empty is all
	Limit, Offset int
}

// Tags returns the tags with which most was spent.
func (s *Service) Tags(ctx context.Context, who caller.Caller, q *TagQuery) ([]TagSpend, error) {
	rows, err := s.tags(ctx, who, q)
	return convert(rows, func(t db.TagTotalsRow) TagSpend { return TagSpend{t.Tag, rounded(t.SpendNano, 4), t.LogCount} }), err
}

// IndividualTags are the same for /spend/tags; without dates of the last days.
func (s *Service) IndividualTags(ctx context.Context, who caller.Caller, q *TagQuery) ([]IndividualTag, error) {
	if !q.Start.Valid {
		q.Range = s.recent()
	}
	rows, err := s.tags(ctx, who, q)
	return convert(rows, func(t db.TagTotalsRow) IndividualTag {
		return IndividualTag{t.Tag, t.LogCount, money.Nano(t.SpendNano).USD()}
	}), err
}

func (s *Service) tags(ctx context.Context, who caller.Caller, q *TagQuery) ([]db.TagTotalsRow, error) {
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return nil, err
	}
	if len(q.Tags) == 0 || slices.Contains(q.Tags, "all-tags") {
		q.Tags = nil
	}
	rows, err := s.store.TagTotals(ctx, s.read, db.TagTotalsParams{
		StartDate: q.Start, EndDate: q.End, Tags: q.Tags, Owner: of.user, ApiKey: of.key, PageSize: int32(q.Limit), Skip: int32(q.Offset), //nolint:gosec // bounded where they are read
	})
	if err != nil {
		return nil, fmt.Errorf("sum spend of tags: %w", err)
	}
	return rows, nil
}

// TagNames are the tags that were ever used.
func (s *Service) TagNames(ctx context.Context) ([]string, error) {
	names, err := s.store.TagNames(ctx, s.read)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return names, nil
}
