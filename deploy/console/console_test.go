package console_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/console"
)

// try runs a command in an environment, on a terminal of some width.
func try(t *testing.T, width int, environment map[string]string, args ...string) (string, error) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute}
	t.Cleanup(client.CloseIdleConnections)
	var out bytes.Buffer
	err := console.Run(t.Context(), &console.Terminal{
		In: strings.NewReader(""), Out: &out, Zone: time.UTC, Width: width, HTTP: client,
		Lookup: func(name string) (string, bool) { v, ok := environment[name]; return v, ok },
	}, args[0], args[1:])
	return out.String(), err
}

// server answers every request with a body, and tells what it was asked with.
func server(t *testing.T, status int, body string) (url string, asked <-chan *http.Request) {
	t.Helper()
	requests := make(chan *http.Request, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func TestMistakes_are_told_from_failures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"keys", "frobnicate"}, "unknown command 'keys frobnicate'"},
		{[]string{"keys", "lst"}, "did you mean 'list'?"},
		{[]string{"key", "list"}, "did you mean 'tianji keys'?"},
		{[]string{"frobnicate"}, "see 'tianji help'"},
		{[]string{"keys", "create", "--max-budget", "much"}, "want dollars"},
		{[]string{"keys", "create", "--rpm", "1.5"}, "want a whole number"},
		{[]string{"keys", "create", "--metadata", "{"}, "want JSON"},
		{[]string{"keys", "create", "--max-budgt", "5"}, "did you mean --max-budget?"},
		{[]string{"keys", "update", "x"}, "nothing to change"},
		{[]string{"teams", "update", "x"}, "nothing to change"},
		{[]string{"users", "update", "x"}, "nothing to change"},
		{[]string{"models", "update", "x"}, "nothing to change"},
		{[]string{"keys", "info"}, "missing argument: expected KEY|HASH|ALIAS"},
		{[]string{"models", "add", "x"}, "--model is missing"},
		{[]string{"models", "add", "x", "--model", "y", "--params", "[]"}, "want a JSON object"},
		{[]string{"keys", "list", "--url", "nowhere"}, "want http://host:port"},
		{[]string{"keys", "list", "--url", "http://gateway.example.com"}, "no key: set TIANJI_API_KEY or --key"},
	} {
		_, err := try(t, 0, nil, c.args...)
		require.ErrorContains(t, err, c.want, c.args)
		_, usage := errors.AsType[console.UsageError](err)
		require.True(t, usage, c.args)
	}
	_, err := try(t, 0, nil, "keys", "list", "--url", "http://127.0.0.1:1")
	require.ErrorContains(t, err, "is it running? Name another with --url or TIANJI_URL")
	_, usage := errors.AsType[console.UsageError](err)
	require.False(t, usage)
}

func TestHelp_of_every_command(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(console.Summary()) {
		group := strings.Fields(line)[0]
		help, err := try(t, 0, nil, group, "--help")
		require.NoError(t, err)
		require.Contains(t, help, "\nExamples:\n")
	}
	for _, c := range console.Commands() {
		if c == [2]string{"audit", "verify"} { // is not of the API
			continue
		}
		help, err := try(t, 0, nil, c[0], c[1], "--help")
		require.NoError(t, err)
		require.Contains(t, help, "Usage: tianji "+c[0]+" "+c[1])
		require.Contains(t, help, "\nExamples:\n  ")
		require.Contains(t, help, "--json")
		require.Contains(t, help, "env TIANJI_API_KEY, LITELLM_PROXY_API_KEY")
	}
}

