package contract_test

import "net/http"

func addSCIMRows(all map[string]row) {
	const base = "/scim/v2"
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Users", "/Groups"} {
		all["GET "+base+path] = row{adminOnly, "", nil}
	}
	missing := adminOnly.but(http.StatusNotFound)
	for _, path := range []string{"/ResourceTypes/:id", "/Schemas/:id"} {
		all["GET "+base+path] = row{missing, "", nil}
	}
	patch := func(*scene) any { return `{"Operations":[{"op":"replace","path":"displayName","value":"x"}]}` }
	for _, path := range []string{"/Users", "/Groups"} {
		all["POST "+base+path] = row{adminOnly.but(http.StatusCreated), "", func(f *scene) any {
			return map[string]any{"userName": f.fresh(), "displayName": f.fresh()}
		}}
		all["GET "+base+path+"/:id"] = row{missing, "", nil}
		all["PUT "+base+path+"/:id"] = row{missing, "", patch}
		all["PATCH "+base+path+"/:id"] = row{missing, "", patch}
		all["DELETE "+base+path+"/:id"] = row{missing, "", nil}
	}
}
