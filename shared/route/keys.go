package route

import "net/http"

// keys are the routes of virtual keys beside making, changing and showing one.
func keys() []Route {
	return []Route{
		{http.MethodGet, "/key/aliases", Control, AnyKey},
		{http.MethodPost, "/v2/key/info", Control, AnyKey},
		{http.MethodPost, "/key/health", Control, AnyKey},
		{http.MethodPost, "/key/bulk_update", Control, Own},
		{http.MethodPost, "/key/:key/reset_spend", Control, Own},
	}
}
