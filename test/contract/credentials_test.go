package contract_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

const sharedCredentials = `
credential_list:
- credential_name: shared
  credential_values: {api_key: os.environ/SHARED_KEY, api_base: BASE}
  credential_info: {description: for all}
model_list:
- {model_name: by-name, litellm_params: {model: openai/gpt-4o, litellm_credential_name: shared}}
- {model_name: own-wins, litellm_params: {model: openai/gpt-4.1, litellm_credential_name: shared, api_key: sk-its-own}}
- {model_name: dangling, litellm_params: {model: openai/gpt-4o, litellm_credential_name: nobody-knows}}
`

// TestCredentials_by_name: models share credentials of the config file, and
// those that come through the API do too.
func TestCredentials_by_name(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{
		Config: strings.Replace(sharedCredentials, "BASE", v.URL(), 1), Env: map[string]string{"SHARED_KEY": fakevendor.Key},
	})
	c := s.Client(s.NewKey(t, nil))
	c.Post(t, chatPath, hello("by-name")).OK(t)
	require.Equal(t, http.StatusUnauthorized, c.Post(t, chatPath, hello("own-wins")).Status)
	require.Equal(t, "Bearer sk-its-own", v.Last(t, "gpt-4.1").Header.Get("Authorization"))
	require.Equal(t, http.StatusBadRequest, c.Post(t, chatPath, hello("dangling")).Status)

	params := map[string]any{"model": "openai/gpt-4o-mini", "litellm_credential_name": "shared"}
	s.Master().Post(t, "/model/new", map[string]any{"model_name": "stored", "litellm_params": params}).OK(t)
	obeys(t, s, s.NewKey(t, nil), "stored", http.StatusOK)
	params["litellm_credential_name"] = "nobody-knows"
	r := s.Master().Post(t, "/model/new", map[string]any{"model_name": "broken", "litellm_params": params})
	refusal{http.StatusBadRequest, "invalid_request_error", nil, `credential_list has no "nobody-knows"`}.check(t, r)
	require.NotContains(t, string(s.Master().Get(t, "/model/info").Body), fakevendor.Key)
}

// clientSide is a gateway whose deployments take a client's credentials in
// several ways, and two vendors: theirs, and one that clients bring.
func clientSide(t *testing.T, general string, env map[string]string) (ours, theirs *fakevendor.Vendor, s *stack.Stack) {
	t.Helper()
	ours, theirs = fakevendor.Start(t), fakevendor.Start(t)
	at := func(name, model, key, takes string) string {
		return "- {model_name: " + name + ", litellm_params: {model: openai/" + model + ", api_base: \"" + ours.URL() + "\", api_key: " + key + takes + "}}\n"
	}
	const takes = ", configurable_clientside_auth_params: "
	config := "model_list:\n" + at("closed", "closed", fakevendor.Key, "") + at("keys", "keys", "sk-of-the-deployment", takes+"[api_key]") +
		at("bases", "bases", fakevendor.Key, takes+"[api_key, api_base]") +
		at("some-bases", "some-bases", fakevendor.Key, takes+`[{api_base: "http://127\\.0\\.0\\.1:[0-9]+/v1$"}]`) +
		"- {model_name: keyless, litellm_params: {model: openai/keyless, api_base: \"" + ours.URL() + "\"" + takes + "[api_key]}}\n" +
		"router_settings: {num_retries: 0}\n" + general
	return ours, theirs, stack.Start(t, stack.Options{Config: config, Env: env, FetchAllow: "127.0.0.0/8"})
}

// with adds members to a chat.
func with(model string, members map[string]any) map[string]any {
	body := hello(model)
	maps.Copy(body, members)
	return body
}

