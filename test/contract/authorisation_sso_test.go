package contract_test

import (
	"net/http"
	"testing"
)

// mapping makes a mapping of a fresh claim value, and returns its id.
func (f *fixture) mapping(t *testing.T) string {
	t.Helper()
	made := f.Master().Post(t, "/jwt/key/mapping/new", map[string]any{"jwt_claim_name": "sub", "jwt_claim_value": f.fresh(), "key": f.target(t)}).OK(t)
	id, _ := made["id"].(string)
	return id
}

// addIdentityRows adds the routes of identity providers. The fixture has none, so
// whoever wants to log in by one is told so.
func addIdentityRows(all map[string]row) {
	all["POST /jwt/key/mapping/new"] = row{adminOnly, "", func(f *scene) any {
		return map[string]any{"jwt_claim_name": "sub", "jwt_claim_value": f.fresh(), "key": f.target(f.t)}
	}}
	all["POST /jwt/key/mapping/update"] = row{adminOnly, "", func(f *scene) any {
		return map[string]any{"id": f.mapping(f.t), "description": "d"}
	}}
	all["POST /jwt/key/mapping/delete"] = row{adminOnly, "", func(f *scene) any { return map[string]any{"id": f.mapping(f.t)} }}
	all["GET /jwt/key/mapping/list"] = row{adminOnly, "", nil}
	all["GET /jwt/key/mapping/info"] = row{adminOnly.but(http.StatusNotFound), "?id=nobody's", nil}
	all["GET /sso/key/generate"] = row{public.but(http.StatusNotFound), "", nil}
	all["GET /sso/callback"] = row{public.but(http.StatusNotFound), "", nil}
}
