package route

import "net/http"

// identities are the routes of identity providers: by which people log in with
// theirs, and which say what their tokens stand for.
func identities() []Route {
	const mapping = "/jwt/key/mapping"
	return []Route{
		{http.MethodPost, mapping + "/new", Control, Admin},
		{http.MethodPost, mapping + "/update", Control, Admin},
		{http.MethodPost, mapping + "/delete", Control, Admin},
		{http.MethodGet, mapping + "/list", Control, Admin},
		{http.MethodGet, mapping + "/info", Control, Admin},
		{http.MethodGet, "/sso/key/generate", Control, Public},
		{http.MethodGet, "/sso/callback", Control, Public},
	}
}