// TestCredentials_of_the_client: a request brings its own where the admin allows
// that, and where not they are cut. The deployment's never go to a host that
// the request names.
func TestCredentials_of_the_client(t *testing.T) {
	t.Parallel()
	ours, theirs, s := clientSide(t, "", map[string]string{"OPENAI_API_KEY": "sk-of-the-environment", "OPENAI_ORGANIZATION": "org-ours"})
	c := s.Client(s.NewKey(t, nil))
	sent := func(v *fakevendor.Vendor, model string) string { return v.Last(t, model).Header.Get("Authorization") }
	theirBase := map[string]any{"api_key": fakevendor.Key, "api_base": theirs.URL()}

	c.Post(t, chatPath, with("closed", map[string]any{"api_key": "sk-mine", "api_base": theirs.URL(), "api_version": "1"})).OK(t)
	require.Equal(t, "Bearer "+fakevendor.Key, sent(ours, "closed"))
	require.Empty(t, theirs.Calls("closed"))

	require.Equal(t, http.StatusUnauthorized, c.Post(t, chatPath, hello("keys")).Status)
	c.Post(t, chatPath, with("keys", theirBase)).OK(t) // the key is taken, the base is not
	require.Equal(t, "Bearer "+fakevendor.Key, sent(ours, "keys"))
	require.Empty(t, theirs.Calls("keys"))

	c.Post(t, chatPath, with("bases", theirBase)).OK(t)
	require.Equal(t, "Bearer "+fakevendor.Key, sent(theirs, "bases"))
	require.Empty(t, ours.Calls("bases"))
	require.Empty(t, theirs.Last(t, "bases").Header.Get("Openai-Organization"))
	require.NotContains(t, string(theirs.Last(t, "bases").Body), "api_")
	without := c.Post(t, chatPath, with("bases", map[string]any{"api_base": theirs.URL()}))
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "do not do for provider openai"}.check(t, without)
	require.Len(t, theirs.Calls("bases"), 1)
	stream := c.Stream(t, chatPath, with("bases", map[string]any{"api_key": fakevendor.Key, "base_url": theirs.URL(), "stream": true}))
	_, err := stream.Rest()
	require.NoError(t, err)
	stream.Close()
	require.Len(t, theirs.Calls("bases"), 2)

	for _, base := range []string{"https://127.0.0.1.example.com/v1", "file:///etc/passwd", "http://user:password@127.0.0.1:1/v1"} {
		r := c.Post(t, chatPath, with("some-bases", map[string]any{"api_base": base}))
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
	}
	c.Post(t, chatPath, with("keyless", map[string]any{"api_key": fakevendor.Key})).OK(t)
	require.Equal(t, "Bearer "+fakevendor.Key, sent(ours, "keyless"))
	for _, call := range append(theirs.Calls("bases"), theirs.Calls("some-bases")...) {
		require.NotContains(t, fmt.Sprint(call.Header), "sk-of-the")
	}
}

// TestCredentials_keyless_deployment: one that has none of its own says so.
func TestCredentials_keyless_deployment(t *testing.T) {
	t.Parallel()
	_, theirs, s := clientSide(t, "general_settings: {allow_client_side_credentials: true}\n", nil)
	c := s.Client(s.NewKey(t, nil))
	r := c.Post(t, chatPath, hello("keyless"))
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "send api_key in the request"}.check(t, r)
	c.Post(t, chatPath, with("closed", map[string]any{"api_key": fakevendor.Key, "api_base": theirs.URL()})).OK(t)
	require.Len(t, theirs.Calls("closed"), 1)
	form := postForm(t, c, "/v1/audio/transcriptions", []upload{{"file", "a.mp3", "0123456789"}}, "model", "closed", "api_key", fakevendor.Key, "api_base", theirs.URL())
	require.Equal(t, "I hear 10 bytes.", form.OK(t)["text"])
	require.Len(t, theirs.Calls("closed"), 2)
}

// TestCredentials_lead_nowhere_private: without --fetch-allow a request can not
// lead the gateway into its own network, by a name neither.
func TestCredentials_lead_nowhere_private(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: "model_list:\n" + v.Deployment("gpt", "gpt-4o") + "general_settings: {allow_client_side_credentials: true}\n"})
	c := s.Client(s.NewKey(t, nil))
	port := v.URL()[strings.LastIndexByte(v.URL(), ':'):]
	for _, base := range []string{v.URL(), "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://169.254.169.254/latest", "http://10.0.0.1/v1"} {
		r := c.Post(t, chatPath, with("gpt", map[string]any{"api_key": "sk-mine", "api_base": base + "/"}))
		refusal{http.StatusBadRequest, "invalid_request_error", nil, "may not be reached"}.check(t, r)
	}
	require.Empty(t, v.Calls("gpt-4o"))
	c.Post(t, chatPath, hello("gpt")).OK(t)
}
