package contract_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

const (
	scimBase   = "/scim/v2"
	scimConfig = mockConfig + "litellm_settings: {store_audit_logs: true}\n"
	userURN    = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN   = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

// provider is an identity provider: a client with a key for SCIM alone.
type provider struct {
	*stack.Stack

	client *stack.Client
}

func newProvider(t *testing.T, o stack.Options) *provider {
	t.Helper()
	o.Config = scimConfig
	s := stack.Start(t, o)
	key := s.NewKey(t, map[string]any{"allowed_routes": []string{"/scim/*"}, "key_alias": "the provider"})
	return &provider{s, s.Client(key).With("Content-Type", "application/scim+json")}
}

// do sends a request and holds the answer against the status and SCIM's media
// type.
func (p *provider) do(t *testing.T, status int, method, path, body string) map[string]any {
	t.Helper()
	r := p.client.Do(t, method, scimBase+path, []byte(body))
	require.Equal(t, status, r.Status, "%s %s: %s", method, path, r.Body)
	if status == http.StatusNoContent {
		require.Empty(t, r.Body)
		return nil
	}
	require.Equal(t, "application/scim+json", r.Header.Get("Content-Type"))
	return r.Object(t)
}

// refused expects an error in SCIM's shape.
func (p *provider) refused(t *testing.T, status int, kind, method, path, body string) {
	t.Helper()
	o := p.do(t, status, method, path, body)
	require.Equal(t, []any{"urn:ietf:params:scim:api:messages:2.0:Error"}, o["schemas"])
	require.Equal(t, fmt.Sprint(status), o["status"])
	require.NotEmpty(t, o["detail"])
	if kind == "" {
		require.NotContains(t, o, "scimType")
	} else {
		require.Equal(t, kind, o["scimType"], "%v", o)
	}
}

func (p *provider) find(t *testing.T, kind, filter string) []any {
	t.Helper()
	o := p.do(t, http.StatusOK, http.MethodGet, "/"+kind+"?filter="+url.QueryEscape(filter), "")
	shape{"schemas": "array", "totalResults": "number", "startIndex": "number", "itemsPerPage": "number", "Resources": "array"}.check(t, o)
	all, _ := o["Resources"].([]any)
	require.InDelta(t, len(all), o["totalResults"], 0)
	return all
}

func text(t *testing.T, o map[string]any, name string) string {
	t.Helper()
	s, ok := o[name].(string)
	require.True(t, ok, "%s of %v", name, o)
	return s
}

// What Okta sends to make a user, in the order in which it does:
// https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/
func TestSCIM_Okta(t *testing.T) {
	t.Parallel()
	p := newProvider(t, stack.Options{DataPlanes: 2})
	require.Empty(t, p.find(t, "Users", `userName eq "test.user@okta.local"`))
	made := p.do(t, http.StatusCreated, http.MethodPost, "/Users", `{
		"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "test.user@okta.local",
		"name": {"givenName": "Test", "familyName": "User"},
		"emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
		"displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true}`)
	shape{
		"schemas": "array", "id": "string", "externalId": "string", "userName": "string", "displayName": "string", "name": "object", "emails": "array",
		"active": "bool", "groups": "array", "meta": "object",
	}.check(t, made)
	meta := shape{"resourceType": "string", "created": "string", "lastModified": "string", "location": "string", "version": "string"}.check(t, made["meta"])
	id := text(t, made, "id")
	require.Equal(t, "test.user@okta.local", id, "as at LiteLLM")
	require.Equal(t, "User", meta["resourceType"])
	require.True(t, strings.HasSuffix(fmt.Sprint(meta["location"]), scimBase+"/Users/"+id), meta["location"])
	require.NotContains(t, made, "password")
	p.refused(t, http.StatusConflict, "uniqueness", http.MethodPost, "/Users", `{"userName":"Test.User@okta.local"}`)

	info, _ := p.Master().Get(t, "/user/info?user_id="+id).OK(t)["user_info"].(map[string]any)
	require.Equal(t, "test.user@okta.local", info["user_email"])
	require.Equal(t, "Test User", info["user_alias"])

	// Okta reads the user and sends all of it back to change it.
	whole := `{"schemas":["` + userURN + `"],"id":"` + id + `","userName":"test.user@okta.local","name":{"givenName":"Another","middleName":"Excited","familyName":"User"},
		"emails":[{"primary":true,"value":"another@okta.local","type":"work","display":"another@okta.local"}],"active":true,"groups":[],"meta":{"resourceType":"User"}}`
	put := p.do(t, http.StatusOK, http.MethodPut, "/Users/"+id, whole)
	require.Equal(t, map[string]any{"formatted": "Another User", "givenName": "Another", "familyName": "User"}, put["name"])
	require.Equal(t, []any{map[string]any{"value": "another@okta.local", "type": "work", "primary": true}}, put["emails"])
	require.Equal(t, "Test User", put["displayName"], "what a PUT does not have stays")
	require.Equal(t, "00ujl29u0le5T6Aj10h7", put["externalId"])

	// It takes the access away with a change that has no path, and gives it back.
	key := p.NewKey(t, map[string]any{"user_id": id})
	atOnce(t, p.Stack, key, "mock")
	off := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`
	require.Equal(t, false, p.do(t, http.StatusOK, http.MethodPatch, "/Users/"+id, off)["active"])
	obeys(t, p.Stack, key, "mock", http.StatusUnauthorized)
	for _, plane := range p.DataPlanes() {
		r := p.Client(key).At(plane).Post(t, chatPath, hello("mock"))
		refusal{http.StatusUnauthorized, "auth_error", "None", "deactivated"}.check(t, r)
		r = p.Client(key).At(plane).Get(t, "/key/info")
		refusal{http.StatusUnauthorized, "auth_error", "None", "deactivated"}.check(t, r)
	}
	require.Len(t, p.find(t, "Users", `active eq false`), 1)
	p.do(t, http.StatusOK, http.MethodPatch, "/Users/"+id, strings.Replace(off, "false", "true", 1))
	obeys(t, p.Stack, key, "mock", http.StatusOK)

	p.do(t, http.StatusNoContent, http.MethodDelete, "/Users/"+id, "")
	p.refused(t, http.StatusNotFound, "", http.MethodGet, "/Users/"+id, "")
	p.refused(t, http.StatusNotFound, "", http.MethodDelete, "/Users/"+id, "")
	obeys(t, p.Stack, key, "mock", http.StatusUnauthorized) // keys go with their user
	actions := map[string]int{}
	entries, _ := p.Master().Get(t, "/audit?page_size=100&table_name=user_table&object_id="+url.QueryEscape(id)).OK(t)["audit_logs"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		actions[text(t, entry, "action")]++
		require.NotEmpty(t, entry["changed_by_api_key"], "the provider's key did it")
	}
	require.Equal(t, map[string]int{"created": 1, "updated": 3, "deleted": 1}, actions)
}

// What Entra ID sends, with its own ways of writing changes:
// https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
func TestSCIM_Entra(t *testing.T) {
	t.Parallel()
	p := newProvider(t, stack.Options{})
	require.Empty(t, p.find(t, "Users", `userName eq "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1"`))
	made := p.do(t, http.StatusCreated, http.MethodPost, "/Users", `{
		"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "userName": "Test_User_ab6490ee", "active": true,
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "7", "department": "x"},
		"emails": [{"type": "home", "value": "home@testuser.com"}, {"primary": true, "type": "work", "value": "Test_User_fd0ea19b@testuser.com"}],
		"meta": {"resourceType": "User"}, "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"}, "roles": []}`)
	id := text(t, made, "id")
	require.Equal(t, "Test_User_fd0ea19b@testuser.com", made["emails"].([]any)[0].(map[string]any)["value"])

	got := p.do(t, http.StatusOK, http.MethodPatch, "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
		{"op":"Replace","path":"emails[type eq \"work\"].value","value":"updatedEmail@microsoft.com"},
		{"op":"Replace","path":"name.familyName","value":"updatedFamilyName"},
		{"op":"Add","path":"nickName","value":"Babs"},
		{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"y"},
		{"op":"Replace","value":{"displayName":"pathless","name.givenName":"dotted","emails[type eq \"home\"].value":"ignored@x.com"}}]}`)
	require.Equal(t, "updatedEmail@microsoft.com", got["emails"].([]any)[0].(map[string]any)["value"])
	require.Equal(t, "pathless", got["displayName"])
	require.Equal(t, "dotted updatedFamilyName", got["name"].(map[string]any)["formatted"])
	for _, value := range []string{`"False"`, `[{"value":"False"}]`, `false`} {
		p.do(t, http.StatusOK, http.MethodPatch, "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":"True"}]}`)
		got = p.do(t, http.StatusOK, http.MethodPatch, "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":`+value+`}]}`)
		require.Equal(t, false, got["active"], value)
	}
	for filter, want := range map[string]int{
		`externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"`: 1, `externalId eq "other"`: 0, `USERNAME Eq "test_user_AB6490ee"`: 1,
		`emails[type eq "work"].value eq "UPDATEDemail@microsoft.com"`: 1, `emails[type eq "home"]`: 0, `emails.value co "@microsoft" and active eq "False"`: 1,
		`userName sw "test_" and displayName eq "PATHLESS"`: 1, `userName sw "test%"`: 0, `name.familyName co "family"`: 1, `id eq "` + id + `"`: 1,
		`userName pr and title eq "x"`: -1,
	} {
		if want < 0 {
			p.refused(t, http.StatusBadRequest, "invalidFilter", http.MethodGet, "/Users?filter="+url.QueryEscape(filter), "")
			continue
		}
		require.Len(t, p.find(t, "Users", filter), want, filter)
	}

	group := p.do(t, http.StatusCreated, http.MethodPost, "/Groups", `{
		"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "displayName", "meta": {"resourceType": "Group"}}`)
	team := text(t, group, "id")
	require.Empty(t, group["members"])
	found := p.do(t, http.StatusOK, http.MethodGet, "/Groups?excludedAttributes=members&filter="+url.QueryEscape(`displayName eq "DISPLAYNAME"`), "")
	require.InDelta(t, 1, found["totalResults"], 0)
	require.NotContains(t, found["Resources"].([]any)[0], "members")
	p.do(t, http.StatusOK, http.MethodPatch, "/Groups/"+team, `{"Operations":[{"op":"Add","path":"members","value":[{"$ref":null,"value":"`+id+`"}]}]}`)
	require.Len(t, p.find(t, "Groups", `id eq "`+team+`" and members eq "`+id+`"`), 1)
	require.Len(t, p.find(t, "Groups", `externalId eq "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"`), 1)
	got = p.do(t, http.StatusOK, http.MethodPatch, "/Groups/"+team, `{"Operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"`+id+`"}]}]}`)
	require.Empty(t, got["members"])
	require.Empty(t, p.find(t, "Groups", `members.value eq "`+id+`"`))
	p.do(t, http.StatusNoContent, http.MethodDelete, "/Groups/"+team, "")
	p.refused(t, http.StatusNotFound, "", http.MethodGet, "/Groups/"+team, "")
}

