package model

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Query selects deployments for /v2/model/info.
type Query struct {
	Model, ID, Search, Team string
	// UserOnly asks for those that User has made.
	UserOnly bool
	User     string
	// NoAutoRouters leaves out deployments that route themselves.
	NoAutoRouters bool
	SortBy        string
	Descending    bool
	Page, Size    int
}

// Page is a page of deployments.
type Page struct {
	Data       []Info `json:"data"`
	TotalCount int    `json:"total_count"`
	Current    int    `json:"current_page"`
	TotalPages int    `json:"total_pages"`
	Size       int    `json:"size"`
}

const autoRouter = "auto_router/"

// Find returns a page of the deployments that are seen.
func (s *Service) Find(ctx context.Context, eyes *Eyes, q *Query) (Page, error) {
	order, err := sorting(q.SortBy)
	if err != nil {
		return Page{}, err
	}
	all, err := s.List(ctx, eyes, "")
	if err != nil {
		return Page{}, err
	}
	all = slices.DeleteFunc(all, func(i Info) bool { return !q.has(&i) })
	if order != nil {
		slices.SortStableFunc(all, func(a, b Info) int {
			if q.Descending {
				a, b = b, a
			}
			return order(&a, &b)
		})
	}
	p := Page{Data: []Info{}, TotalCount: len(all), Current: q.Page, TotalPages: (len(all) + q.Size - 1) / q.Size, Size: q.Size}
	if from := (q.Page - 1) * q.Size; from < len(all) {
		p.Data = all[from:min(from+q.Size, len(all))]
	}
	return p, nil
}

func (q *Query) has(i *Info) bool {
	about := func(name string) string {
		text, _ := i.ModelInfo[name].(string)
		return text
	}
	written, _ := i.LitellmParams["model"].(string)
	switch {
	case q.Model != "" && i.ModelName != q.Model,
		q.ID != "" && about("id") != q.ID,
		q.Team != "" && about("team_id") != q.Team,
		q.UserOnly && (q.User == "" || about("created_by") != q.User),
		q.NoAutoRouters && strings.HasPrefix(written, autoRouter):
		return false
	}
	search := strings.ToLower(q.Search)
	return search == "" || strings.Contains(strings.ToLower(i.ModelName), search) || strings.Contains(strings.ToLower(written), search)
}

// sorting returns the order that a column asks for; nil is that of the list.
func sorting(column string) (func(a, b *Info) int, error) {
	text := func(get func(*Info) string) func(a, b *Info) int {
		return func(a, b *Info) int { return cmp.Compare(strings.ToLower(get(a)), strings.ToLower(get(b))) }
	}
	about := func(name string) func(*Info) string {
		return func(i *Info) string { return fmt.Sprint(i.ModelInfo[name]) }
	}
	switch column {
	case "":
		return nil, nil
	case "model_name":
		return text(func(i *Info) string { return i.ModelName }), nil
	case "created_at", "updated_at":
		return text(about(column)), nil
	case "status":
		return text(about("db_model")), nil
	case "costs":
		return func(a, b *Info) int { return cmp.Compare(cost(a), cost(b)) }, nil
	}
	e := apierr.Invalid("literal_error", "sortBy", "Input should be 'model_name', 'created_at', 'updated_at', 'costs' or 'status'")
	e.Invalid.Loc[0] = "query"
	return nil, e
}

func cost(i *Info) float64 {
	n, _ := number(i.ModelInfo["input_cost_per_token"])
	return n
}