func TestEnvironment_says_where_and_who(t *testing.T) {
	t.Parallel()
	url, asked := server(t, http.StatusOK, `{"keys": [], "total_count": 0, "current_page": 1, "total_pages": 0}`)
	for _, environment := range []map[string]string{
		{"TIANJI_URL": url + "/", "TIANJI_API_KEY": "sk-mine"},
		{"LITELLM_PROXY_URL": url, "LITELLM_PROXY_API_KEY": "sk-mine"},
		{"TIANJI_URL": url, "LITELLM_PROXY_URL": "http://127.0.0.1:1", "TIANJI_API_KEY": "sk-mine", "TIANJI_MASTER_KEY": "sk-other"},
	} {
		_, err := try(t, 0, environment, "keys", "list")
		require.NoError(t, err)
		r := <-asked
		require.Equal(t, "/key/list", r.URL.Path)
		require.Equal(t, "Bearer sk-mine", r.Header.Get("Authorization"))
	}
	_, err := try(t, 0, map[string]string{"TIANJI_URL": "http://127.0.0.1:1", "TIANJI_API_KEY": "sk-mine"}, "keys", "list", "--url", url, "--key", "sk-this")
	require.NoError(t, err)
	require.Equal(t, "Bearer sk-this", (<-asked).Header.Get("Authorization"), "flags win")
}

func TestTables_are_harmless_and_fit(t *testing.T) {
	t.Parallel()
	url, _ := server(t, http.StatusOK, `{"keys": [{"key_alias": "\u001b]0;owned\u0007", "token": "x", "spend": 1e-7, "max_budget": 1234567.5},
		{"key_alias": "a-key-with-a-rather-long-alias-that-does-not-fit-into-its-column-at-all-because-nobody-counts", "key_name": "sk-...abcd", "team_id": "search"}],
		"total_count": 12345, "current_page": 1, "total_pages": 6173}`)
	out, err := try(t, 0, nil, "keys", "list", "--url", url)
	require.NoError(t, err)
	require.NotContains(t, out, "\x1b")
	require.Contains(t, out, "$0.0000001")
	require.Contains(t, out, "$1,234,567.50")
	require.Contains(t, out, "because-nobody-counts", "nothing is cut for a file")
	require.Contains(t, out, "2 of 12,345, page 1 of 6173; --page 2 shows more")
	for _, width := range []int{100, 80} {
		out, err = try(t, width, nil, "keys", "list", "--url", url)
		require.NoError(t, err)
		require.Contains(t, out, "…")
		for line := range strings.Lines(out) {
			line = strings.TrimRight(line, "\n")
			require.LessOrEqual(t, utf8.RuneCountInString(line), width, line)
			require.Equal(t, strings.TrimRight(line, " "), line, "no blanks at the end")
		}
	}
}

func TestErrors_of_servers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{http.StatusUnauthorized, `{"error":{"message":"Authentication Error, no such key.","type":"auth_error","code":"401"}}`, "Authentication Error, no such key (status 401): is the key right?"},
		{http.StatusForbidden, `{"error":{"message":"no","code":"403"}}`, "no (status 403): use the key of an admin with --key"},
		{http.StatusNotFound, `{"detail":{"error":"Team not found"}}`, "Team not found (status 404)"},
		{http.StatusUnprocessableEntity, `{"detail":[{"loc":["body","key"],"msg":"Field required","type":"missing"}]}`, "key: Field required (status 422)"},
		{http.StatusBadGateway, "<html>" + strings.Repeat("x", 5000), "Bad Gateway (status 502)"},
		{http.StatusBadRequest, `{"error":"\u001b[31mred"}`, "·[31mred (status 400)"},
		{http.StatusBadRequest, `{"error":"` + strings.Repeat("x", 5000) + `"}`, "xxx… (status 400)"},
		{http.StatusOK, "<html>", "is it TianjiLLM?"},
	} {
		url, _ := server(t, c.status, c.body)
		_, err := try(t, 0, nil, "keys", "list", "--url", url)
		require.ErrorContains(t, err, c.want)
		require.Less(t, len(err.Error()), 1200)
	}
}

func TestAliases_are_looked_up_exactly(t *testing.T) {
	t.Parallel()
	url, _ := server(t, http.StatusOK, `{"keys": [{"key_alias": "my-app-2", "token": "x"}], "total_count": 1, "current_page": 1, "total_pages": 1}`)
	_, err := try(t, 0, nil, "keys", "delete", "my-app", "--url", url)
	require.ErrorContains(t, err, `there is no key with the alias "my-app": see 'tianji keys list'`)
}
