package contract_test

import "github.com/tianjillm/tianjillm/shared/ident"

// addKeyRows adds the routes of keys beside making, changing and showing one.
func addKeyRows(all map[string]row) {
	adminsOfKey := statuses{401, 401, 403, 403, 401, 403, 403, 403, 403, 200, 200}
	all["GET /key/aliases"] = row{anyKey, "", nil}
	all["POST /key/health"] = row{anyKey, "", nil}
	all["POST /v2/key/info"] = row{anyKey, "", func(f *scene) any { return map[string]any{"keys": []string{ident.HashKey(f.target(f.t))}} }}
	all["POST /key/bulk_update"] = row{adminsOfKey, "", func(f *scene) any {
		return map[string]any{"keys": []map[string]any{{"key": f.target(f.t), "max_budget": 1}}}
	}}
	all["POST /key/:key/reset_spend"] = row{adminsOfKey, "", func(*scene) any { return `{"reset_to":0}` }}
}