// Who is in a group is in the team, with all that follows for their keys.
func TestSCIM_groups_are_teams(t *testing.T) {
	t.Parallel()
	p := newProvider(t, stack.Options{})
	for _, name := range []string{"ann", "bob", "eve"} {
		p.do(t, http.StatusCreated, http.MethodPost, "/Users", `{"userName":"`+name+`","emails":[{"value":"`+name+`@example.com"}]}`)
	}
	group := p.do(t, http.StatusCreated, http.MethodPost, "/Groups", `{"displayName":"Devs","members":[{"value":"ann"},{"value":"bob"}]}`)
	team := text(t, group, "id")
	require.Len(t, group["members"], 2)
	member := shape{"value": "string", "display": "string", "type": "string", "$ref": "string"}.check(t, group["members"].([]any)[0])
	require.Equal(t, "ann", member["value"])
	info, _ := p.Master().Get(t, "/team/info?team_id="+team).OK(t)["team_info"].(map[string]any)
	require.Equal(t, "Devs", info["team_alias"])
	require.Len(t, info["members_with_roles"], 2)
	require.Equal(t, team, p.do(t, http.StatusOK, http.MethodGet, "/Users/ann", "")["groups"].([]any)[0].(map[string]any)["value"])

	bobs := p.NewKey(t, map[string]any{"user_id": "bob", "team_id": team})
	anns := p.NewKey(t, map[string]any{"user_id": "ann", "team_id": team})
	atOnce(t, p.Stack, bobs, "mock")
	// Okta's way: the whole object in a change without a path, and one by filter.
	got := p.do(t, http.StatusOK, http.MethodPatch, "/Groups/"+team, `{"Operations":[
		{"op":"replace","value":{"id":"`+team+`","displayName":"Developers"}},
		{"op":"add","path":"members","value":[{"value":"eve","display":"Eve"}]},
		{"op":"remove","path":"members[value eq \"bob\"]"}]}`)
	require.Equal(t, "Developers", got["displayName"])
	require.Len(t, got["members"], 2)
	obeys(t, p.Stack, bobs, "mock", http.StatusUnauthorized) // keys of a team end with the place in it
	atOnce(t, p.Stack, anns, "mock")
	require.Zero(t, p.Scalar(t, "SELECT count(*) FROM team_membership WHERE team_id = $1 AND user_id = 'bob'", team))
	require.EqualValues(t, 2, p.Scalar(t, "SELECT count(*) FROM team_membership WHERE team_id = $1", team))
	require.Zero(t, p.Scalar(t, "SELECT count(*) FROM user_table WHERE user_id = 'bob' AND $1 = ANY(teams)", team))

	// An admin of the team stays one when the provider names all members anew.
	p.Master().Post(t, "/team/member_update", map[string]any{"team_id": team, "user_id": "ann", "role": "admin"}).OK(t)
	p.do(t, http.StatusOK, http.MethodPut, "/Groups/"+team, `{"displayName":"Developers","members":[{"value":"ann"},{"value":"bob"}]}`)
	require.EqualValues(t, 1, p.Scalar(t, `SELECT count(*) FROM team_table WHERE members_with_roles @> '[{"user_id":"ann","role":"admin"}]'`))
	require.EqualValues(t, 2, p.Scalar(t, "SELECT jsonb_array_length(members_with_roles) FROM team_table WHERE team_id = $1", team))

	for body, kind := range map[string]string{
		`{"Operations":[{"op":"add","path":"members","value":[{"value":"nobody"}]}]}`:           "invalidValue",
		`{"Operations":[{"op":"add","path":"members","value":[{"value":"x","type":"Group"}]}]}`: "invalidValue",
		`{"Operations":[{"op":"add","path":"members","value":[{}]}]}`:                           "invalidValue",
		`{"Operations":[{"op":"replace","path":"displayName","value":7}]}`:                      "invalidValue",
		`{"Operations":[{"op":"remove","path":"displayName"}]}`:                                 "invalidValue",
		`{"Operations":[{"op":"replace","value":{"id":"another"}}]}`:                            "mutability",
		`{"Operations":[{"op":"remove","path":"members["}]}`:                                    "invalidPath",
		`{"Operations":[{"op":"remove"}]}`:                                                      "noTarget",
		`{"Operations":[{"op":"move","path":"members"}]}`:                                       "invalidSyntax",
		`{"Operations":[]}`: "invalidSyntax",
		`[]`:                "invalidSyntax",
	} {
		p.refused(t, http.StatusBadRequest, kind, http.MethodPatch, "/Groups/"+team, body)
	}
	before := p.do(t, http.StatusOK, http.MethodGet, "/Groups/"+team, "")
	p.refused(t, http.StatusBadRequest, "invalidValue", http.MethodPatch, "/Groups/"+team, `{"Operations":[
		{"op":"replace","path":"displayName","value":"half"},{"op":"add","path":"members","value":[{"value":"nobody"}]}]}`)
	require.Equal(t, before, p.do(t, http.StatusOK, http.MethodGet, "/Groups/"+team, ""), "all of it or nothing")
	require.EqualValues(t, 1, p.Scalar(t, "SELECT count(*) FROM audit_log WHERE table_name = 'team_table' AND action = 'updated' AND object_id = $1 AND updated_values::jsonb ? 'team_alias'", team))

	p.do(t, http.StatusNoContent, http.MethodDelete, "/Groups/"+team, "")
	obeys(t, p.Stack, anns, "mock", http.StatusUnauthorized)
	require.EqualValues(t, 1, p.Scalar(t, "SELECT count(*) FROM deleted_team_table WHERE team_id = $1", team))
	require.Zero(t, p.Scalar(t, "SELECT count(*) FROM user_table WHERE $1 = ANY(teams)", team))
	require.EqualValues(t, 2, p.Scalar(t, "SELECT count(*) FROM audit_log WHERE table_name = 'verification_token' AND action = 'deleted'"), "bob's key, then ann's")
	for action, want := range map[string]int{"created": 1, "deleted": 1} {
		require.EqualValues(t, want, p.Scalar(t, "SELECT count(*) FROM audit_log WHERE table_name = 'team_table' AND object_id = $1 AND action = $2", team, action), action)
	}
	require.EqualValues(t, 2, p.Scalar(t, "SELECT count(DISTINCT before_value->>'user_id') FROM audit_log WHERE table_name = 'team_membership' AND action = 'deleted' AND before_value->>'user_id' IN ('bob', 'eve')"))
}

func TestSCIM_versions_and_pages(t *testing.T) {
	t.Parallel()
	p := newProvider(t, stack.Options{})
	for i := range 5 {
		p.do(t, http.StatusCreated, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"user-%d"}`, i))
	}
	o := p.do(t, http.StatusOK, http.MethodGet, "/Users?startIndex=2&count=2&attributes=userName", "")
	require.InDelta(t, 5, o["totalResults"], 0)
	require.InDelta(t, 2, o["startIndex"], 0)
	require.InDelta(t, 2, o["itemsPerPage"], 0)
	require.Equal(t, map[string]any{"id": "user-1", "schemas": []any{userURN}, "userName": "user-1"}, o["Resources"].([]any)[0])
	require.Empty(t, p.do(t, http.StatusOK, http.MethodGet, "/Users?count=0", "")["Resources"])
	require.Empty(t, p.do(t, http.StatusOK, http.MethodGet, "/Users?count=-1", "")["Resources"])
	require.Len(t, p.do(t, http.StatusOK, http.MethodGet, "/Users?startIndex=-7&count=100000", "")["Resources"], 5)
	p.refused(t, http.StatusBadRequest, "invalidValue", http.MethodGet, "/Users?count=many", "")
	for _, filter := range []string{`userName eq`, `userName ne "x"`, `userName eq "a" or id eq "b"`, strings.Repeat("(", 50), `emails eq true`} {
		p.refused(t, http.StatusBadRequest, "invalidFilter", http.MethodGet, "/Users?filter="+url.QueryEscape(filter), "")
	}

	path := scimBase + "/Users/user-0"
	first := p.client.Get(t, path)
	version := first.Header.Get("ETag")
	require.True(t, strings.HasPrefix(version, `W/"`), version)
	require.Equal(t, version, first.OK(t)["meta"].(map[string]any)["version"])
	require.Equal(t, http.StatusNotModified, p.client.With("If-None-Match", version).Get(t, path).Status)
	rename := []byte(`{"Operations":[{"op":"replace","path":"userName","value":"renamed"}]}`)
	require.Equal(t, http.StatusOK, p.client.With("If-Match", version).Do(t, http.MethodPatch, path, rename).Status)
	for _, method := range []string{http.MethodPatch, http.MethodPut, http.MethodDelete} {
		require.Equal(t, http.StatusPreconditionFailed, p.client.With("If-Match", version).Do(t, method, path, rename).Status, method)
	}
	// The name is free again, and its id is not.
	again := p.do(t, http.StatusCreated, http.MethodPost, "/Users", `{"userName":"user-0"}`)
	require.NotEqual(t, "user-0", again["id"])
	p.refused(t, http.StatusConflict, "uniqueness", http.MethodPatch, "/Users/user-1", `{"Operations":[{"op":"replace","path":"userName","value":"RENAMED"}]}`)
	p.refused(t, http.StatusConflict, "uniqueness", http.MethodPost, "/Users", `{"userName":"default_user_id"}`)
	for _, body := range []string{`{}`, `{"userName":7}`, `{"userName":"` + strings.Repeat("x", 600) + `"}`, `{"userName":"a\u0000b"}`, `{"userName":"z","active":"maybe"}`} {
		p.refused(t, http.StatusBadRequest, "invalidValue", http.MethodPost, "/Users", body)
	}
	for _, body := range []string{``, `[]`, `"x"`, `{"userName":"a","username":"b"}`} {
		p.refused(t, http.StatusBadRequest, "invalidSyntax", http.MethodPost, "/Users", body)
	}
}

// Users whom somebody else has made are found by their address, and are the
// provider's from then on.
func TestSCIM_takes_over_users(t *testing.T) {
	t.Parallel()
	p := newProvider(t, stack.Options{})
	id := p.NewUser(t, map[string]any{"user_email": "Ann@example.com", "metadata": map[string]any{"mine": true}, "max_budget": 5})
	all := p.find(t, "Users", `userName eq "ann@example.com"`)
	require.Len(t, all, 1)
	require.Equal(t, id, all[0].(map[string]any)["id"])
	require.Equal(t, true, all[0].(map[string]any)["active"])
	p.do(t, http.StatusOK, http.MethodPut, "/Users/"+id, `{"userName":"ann","externalId":"e1","name":{"givenName":"Ann"},"active":true}`)
	info, _ := p.Master().Get(t, "/user/info?user_id="+id).OK(t)["user_info"].(map[string]any)
	meta, _ := info["metadata"].(map[string]any)
	require.Equal(t, map[string]any{
		"mine": true, "scim_active": true, "scim_metadata": map[string]any{"userName": "ann", "externalId": "e1", "givenName": "Ann"},
	}, meta)
	require.InDelta(t, 5, info["max_budget"], 0)
	// An admin who replaces the metadata gives nobody their access back.
	p.do(t, http.StatusOK, http.MethodPatch, "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
	p.Master().Post(t, "/user/update", map[string]any{"user_id": id, "metadata": map[string]any{"other": 1}}).OK(t)
	require.Equal(t, false, p.do(t, http.StatusOK, http.MethodGet, "/Users/"+id, "")["active"])
	p.Master().Post(t, "/user/update", map[string]any{"user_id": id, "metadata": map[string]any{"scim_active": true}}).OK(t)
	require.Equal(t, true, p.do(t, http.StatusOK, http.MethodGet, "/Users/"+id, "")["active"])
	require.Empty(t, p.find(t, "Users", `userName eq "ann@example.com"`), "it has another name now")
	require.Len(t, p.find(t, "Users", `userName eq "ANN"`), 1)
}

func TestSCIM_says_what_it_can(t *testing.T) {
	t.Parallel()
	p := newProvider(t, stack.Options{})
	o := p.do(t, http.StatusOK, http.MethodGet, "/ServiceProviderConfig", "")
	for name, want := range map[string]bool{"patch": true, "bulk": false, "filter": true, "changePassword": false, "sort": false, "etag": true} {
		part, _ := o[name].(map[string]any)
		require.Equal(t, want, part["supported"], name)
	}
	require.Len(t, p.do(t, http.StatusOK, http.MethodGet, "/ResourceTypes", "")["Resources"], 2)
	require.Equal(t, "/Users", p.do(t, http.StatusOK, http.MethodGet, "/ResourceTypes/User", "")["endpoint"])
	require.Len(t, p.do(t, http.StatusOK, http.MethodGet, "/Schemas", "")["Resources"], 2)
	require.Equal(t, "Group", p.do(t, http.StatusOK, http.MethodGet, "/Schemas/"+groupURN, "")["name"])

	// A key for SCIM is for nothing else, and no user can make one.
	require.Equal(t, http.StatusForbidden, p.client.Get(t, "/user/list").Status)
	require.Equal(t, http.StatusForbidden, p.client.Post(t, chatPath, hello("mock")).Status)
	own := p.NewKey(t, map[string]any{"user_id": p.NewUser(t, nil)})
	refused := p.Client(own).Post(t, "/key/generate", map[string]any{"allowed_routes": []string{"/scim/*"}})
	require.Equal(t, http.StatusForbidden, refused.Status, "%s", refused.Body)
	plain := p.Client(own).Post(t, "/key/generate", nil).OK(t)
	require.Equal(t, http.StatusForbidden, p.Client(own).Post(t, "/key/update", map[string]any{"key": plain["key"], "allowed_routes": []string{"/scim/v2/Users"}}).Status)
	r := p.Client(own).Get(t, scimBase+"/Users")
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Equal(t, "application/scim+json", r.Header.Get("Content-Type"))
	var e map[string]any
	require.NoError(t, json.Unmarshal(r.Body, &e))
	require.Equal(t, "401", e["status"])
}
